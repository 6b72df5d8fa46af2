package receipts.gate.openfire;

import org.dom4j.Element;
import org.jivesoftware.openfire.OfflineMessage;
import org.jivesoftware.openfire.interceptor.PacketInterceptor;
import org.jivesoftware.openfire.interceptor.PacketRejectedException;
import org.jivesoftware.openfire.session.Session;
import org.jivesoftware.openfire.user.UserManager;
import org.jivesoftware.openfire.user.UserNotFoundException;
import org.xmpp.packet.Message;
import org.xmpp.packet.Packet;
import receipts.gate.core.Faults;
import receipts.gate.core.Flush;
import receipts.gate.core.Gate;
import receipts.gate.core.Presence;
import receipts.gate.core.Stanza;

/** Sees all stanzas, on threads and under locks of the server: it only puts things into the core, and never routes or writes. */
final class Interceptor implements PacketInterceptor {
    /** The server asks it for nothing but a text and an error, of which it has none. */
    private static final class Silently extends PacketRejectedException {
        private static final long serialVersionUID = 1L;

        /** The stack, which nobody reads, is most of what an exception costs. */
        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    private final Gate gate;
    private final Presence presence;
    private final String domain;
    private final Requests requests;
    private final OpenfireHost host;

    Interceptor(Gate gate, String domain, Requests requests, OpenfireHost host) {
        this.gate = gate;
        presence = gate.presence();
        this.domain = domain;
        this.requests = requests;
        this.host = host;
    }

    @Override
    public void interceptPacket(Packet packet, Session session, boolean incoming, boolean processed) throws PacketRejectedException {
        long begun = gate.cost.begin();
        try {
            look(packet, session, incoming, processed);
        } catch (PacketRejectedException taken) {
            throw taken;
        } catch (Throwable failure) {
            // The server would log the whole packet. It goes on all the same.
            host.warn("A stanza could not be looked at: " + Faults.name(failure));
        } finally {
            gate.cost.end(begun);
        }
    }

    private void look(Packet packet, Session session, boolean incoming, boolean processed) throws PacketRejectedException {
        if (packet instanceof Message) {
            Message message = (Message) packet;
            if (!incoming) outgoing(message, session, processed);
            else if (!processed) incoming(message, session);
            else handled(message);
        } else if (incoming && !processed && packet instanceof org.xmpp.packet.Presence) {
            if (isLeaving(packet.getElement(), session)) presence.leaves(session.getStreamID().getID());
        } else if (!incoming && !processed && requests.isProbe(packet, session)) throw new Silently();
    }

    /** A client's word that it leaves. For one whose connection has ended the server says the same. */
    private static boolean isLeaving(Element stanza, Session session) {
        return "unavailable".equals(stanza.attributeValue("type")) && stanza.attributeValue("to") == null
            && SessionWatch.isOfClient(session) && SessionWatch.isOpen(session);
    }

    private static void handled(Message message) {
        Watch watch = Watch.current();
        if (watch != null && watch.message == message) watch.handled = true;
    }

    private void incoming(Message message, Session session) throws PacketRejectedException {
        Watch watch = Watch.current();
        if (watch != null && watch.message == message) {
            watch.sender = session;
            if (watch.isSenderClosing()) throw new Silently();
            return;
        }
        if (watch != null && isErrorOf(watch, message)) {
            watch.outcome.bounced(condition(message));
            return;
        }
        AckQueue.Again again = AckQueue.again(message);
        if (again != null) {
            // A dead session's queue. What carries no number goes the way it went without us.
            if (again.known == null || again.known.isNoted()) return;
            presence.returned(again.known, again.stream);
            throw new Silently();
        }
        if (message instanceof TaggedMessage) return;
        Text.Seen seen = Text.read(message.getElement());
        Stanza stanza = Text.stanza(message, seen);
        if (isBetweenUsers(stanza) && isTaken(message, stanza, seen)) throw new Silently();
    }

    /** @return whether it does not go on now */
    private boolean isTaken(Message message, Stanza stanza, Text.Seen seen) {
        String type = message.getElement().attributeValue("type");
        boolean content = seen.content && (type == null || type.equals("chat") || type.equals("normal")) && isThere(stanza.to);
        Gate.Decision decision = gate.offer(stanza, content, content && gate.isLeased() && !gate.isTold(stanza) ? message.toXML() : null);
        if (decision == Gate.Decision.REFUSED) host.refuse(message);
        return decision != Gate.Decision.PASS;
    }

    /** Of a user's session, to another user. Events of a user's own account come from its bare JID. */
    private boolean isBetweenUsers(Stanza stanza) {
        if (stanza.from == null || stanza.to == null || stanza.from.indexOf('/') < 0) return false;
        int node = nodeOfUser(stanza.from);
        return node > 0 && nodeOfUser(stanza.to) > 0 && !stanza.to.regionMatches(0, stanza.from, 0, node + 1);
    }

    /** @return how long the user's name is in a JID of this server; else -1 */
    private int nodeOfUser(String jid) {
        int at = jid.indexOf('@');
        int end = jid.indexOf('/');
        if (end < 0) end = jid.length();
        return at > 0 && end - at - 1 == domain.length() && jid.startsWith(domain, at + 1) ? at : -1;
    }

    private static boolean isThere(String user) {
        try {
            return UserManager.getInstance().getUser(user.substring(0, user.indexOf('@'))) != null;
        } catch (UserNotFoundException nobody) {
            return false;
        }
    }

    private void outgoing(Message message, Session session, boolean processed) throws PacketRejectedException {
        if (!SessionWatch.isOfClient(session)) return;
        if (processed) written(message, session);
        else writing(message, session);
    }

    private void writing(Message message, Session session) throws PacketRejectedException {
        if (message instanceof OfflineMessage) {
            Flush flush = presence.unstored(Text.fingerprint(message), Text.likeness(message), session.getStreamID().getID());
            if (flush == null) throw new Silently();
            Writing.begin(flush);
            return;
        }
        // What this thread watches is looked up for errors only: for each message it was a fifth of what the gate takes.
        Watch watch = isError(message) ? Watch.current() : null;
        if (watch != null && isErrorOf(watch, message)) {
            // An error that is written to nobody: what became of the message is not known.
            if (!watch.isSenderClosing()) watch.outcome.bounced(condition(message));
        } else if (message instanceof TaggedMessage) Writing.begin(((TaggedMessage) message).known);
    }

    private void written(Message message, Session session) {
        if (!(message instanceof TaggedMessage) && !(message instanceof OfflineMessage)) {
            Watch watch = Watch.current();
            if (watch != null && watch.known != null) watch.outcome.other(session.getStreamID().getID());
            return;
        }
        Writing writing = Writing.end();
        if (writing == null) return;
        boolean managed = SessionWatch.isManaged(session);
        if (writing.known != null && writing.known.isNoted()) {
            presence.noted(writing.flush, !writing.stored, managed);
            return;
        }
        if (writing.stored) return;
        String stream = session.getStreamID().getID();
        if (writing.flush != null) {
            if (writing.known != null) presence.flushed(writing.known, stream, managed);
            return;
        }
        presence.sent(writing.known, ((TaggedMessage) message).copy, stream, managed);
        Watch watch = Watch.current();
        if (watch != null && watch.known == writing.known) watch.outcome.sent(stream, session.getAddress().toString());
    }

    /** An error that the server makes of the message that this thread routes: a copy of it, or the message itself. */
    private static boolean isErrorOf(Watch watch, Message message) {
        if (!isError(message)) return false;
        return message == watch.message || watch.known != null && message instanceof TaggedMessage && ((TaggedMessage) message).known == watch.known;
    }

    private static boolean isError(Message message) {
        return "error".equals(message.getElement().attributeValue("type"));
    }

    private static String condition(Message message) {
        return message.getError() == null || message.getError().getCondition() == null ? null : message.getError().getCondition().toXMPP();
    }
}
