package org.jivesoftware.openfire;

/** Stands for org.jivesoftware.openfire.XMPPServer: only what the plugin uses. */
public class XMPPServer {
    public static XMPPServer getInstance() {
        throw new UnsupportedOperationException();
    }

    public XMPPServerInfo getServerInfo() {
        throw new UnsupportedOperationException();
    }

    public ConnectionManager getConnectionManager() {
        throw new UnsupportedOperationException();
    }

    public IQRouter getIQRouter() {
        throw new UnsupportedOperationException();
    }

    public MessageRouter getMessageRouter() {
        throw new UnsupportedOperationException();
    }
}
