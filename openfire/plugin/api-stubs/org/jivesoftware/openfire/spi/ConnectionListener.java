package org.jivesoftware.openfire.spi;

/** Stands for org.jivesoftware.openfire.spi.ConnectionListener: only what the plugin uses. */
public class ConnectionListener {
    public ConnectionAcceptor getConnectionAcceptor() {
        throw new UnsupportedOperationException();
    }

    public void add(SocketAcceptorEventListener listener) {
        throw new UnsupportedOperationException();
    }

    public void remove(SocketAcceptorEventListener listener) {
        throw new UnsupportedOperationException();
    }

    /** Stands for the real one. */
    public interface SocketAcceptorEventListener {
        void acceptorStarting(ConnectionAcceptor acceptor);

        void acceptorStopping(ConnectionAcceptor acceptor);
    }
}
