package org.jivesoftware.openfire;

/** Stands for org.jivesoftware.openfire.StreamID: only what the plugin uses. */
public interface StreamID {
    String getID();
}
