package org.xmpp.packet;

import org.dom4j.Element;

/** Stands for org.xmpp.packet.IQ: only what the plugin uses. */
public class IQ extends Packet {
    public enum Type {
        get,
        set,
        result,
        error
    }

    public IQ(Type type) {
        throw new UnsupportedOperationException();
    }

    public static IQ createResultIQ(IQ request) {
        throw new UnsupportedOperationException();
    }

    public Type getType() {
        throw new UnsupportedOperationException();
    }

    public Element getChildElement() {
        throw new UnsupportedOperationException();
    }

    public void setChildElement(Element element) {
        throw new UnsupportedOperationException();
    }

    public Element setChildElement(String name, String namespace) {
        throw new UnsupportedOperationException();
    }
}
