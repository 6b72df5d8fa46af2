package org.xmpp.packet;

import org.dom4j.Element;

/** Stands for org.xmpp.packet.Packet: only what the plugin uses. */
public abstract class Packet {
    public Element getElement() {
        throw new UnsupportedOperationException();
    }

    public JID getFrom() {
        throw new UnsupportedOperationException();
    }

    public JID getTo() {
        throw new UnsupportedOperationException();
    }

    public void setFrom(JID from) {
        throw new UnsupportedOperationException();
    }

    public void setTo(JID to) {
        throw new UnsupportedOperationException();
    }

    public String getID() {
        throw new UnsupportedOperationException();
    }

    public void setID(String id) {
        throw new UnsupportedOperationException();
    }

    public void setError(PacketError.Condition condition) {
        throw new UnsupportedOperationException();
    }

    public void setError(PacketError error) {
        throw new UnsupportedOperationException();
    }

    public PacketError getError() {
        throw new UnsupportedOperationException();
    }

    public String toXML() {
        throw new UnsupportedOperationException();
    }
}
