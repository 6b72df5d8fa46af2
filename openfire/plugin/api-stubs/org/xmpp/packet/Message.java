package org.xmpp.packet;

import org.dom4j.Element;

/** Stands for org.xmpp.packet.Message: only what the plugin uses. */
public class Message extends Packet {
    public enum Type {
        normal,
        chat,
        groupchat,
        headline,
        error
    }

    public Message(Element element, boolean skipValidation) {
        throw new UnsupportedOperationException();
    }

    public Type getType() {
        throw new UnsupportedOperationException();
    }

    public Message createCopy() {
        throw new UnsupportedOperationException();
    }
}
