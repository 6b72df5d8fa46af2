package org.jivesoftware.openfire.auth;

/** Stands for org.jivesoftware.openfire.auth.UnauthorizedException: only what the plugin uses. */
public class UnauthorizedException extends Exception {
    private static final long serialVersionUID = 1L;
}
