package org.jivesoftware.openfire.user;

import org.jivesoftware.openfire.session.ClientSession;
import org.xmpp.packet.JID;
import org.xmpp.packet.Presence;

/** Stands for org.jivesoftware.openfire.user.PresenceEventListener: only what the plugin uses. */
public interface PresenceEventListener {
    void availableSession(ClientSession session, Presence presence);

    void unavailableSession(ClientSession session, Presence presence);

    void presenceChanged(ClientSession session, Presence presence);

    void subscribedToPresence(JID subscriber, JID authorizer);

    void unsubscribedToPresence(JID unsubscriber, JID recipient);
}
