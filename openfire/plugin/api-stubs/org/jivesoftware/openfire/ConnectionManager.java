package org.jivesoftware.openfire;

/** Stands for org.jivesoftware.openfire.ConnectionManager: only what the plugin uses. */
public interface ConnectionManager {
}
