package org.jivesoftware.openfire.auth;

/** Stands for org.jivesoftware.openfire.auth.AuthToken: only what the plugin uses. */
public class AuthToken {
    public String getUsername() {
        throw new UnsupportedOperationException();
    }
}
