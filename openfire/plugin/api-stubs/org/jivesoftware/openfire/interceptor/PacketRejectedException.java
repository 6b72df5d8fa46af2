package org.jivesoftware.openfire.interceptor;

/** Stands for org.jivesoftware.openfire.interceptor.PacketRejectedException: only what the plugin uses. */
public class PacketRejectedException extends Exception {
    private static final long serialVersionUID = 1L;

    public PacketRejectedException() {
    }
}
