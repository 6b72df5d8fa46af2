package receipts.gate.openfire;

import org.jivesoftware.openfire.OfflineMessage;
import org.jivesoftware.openfire.interceptor.PacketInterceptor;
import org.jivesoftware.openfire.interceptor.PacketRejectedException;
import org.jivesoftware.openfire.session.ClientSession;
import org.jivesoftware.openfire.session.Session;
import org.jivesoftware.openfire.user.UserManager;
import org.jivesoftware.openfire.user.UserNotFoundException;
import org.xmpp.packet.JID;
import org.xmpp.packet.Message;
import org.xmpp.packet.Packet;
import receipts.gate.core.Gate;
import receipts.gate.core.Known;
import receipts.gate.core.Presence;
import receipts.gate.core.Stanza;

/** Sees all stanzas, on threads and under locks of the server: it only puts things into the core, and never routes or writes. */
final class Interceptor implements PacketInterceptor {
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
        } finally {
            gate.cost.end(begun);
        }
    }

    private void look(Packet packet, Session session, boolean incoming, boolean processed) throws PacketRejectedException {
        if (packet instanceof Message) {
            Message message = (Message) packet;
            if (!incoming) outgoing(message, session, processed);
            else if (!processed) incoming(message);
            else handled(message);
        } else if (!incoming && !processed && requests.isProbe(packet, session)) throw new PacketRejectedException();
    }

    private static void handled(Message message) {
        Watch watch = Watch.current();
        if (watch != null && watch.message == message) watch.handled = true;
    }

    private void incoming(Message message) throws PacketRejectedException {
        Watch watch = Watch.current();
        if (watch != null && watch.message == message) return;
        if (watch != null && isErrorOf(watch, message)) {
            watch.outcome.bounced(condition(message));
            return;
        }
        AckQueue.Again again = AckQueue.again(message);
        if (again != null) {
            // A dead session's queue. What carries no number goes the way it went without us.
            if (again.known == null) return;
            presence.returned(again.known, again.stream);
            throw new PacketRejectedException();
        }
        if (message instanceof TaggedMessage) return;
        Text.strip(message.getElement());
        if (isBetweenUsers(message) && isTaken(message)) throw new PacketRejectedException();
    }

    /** @return whether it does not go on now */
    private boolean isTaken(Message message) {
        Message.Type type = message.getType();
        boolean content = (type == Message.Type.chat || type == Message.Type.normal) && Text.isContent(message.getElement()) && isThere(message.getTo());
        Stanza stanza = Text.stanza(message);
        Gate.Decision decision = gate.offer(stanza, content, content && gate.isLeased() ? message.toXML() : null);
        if (decision == Gate.Decision.REFUSED) host.refuse(message);
        return decision != Gate.Decision.PASS;
    }

    /** Of a user's session, to another user. Events of a user's own account come from its bare JID. */
    private boolean isBetweenUsers(Message message) {
        JID from = message.getFrom();
        JID to = message.getTo();
        return from != null && to != null && from.getResource() != null && from.getNode() != null && to.getNode() != null
            && domain.equals(from.getDomain()) && domain.equals(to.getDomain()) && !from.getNode().equals(to.getNode());
    }

    private static boolean isThere(JID user) {
        try {
            return UserManager.getInstance().getUser(user.getNode()) != null;
        } catch (UserNotFoundException nobody) {
            return false;
        }
    }

    private void outgoing(Message message, Session session, boolean processed) {
        if (!(session instanceof ClientSession)) return;
        if (processed) written(message, session);
        else writing(message);
    }

    private void writing(Message message) {
        if (message instanceof OfflineMessage) {
            Known known = presence.unstored(Text.fingerprint(message));
            if (known != null) Writing.begin(known, true);
            return;
        }
        Watch watch = Watch.current();
        if (watch != null && isErrorOf(watch, message)) watch.outcome.bounced(condition(message));
        else if (message instanceof TaggedMessage) Writing.begin(((TaggedMessage) message).known, false);
    }

    private void written(Message message, Session session) {
        if (!(message instanceof TaggedMessage) && !(message instanceof OfflineMessage)) return;
        Writing writing = Writing.end();
        if (writing == null || writing.stored) return;
        String stream = session.getStreamID().getID();
        boolean managed = SessionWatch.isManaged(session);
        if (writing.flush) {
            presence.flushed(writing.known, stream, managed);
            return;
        }
        presence.sent(writing.known, ((TaggedMessage) message).copy, stream, managed);
        Watch watch = Watch.current();
        if (watch != null && watch.known == writing.known) watch.outcome.sent(stream, session.getAddress().toString());
    }

    /** An error that the server makes of the message that this thread routes: a copy of it, or the message itself. */
    private static boolean isErrorOf(Watch watch, Message message) {
        if (message.getType() != Message.Type.error) return false;
        return message == watch.message || watch.known != null && message instanceof TaggedMessage && ((TaggedMessage) message).known == watch.known;
    }

    private static String condition(Message message) {
        return message.getError() == null || message.getError().getCondition() == null ? null : message.getError().getCondition().toXMPP();
    }
}
