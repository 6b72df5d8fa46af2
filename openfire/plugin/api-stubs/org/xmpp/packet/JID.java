package org.xmpp.packet;

/** Stands for org.xmpp.packet.JID: only what the plugin uses. */
public class JID {
    public JID(String jid) {
        throw new UnsupportedOperationException();
    }

    public String getNode() {
        throw new UnsupportedOperationException();
    }

    public String getDomain() {
        throw new UnsupportedOperationException();
    }

    public String getResource() {
        throw new UnsupportedOperationException();
    }

    public String toBareJID() {
        throw new UnsupportedOperationException();
    }
}
