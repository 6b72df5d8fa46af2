package org.jivesoftware.openfire.streammanagement;

import org.xmpp.packet.Packet;

/** Stands for org.jivesoftware.openfire.streammanagement.StreamManager: only what the plugin uses. */
public class StreamManager {
    public static class UnackedPacket {
        public final Packet packet;

        public UnackedPacket(long x, Packet packet) {
            this.packet = packet;
        }
    }

    public boolean getResume() {
        throw new UnsupportedOperationException();
    }

    public boolean isEnabled() {
        throw new UnsupportedOperationException();
    }
}
