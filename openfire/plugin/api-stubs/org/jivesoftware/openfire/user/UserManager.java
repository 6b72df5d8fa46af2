package org.jivesoftware.openfire.user;

/** Stands for org.jivesoftware.openfire.user.UserManager: only what the plugin uses. */
public class UserManager {
    public static UserManager getInstance() {
        throw new UnsupportedOperationException();
    }

    public User getUser(String name) throws UserNotFoundException {
        throw new UnsupportedOperationException();
    }
}
