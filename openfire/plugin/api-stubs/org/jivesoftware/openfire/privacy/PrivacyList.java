package org.jivesoftware.openfire.privacy;

import org.xmpp.packet.Packet;

/** Stands for org.jivesoftware.openfire.privacy.PrivacyList: only what the plugin uses. */
public class PrivacyList {
    public boolean shouldBlockPacket(Packet packet) {
        throw new UnsupportedOperationException();
    }
}
