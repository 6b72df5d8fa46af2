package org.jivesoftware.openfire.spi;

/** Stands for org.jivesoftware.openfire.spi.ConnectionAcceptor: only what the plugin uses. */
public abstract class ConnectionAcceptor {
}
