package org.jivesoftware.openfire.container;

import java.io.File;

/** Stands for org.jivesoftware.openfire.container.Plugin: only what the plugin uses. */
public interface Plugin {
    void initializePlugin(PluginManager manager, File directory);

    void destroyPlugin();
}
