package org.jivesoftware.openfire.user;

/** Stands for org.jivesoftware.openfire.user.UserNotFoundException: only what the plugin uses. */
public class UserNotFoundException extends Exception {
    private static final long serialVersionUID = 1L;
}
