package org.jivesoftware.openfire;

import java.util.Collection;
import org.jivesoftware.openfire.session.ClientSession;
import org.jivesoftware.openfire.session.ComponentSession;
import org.xmpp.packet.JID;

/** Stands for org.jivesoftware.openfire.SessionManager: only what the plugin uses. */
public class SessionManager {
    public static SessionManager getInstance() {
        throw new UnsupportedOperationException();
    }

    public ClientSession getSession(JID jid) {
        throw new UnsupportedOperationException();
    }

    public Collection<ClientSession> getSessions() {
        throw new UnsupportedOperationException();
    }

    public Collection<ComponentSession> getComponentSessions() {
        throw new UnsupportedOperationException();
    }
}
