package org.jivesoftware.openfire.event;

/** Stands for org.jivesoftware.openfire.event.SessionEventDispatcher: only what the plugin uses. */
public class SessionEventDispatcher {
    public static void addListener(SessionEventListener listener) {
        throw new UnsupportedOperationException();
    }

    public static void removeListener(SessionEventListener listener) {
        throw new UnsupportedOperationException();
    }
}
