package org.jivesoftware.openfire.user;

/** Stands for org.jivesoftware.openfire.user.User: only what the plugin uses. */
public class User {
    public String getUsername() {
        throw new UnsupportedOperationException();
    }
}
