package org.xmpp.component;

import org.xmpp.packet.Packet;

/** Stands for org.xmpp.component.Component: only what the plugin uses. */
public interface Component {
    void processPacket(Packet packet);
}
