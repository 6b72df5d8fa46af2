package org.xmpp.packet;

/** Stands for org.xmpp.packet.Presence: only what the plugin uses. */
public class Presence extends Packet {
    public boolean isAvailable() {
        throw new UnsupportedOperationException();
    }

    public int getPriority() {
        throw new UnsupportedOperationException();
    }
}
