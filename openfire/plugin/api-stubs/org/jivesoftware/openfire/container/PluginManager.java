package org.jivesoftware.openfire.container;

/** Stands for org.jivesoftware.openfire.container.PluginManager: only what the plugin uses. */
public class PluginManager {
}
