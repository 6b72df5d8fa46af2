package org.jivesoftware.util;

/** Stands for org.jivesoftware.util.Version: only what the plugin uses. */
public final class Version {
    private Version() {
    }

    public String getVersionString() {
        throw new UnsupportedOperationException();
    }
}
