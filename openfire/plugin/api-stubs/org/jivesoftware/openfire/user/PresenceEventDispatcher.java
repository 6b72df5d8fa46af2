package org.jivesoftware.openfire.user;

/** Stands for org.jivesoftware.openfire.user.PresenceEventDispatcher: only what the plugin uses. */
public class PresenceEventDispatcher {
    public static void addListener(PresenceEventListener listener) {
        throw new UnsupportedOperationException();
    }

    public static void removeListener(PresenceEventListener listener) {
        throw new UnsupportedOperationException();
    }
}
