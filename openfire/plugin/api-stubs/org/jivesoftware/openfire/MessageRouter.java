package org.jivesoftware.openfire;

import org.xmpp.packet.Message;

/** Stands for org.jivesoftware.openfire.MessageRouter: only what the plugin uses. */
public class MessageRouter {
    public void route(Message message) {
        throw new UnsupportedOperationException();
    }
}
