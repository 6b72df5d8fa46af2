package org.jivesoftware.openfire.spi;

import java.util.Set;
import org.jivesoftware.openfire.ConnectionManager;

/** Stands for org.jivesoftware.openfire.spi.ConnectionManagerImpl: only what the plugin uses. */
public class ConnectionManagerImpl implements ConnectionManager {
    public Set<ConnectionListener> getListeners(ConnectionType type) {
        throw new UnsupportedOperationException();
    }
}
