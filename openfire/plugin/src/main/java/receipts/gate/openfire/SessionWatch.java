package receipts.gate.openfire;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jivesoftware.openfire.SessionManager;
import org.jivesoftware.openfire.event.SessionEventListener;
import org.jivesoftware.openfire.session.ClientSession;
import org.jivesoftware.openfire.session.LocalSession;
import org.jivesoftware.openfire.session.Session;
import org.jivesoftware.openfire.user.PresenceEventListener;
import org.xmpp.packet.JID;
import receipts.gate.core.Faults;
import receipts.gate.core.Presence;

/** Tells the core of users' sessions. Detaching and resuming have no event: {@link #look()} finds them. */
final class SessionWatch implements SessionEventListener, PresenceEventListener {
    /**
     * By class. A check against an interface is cached by the JVM for one interface of a class at a time, which is not this one: with
     * several threads it was a quarter of what the gate takes (JDK-8180450).
     */
    private static final ClassValue<Boolean> OF_CLIENTS = new ClassValue<Boolean>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            return ClientSession.class.isAssignableFrom(type);
        }
    };

    /** That class is in different packages of Openfire 4 and 5; Java 8 makes a class's simple name anew each time. */
    private static final ClassValue<Boolean> OF_BOSH = new ClassValue<Boolean>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            return type.getSimpleName().equals("HttpSession");
        }
    };

    private final Presence presence;
    private final StreamWatch streams;
    private final Set<String> detached = new HashSet<>();

    SessionWatch(Presence presence, StreamWatch streams) {
        this.presence = presence;
        this.streams = streams;
    }

    static boolean isOfClient(Session session) {
        return session != null && OF_CLIENTS.get(session.getClass());
    }

    /** Whether the client uses stream management. Over BOSH it never counts. */
    static boolean isManaged(Session session) {
        return session instanceof LocalSession && !isBosh(session) && ((LocalSession) session).getStreamManager().isEnabled();
    }

    /** Whether its connection has ended, and the server is about to remove it. One that may be resumed stays. */
    static boolean isClosing(Session session) {
        // Openfire 4.2 asks the connection, which a detached session has not.
        return !(session instanceof LocalSession && ((LocalSession) session).isDetached()) && session.isClosed();
    }

    /** Whether its client can have sent what comes from it now. */
    static boolean isOpen(Session session) {
        try {
            return !session.isClosed();
        } catch (NullPointerException gone) {
            // A session of Openfire 4.2 whose time to be resumed is over: its connection is asked, and it has none.
            return false;
        }
    }

    static boolean isBosh(Session session) {
        return OF_BOSH.get(session.getClass());
    }

    /** Of the sessions that were there before the plugin. */
    void begin() {
        for (ClientSession session : SessionManager.getInstance().getSessions()) {
            bound(session);
            if (session.getPresence() != null && session.getPresence().isAvailable()) changed(session, "available", session.getPresence());
        }
    }

    /**
     * Restores the server's own queues. Who returns receipts was asked for no acknowledgement, so that what he has confirmed is still in
     * them, and the server would route it anew when his session ends.
     */
    void end(Consumer<String> log) {
        streams.end();
        for (ClientSession session : SessionManager.getInstance().getSessions()) {
            if (!(session instanceof LocalSession)) continue;
            Faults.contain("A session could not be left", log, () -> {
                if (streams.restore((LocalSession) session) && !((LocalSession) session).isDetached()) StreamWatch.request(session);
            });
        }
    }

    void look() {
        Set<String> now = new HashSet<>();
        for (ClientSession session : SessionManager.getInstance().getSessions()) {
            if (!(session instanceof LocalSession)) continue;
            String stream = session.getStreamID().getID();
            if (((LocalSession) session).isDetached()) {
                now.add(stream);
                if (!detached.contains(stream)) presence.detached(stream);
            } else if (detached.contains(stream)) presence.resumed(stream, session.getPresence().isAvailable());
        }
        detached.clear();
        detached.addAll(now);
    }

    private void bound(Session session) {
        if (!isOfClient(session) || session.getAddress().getNode() == null || session.getAddress().getResource() == null) return;
        if (session instanceof LocalSession) streams.watch((LocalSession) session);
        presence.bound(session.getStreamID().getID(), session.getAddress().toString(), StreamEnd.of(session));
    }

    private void changed(ClientSession session, String state, org.xmpp.packet.Presence stanza) {
        presence.changed(session.getStreamID().getID(), state, stanza.getPriority(), isManaged(session));
    }

    @Override
    public void sessionCreated(Session session) {
        bound(session);
    }

    @Override
    public void resourceBound(Session session) {
        bound(session);
    }

    @Override
    public void sessionDestroyed(Session session) {
        presence.gone(session.getStreamID().getID());
    }

    @Override
    public void anonymousSessionCreated(Session session) {
        // Its user has no account, and nobody keeps anything for it.
    }

    @Override
    public void anonymousSessionDestroyed(Session session) {
        sessionDestroyed(session);
    }

    @Override
    public void availableSession(ClientSession session, org.xmpp.packet.Presence stanza) {
        changed(session, "available", stanza);
    }

    @Override
    public void presenceChanged(ClientSession session, org.xmpp.packet.Presence stanza) {
        changed(session, "available", stanza);
    }

    @Override
    public void unavailableSession(ClientSession session, org.xmpp.packet.Presence stanza) {
        presence.changed(session.getStreamID().getID(), "unavailable", 0, isManaged(session));
    }

    @Override
    public void subscribedToPresence(JID subscriber, JID authorizer) {
        // Of no interest.
    }

    @Override
    public void unsubscribedToPresence(JID unsubscriber, JID recipient) {
        // Of no interest.
    }
}
