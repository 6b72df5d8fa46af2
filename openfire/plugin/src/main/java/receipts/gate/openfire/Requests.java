package receipts.gate.openfire;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.dom4j.Attribute;
import org.dom4j.Element;
import org.jivesoftware.openfire.IQHandlerInfo;
import org.jivesoftware.openfire.SessionManager;
import org.jivesoftware.openfire.cluster.ClusterManager;
import org.jivesoftware.openfire.handler.IQHandler;
import org.jivesoftware.openfire.session.ComponentSession;
import org.jivesoftware.openfire.session.Session;
import org.xmpp.packet.IQ;
import org.xmpp.packet.Message;
import org.xmpp.packet.Packet;
import org.xmpp.packet.PacketError;
import receipts.gate.core.Command;
import receipts.gate.core.Events;
import receipts.gate.core.Gate;

/** The component's requests. */
final class Requests extends IQHandler {
    /** Which session a request came by is told by nothing but the way that its answer takes. */
    private static final class Probe {
        final IQ answer;
        Session session;

        Probe(IQ answer) {
            this.answer = answer;
        }
    }

    /** How many threads ask: nobody else's packets need be looked at. */
    private final AtomicInteger probes = new AtomicInteger();
    private final ThreadLocal<Probe> probing = new ThreadLocal<>();
    private final IQHandlerInfo info = new IQHandlerInfo("gate", Events.NAMESPACE);
    private final String component;
    private final String server;
    private final String proofs;
    private Gate gate;

    Requests(String component, String server, String proofs) {
        super("Receipts gate");
        this.component = component;
        this.server = server;
        this.proofs = proofs;
    }

    void serve(Gate served) {
        gate = served;
    }

    @Override
    public IQHandlerInfo getInfo() {
        return info;
    }

    @Override
    public IQ handleIQ(IQ request) {
        long begun = gate.cost.begin();
        try {
            return handle(request);
        } finally {
            gate.cost.end(begun);
        }
    }

    private IQ handle(IQ request) {
        Element element = request.getChildElement();
        if (request.getFrom() == null || !component.equals(request.getFrom().toString())) return refuse(request, PacketError.Condition.forbidden);
        if (request.getID() != null && request.getType() == IQ.Type.get) return describe(request);
        if (request.getID() == null || request.getType() != IQ.Type.set) return refuse(request, PacketError.Condition.bad_request);
        Element enable = child(element, "enable");
        if (enable != null) return enable(request, command(enable));
        List<Command> commands = new ArrayList<>();
        for (Element child : element.elements()) commands.add(command(child));
        // The answer is written into the connection of the lease.
        return gate.request(element.attributeValue("token"), request, commands) ? null : refuse(request, PacketError.Condition.forbidden);
    }

    /** What this gate is, without a lease: for who looks whether all is set up. */
    private IQ describe(IQ request) {
        IQ answer = IQ.createResultIQ(request);
        answer.setChildElement("gate", Events.NAMESPACE).addAttribute("version", "1").addAttribute("gate", GatePlugin.VERSION)
                .addAttribute("server", server).addAttribute("proofs", proofs);
        return answer;
    }

    private IQ enable(IQ request, Command command) {
        if (ClusterManager.isClusteringStarted()) {
            IQ answer = IQ.createResultIQ(request);
            answer.setError(new PacketError(PacketError.Condition.not_allowed, PacketError.Type.cancel, "The gate does not work in a cluster"));
            return answer;
        }
        Session session = connection(request);
        if (session == null) return null;
        if (!component.equals(session.getAddress().getDomain())) {
            session.process(refuse(request, PacketError.Condition.forbidden));
            return null;
        }
        // A predecessor that was cut a moment ago: what it was told is told anew, before `ready`.
        endClosed(gate);
        gate.enable(session, command, request, GatePlugin.VERSION, server, proofs);
        return null;
    }

    /** Ends the leases of connections that are no more. */
    static void endClosed(Gate gate) {
        for (Object connection : gate.connections()) if (((Session) connection).isClosed()) gate.closed(connection);
    }

    /** Begins to answer, and sees which session the server chooses: it was authenticated when the request came. */
    private Session connection(IQ request) {
        Probe probe = new Probe(IQ.createResultIQ(request));
        probing.set(probe);
        probes.incrementAndGet();
        try {
            for (ComponentSession any : SessionManager.getInstance().getComponentSessions()) {
                if (!component.equals(any.getAddress().getDomain())) continue;
                any.getExternalComponent().processPacket(probe.answer);
                break;
            }
        } finally {
            probing.remove();
            probes.decrementAndGet();
        }
        return probe.session;
    }

    /** @return whether the packet is the beginning of an answer, which is not to be written */
    boolean isProbe(Packet packet, Session session) {
        if (probes.get() == 0) return false;
        Probe probe = probing.get();
        if (probe == null || probe.answer != packet) return false;
        probe.session = session;
        return true;
    }

    private static IQ refuse(IQ request, PacketError.Condition condition) {
        IQ answer = IQ.createResultIQ(request);
        answer.setError(condition);
        return answer;
    }

    private static Element child(Element element, String name) {
        for (Element child : element.elements()) if (name.equals(child.getName())) return child;
        return null;
    }

    private static Command command(Element element) {
        Command command = new Command(element.getName());
        for (int i = 0, count = element.attributeCount(); i < count; i++) {
            Attribute attribute = element.attribute(i);
            if (attribute.getNamespaceURI().isEmpty()) command.with(attribute.getName(), attribute.getValue());
        }
        if (element.nodeCount() == 0) return command;
        Element message = element.element("message");
        if (message == null) return command;
        try {
            return command.with(Text.stanza(new Message(Text.own(message), false)));
        } catch (IllegalArgumentException address) {
            // Malformed: it is answered as if there were no message.
            return command;
        }
    }
}
