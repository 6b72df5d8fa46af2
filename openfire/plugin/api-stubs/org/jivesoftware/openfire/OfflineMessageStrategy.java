package org.jivesoftware.openfire;

/** Stands for org.jivesoftware.openfire.OfflineMessageStrategy: only what the plugin uses. */
public class OfflineMessageStrategy {
    public static void addListener(OfflineMessageListener listener) {
        throw new UnsupportedOperationException();
    }

    public static void removeListener(OfflineMessageListener listener) {
        throw new UnsupportedOperationException();
    }
}
