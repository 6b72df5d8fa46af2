package receipts.gate.openfire;

import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.dom4j.DocumentException;
import org.dom4j.DocumentHelper;
import org.dom4j.Element;
import org.dom4j.QName;
import org.jivesoftware.openfire.SessionManager;
import org.jivesoftware.openfire.XMPPServer;
import org.jivesoftware.openfire.privacy.PrivacyList;
import org.jivesoftware.openfire.session.ClientSession;
import org.jivesoftware.openfire.session.ComponentSession;
import org.jivesoftware.openfire.session.Session;
import org.slf4j.Logger;
import org.xmpp.component.IQResultListener;
import org.xmpp.packet.IQ;
import org.xmpp.packet.JID;
import org.xmpp.packet.Message;
import org.xmpp.packet.PacketError;
import receipts.gate.core.Acknowledgement;
import receipts.gate.core.Entry;
import receipts.gate.core.Events;
import receipts.gate.core.Faults;
import receipts.gate.core.Flush;
import receipts.gate.core.Gate;
import receipts.gate.core.Host;
import receipts.gate.core.Outcome;
import receipts.gate.core.Presence;
import receipts.gate.core.Tokens;

/** Calls the server, on the gate's own threads. */
final class OpenfireHost implements Host {
    private static final QName GATE = QName.get("gate", Events.NAMESPACE);
    private static final QName MESSAGE = QName.get("message");
    private static final QName STORED = QName.get("stored", Acknowledgement.NAMESPACE);
    private static final QName NO_STORE = QName.get("no-store", "urn:xmpp:hints");

    private final XMPPServer server = XMPPServer.getInstance();
    private final SessionManager sessions = SessionManager.getInstance();
    private final String domain;
    private final ScheduledExecutorService executor;
    private final Executor routing;
    private final Logger log;
    private final boolean isNetty = isNetty();
    private Gate gate;
    private JID component;

    OpenfireHost(String domain, ScheduledExecutorService executor, Executor routing, Logger log) {
        this.domain = domain;
        this.executor = executor;
        this.routing = routing;
        this.log = log;
    }

    /** It has threads of its own write. The MINA of older ones closes a connection within the write that fails, under whatever locks its caller has. */
    private static boolean isNetty() {
        try {
            Class.forName("org.jivesoftware.openfire.nio.NettyConnection", false, XMPPServer.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError older) {
            return false;
        }
    }

    void serve(Gate served) {
        gate = served;
        component = new JID(served.settings.component);
    }

    @Override
    public void execute(Runnable task) {
        executor.execute(contained(task));
    }

    @Override
    public void route(Runnable task) {
        routing.execute(task);
    }

    @Override
    public void later(long delay, Runnable task) {
        executor.schedule(contained(task), delay, TimeUnit.MILLISECONDS);
    }

    /** An executor with timers says nothing of what a task throws. */
    private Runnable contained(Runnable task) {
        return () -> Faults.contain("A task of the gate has failed", log::warn, task);
    }

    @Override
    public void log(String text) {
        log.info(text);
    }

    @Override
    public void warn(String text) {
        log.warn(text);
    }

    @Override
    public Outcome carryOut(Entry entry) {
        Message message = (Message) entry.packet;
        switch (entry.kind) {
            case DELIVER: return deliver(entry, message);
            case TELL: return tell(message);
            default: return route(entry, message);
        }
    }

    private Outcome route(Entry entry, Message message) {
        // The message that is stored goes on, whatever becomes of its acknowledgement.
        if (entry.acknowledgement() != null) Faults.contain("An acknowledgement could not be written", log::warn, () -> acknowledge(entry.acknowledgement()));
        long begun = gate.cost.begin();
        Message routed = entry.isTagged() ? new TaggedMessage(message.getElement(), entry.known, 1) : message;
        Watch watch = Watch.begin(routed, entry.isTagged() ? entry.known : null);
        gate.cost.end(begun);
        try {
            server.getMessageRouter().route(routed);
        } finally {
            watch.end();
            Writing.end();
        }
        if (watch.handled || !watch.outcome.isEmpty()) return watch.outcome;
        return watch.isSenderClosing() ? watch.outcome.later() : watch.outcome.refused();
    }

    /** Into the session that has sent the message, also when it is detached; to nobody when it has ended. */
    private void acknowledge(Acknowledgement stored) {
        ClientSession session = stored.stream == null ? sessions.getSession(new JID(stored.sender)) : find(stored.stream, stored.sender);
        if (session == null) return;
        Element element = DocumentHelper.createElement(MESSAGE);
        element.addElement(STORED).addAttribute("id", stored.id).addAttribute("to", stored.recipient).addAttribute("durability", stored.durability);
        element.addElement(NO_STORE);
        Message message = new Message(element, true);
        message.setFrom(component);
        message.setTo(session.getAddress());
        message.setID(Tokens.id());
        session.process(message);
    }

    /** Straight into one session. The server would answer a blocked one with an error in the sender's name: it is not tried. */
    private Outcome deliver(Entry entry, Message message) {
        ClientSession session = sessions.getSession(new JID(entry.to));
        if (session == null) return new Outcome().failed("no-session");
        String stream = session.getStreamID().getID();
        if (gate.presence().waits(entry.known.n, stream)) return new Outcome().waits();
        TaggedMessage copy = new TaggedMessage(message.getElement(), entry.known, entry.copy);
        if (isBlocked(session, copy)) return new Outcome().refused();
        Flush before = gate.presence().noted(entry.known, Text.likeness(message), stream);
        if (before != null) return new Outcome().noted(before);
        Watch watch = Watch.begin(copy, entry.known);
        try {
            session.process(copy);
        } finally {
            watch.end();
            Writing.end();
        }
        return watch.outcome;
    }

    /** To a session past carbons, as what comes from another server: the contact's own devices have nothing of it. */
    private Outcome tell(Message message) {
        ClientSession session = message.getTo().getResource() == null ? null : sessions.getSession(message.getTo());
        if (session != null) {
            if (!isBlocked(session, message)) session.process(message);
            return new Outcome();
        }
        Watch watch = Watch.begin(message, null);
        try {
            server.getMessageRouter().route(message);
        } finally {
            watch.end();
        }
        return !watch.handled && watch.isSenderClosing() ? watch.outcome.later() : watch.outcome;
    }

    private static boolean isBlocked(ClientSession session, Message message) {
        PrivacyList list = session.getActiveList() != null ? session.getActiveList() : session.getDefaultList();
        return list != null && list.shouldBlockPacket(message);
    }

    /** Its sender may try again later. */
    void refuse(Message message) {
        Message error = message.createCopy();
        error.setTo(message.getFrom());
        error.setFrom(message.getTo());
        error.setError(new PacketError(PacketError.Condition.resource_constraint, PacketError.Type.wait, null));
        execute(() -> {
            ClientSession session = sessions.getSession(error.getTo());
            if (session != null) session.process(error);
        });
    }

    @Override
    public void write(Object connection, String xml) {
        ((Session) connection).deliverRawText(xml);
    }

    @Override
    public boolean writesInCallbacks() {
        return isNetty;
    }

    @Override
    public void answer(Object connection, Object request, String token, String inner) {
        IQ answer = IQ.createResultIQ((IQ) request);
        answer.setChildElement(gate(token, inner));
        // Through the component of the session, which has an entry for each request until it is answered.
        ((ComponentSession) connection).getExternalComponent().processPacket(answer);
    }

    private static Element gate(String token, String inner) {
        if (inner.isEmpty()) return DocumentHelper.createElement(GATE).addAttribute("token", token);
        try {
            return DocumentHelper.parseText(Events.gate(token, inner)).getRootElement().createCopy();
        } catch (DocumentException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Override
    public void ask(Object connection, String id) {
        server.getIQRouter().addIQResultListener(id, new IQResultListener() {
            @Override
            public void receivedAnswer(IQ answer) {
                gate.read(id);
            }

            @Override
            public void answerTimeout(String late) {
                // The core has a time of its own.
            }
        });
        ((Session) connection).deliverRawText(Events.ping(gate.settings, id));
    }

    @Override
    public void close(Object connection) {
        ((Session) connection).close();
    }

    @Override
    public void request(String stream, String jid) {
        ClientSession session = find(stream, jid);
        if (session != null) StreamWatch.request(session);
    }

    @Override
    public void ping(String stream, String jid, String id) {
        ClientSession session = find(stream, jid);
        if (session == null) return;
        if (SessionWatch.isBosh(session)) {
            gate.presence().unreliable(id);
            return;
        }
        IQ ping = new IQ(IQ.Type.get);
        ping.setID(id);
        ping.setFrom(new JID(domain));
        ping.setTo(session.getAddress());
        ping.setChildElement("ping", "urn:xmpp:ping");
        Answers answers = new Answers(gate.presence(), id, jid, Thread.currentThread());
        server.getIQRouter().addIQResultListener(id, answers);
        session.process(ping);
        answers.sent();
    }

    private ClientSession find(String stream, String jid) {
        ClientSession session = sessions.getSession(new JID(jid));
        return session != null && stream.equals(session.getStreamID().getID()) ? session : null;
    }

    /** The answer to one ping. A filter of the client's makes the server answer, within the very call that sends the ping. */
    private final class Answers implements IQResultListener {
        private final Presence presence;
        private final String id;
        private final String jid;
        private volatile Thread sending;

        Answers(Presence presence, String id, String jid, Thread sending) {
            this.presence = presence;
            this.id = id;
            this.jid = jid;
            this.sending = sending;
        }

        void sent() {
            sending = null;
        }

        @Override
        public void receivedAnswer(IQ answer) {
            long begun = gate.cost.begin();
            try {
                received(answer);
            } finally {
                gate.cost.end(begun);
            }
        }

        private void received(IQ answer) {
            ClientSession session = answer.getFrom() == null ? null : sessions.getSession(answer.getFrom());
            if (sending == Thread.currentThread()) presence.unreliable(id);
            else if (session != null && jid.equals(answer.getFrom().toString())) presence.answered(id, session.getStreamID().getID());
        }

        @Override
        public void answerTimeout(String late) {
            // The core has a time of its own.
        }
    }
}
