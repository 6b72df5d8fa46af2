package org.jivesoftware.openfire.spi;

/** Stands for org.jivesoftware.openfire.spi.ConnectionType: only what the plugin uses. */
public enum ConnectionType {
    SOCKET_C2S
}
