package org.jivesoftware.openfire.session;

import org.jivesoftware.openfire.StreamID;
import org.xmpp.packet.JID;
import org.xmpp.packet.Packet;

/** Stands for org.jivesoftware.openfire.session.Session: only what the plugin uses. */
public interface Session {
    JID getAddress();

    StreamID getStreamID();

    void process(Packet packet);

    void deliverRawText(String text);

    boolean isClosed();

    void close();
}
