package org.jivesoftware.openfire;

/** Stands for org.jivesoftware.openfire.Connection: only what the plugin uses. */
public interface Connection {
}
