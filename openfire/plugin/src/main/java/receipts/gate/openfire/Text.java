package receipts.gate.openfire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.dom4j.Element;
import org.dom4j.Namespace;
import org.dom4j.QName;
import org.xmpp.packet.JID;
import org.xmpp.packet.Message;
import receipts.gate.core.Receipt;
import receipts.gate.core.Stanza;

/** Looks into messages. */
final class Text {
    private static final String GATE = "urn:openfire-receipts:gate:";
    /** Namespaces of what is of the moment only, or about the message itself. */
    private static final Set<String> MINOR = new HashSet<>(Arrays.asList(
        "http://jabber.org/protocol/chatstates", "urn:xmpp:hints", "urn:xmpp:sid:0", "urn:xmpp:carbons:2"));
    private static final String RECEIPTS = "urn:xmpp:receipts";
    private static final String MARKERS = "urn:xmpp:chat-markers:0";
    private static final Set<String> STREAMS = new HashSet<>(Arrays.asList("jabber:client", "jabber:component:accept"));

    private Text() {
    }

    /** Whether the message has more than chat states, hints, ids and a thread. */
    static boolean isContent(Element message) {
        for (Element child : message.elements()) if (!MINOR.contains(child.getNamespaceURI()) && !"thread".equals(child.getName())) return true;
        return false;
    }

    /** Removes what only the gate may say, at whatever depth. */
    static void strip(Element element) {
        List<Element> forged = null;
        for (Element child : element.elements()) {
            if (!child.getNamespaceURI().startsWith(GATE)) {
                strip(child);
                continue;
            }
            if (forged == null) forged = new ArrayList<>();
            forged.add(child);
        }
        if (forged != null) for (Element child : forged) element.remove(child);
    }

    /** A message as it came inside another element, as the server has those of its own streams: without the stream's namespace. */
    static Element own(Element message) {
        Element copy = message.createCopy();
        plain(copy);
        return copy;
    }

    private static void plain(Element element) {
        if (!STREAMS.contains(element.getNamespaceURI())) return;
        // What declares the namespace stands among the children as well: left there, it would make them `xmlns=""`.
        for (Namespace declared : new ArrayList<>(element.declaredNamespaces())) if (STREAMS.contains(declared.getURI())) element.remove(declared);
        element.setQName(QName.get(element.getName()));
        for (Element child : element.elements()) plain(child);
    }

    static Stanza stanza(Message message) {
        Element element = message.getElement();
        JID from = message.getFrom();
        JID to = message.getTo();
        return new Stanza(message, from == null ? null : from.toString(), to == null ? null : to.toString(), message.getID(),
            message.getType() == Message.Type.error, element.element("body") != null, receipts(element));
    }

    private static List<Receipt> receipts(Element message) {
        List<Receipt> found = Collections.emptyList();
        for (Element child : message.elements()) {
            boolean marker = MARKERS.equals(child.getNamespaceURI()) && !"markable".equals(child.getName());
            if (!marker && !(RECEIPTS.equals(child.getNamespaceURI()) && "received".equals(child.getName()))) continue;
            String id = child.attributeValue("id");
            if (id == null) continue;
            if (found.isEmpty()) found = new ArrayList<>(1);
            found.add(new Receipt(id, marker));
        }
        return found;
    }

    /** By what a message is known again that the server has kept in its database, where it is given a `delay` only. */
    static String fingerprint(Message message) {
        Element element = message.getElement();
        String body = element.elementText("body");
        int children = 0;
        int names = 0;
        for (Element child : element.elements()) {
            if ("delay".equals(child.getName())) continue;
            children++;
            names += child.getName().hashCode();
        }
        return message.getFrom() + " " + message.getTo() + " " + message.getID() + " " + children + " " + names + " "
            + (body == null ? 0 : body.length() + "," + body.hashCode());
    }
}
