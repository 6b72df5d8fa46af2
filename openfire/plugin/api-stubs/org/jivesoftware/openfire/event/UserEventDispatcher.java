package org.jivesoftware.openfire.event;

/** Stands for org.jivesoftware.openfire.event.UserEventDispatcher: only what the plugin uses. */
public class UserEventDispatcher {
    public static void addListener(UserEventListener listener) {
        throw new UnsupportedOperationException();
    }

    public static void removeListener(UserEventListener listener) {
        throw new UnsupportedOperationException();
    }
}
