package org.jivesoftware.openfire.session;

import org.jivesoftware.openfire.Connection;
import org.jivesoftware.openfire.streammanagement.StreamManager;

/** Stands for org.jivesoftware.openfire.session.LocalSession: only what the plugin uses. */
public abstract class LocalSession implements Session {
    public boolean isDetached() {
        throw new UnsupportedOperationException();
    }

    public Connection getConnection() {
        throw new UnsupportedOperationException();
    }

    /** Openfire 4.2 has it not. */
    public boolean getHasReceivedEndOfStream() {
        throw new UnsupportedOperationException();
    }

    public StreamManager getStreamManager() {
        throw new UnsupportedOperationException();
    }
}
