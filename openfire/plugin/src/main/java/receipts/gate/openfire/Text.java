package receipts.gate.openfire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.dom4j.Element;
import org.dom4j.Namespace;
import org.dom4j.Node;
import org.dom4j.QName;
import org.xmpp.packet.Message;
import receipts.gate.core.Known;
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

    /** What is among a message's children. */
    static final class Seen {
        /** More than chat states, hints, ids and a thread. */
        boolean content;
        boolean body;
        /** Something that is content, and no receipt. */
        boolean other;
        /** A receipt is asked for. */
        boolean asks;
        /** {@link Stanza#words} */
        int words;
        List<Receipt> receipts = Collections.emptyList();
    }

    /** Removes what only the gate may say, at whatever depth, and looks at the rest. */
    static Seen read(Element message) {
        strip(message);
        Seen seen = new Seen();
        for (int i = 0, count = message.nodeCount(); i < count; i++) {
            Node node = message.node(i);
            if (node instanceof Element) read((Element) node, seen);
        }
        return seen;
    }

    private static void read(Element child, Seen seen) {
        String name = child.getName();
        String namespace = child.getNamespaceURI();
        if (MINOR.contains(namespace) || "thread".equals(name)) return;
        seen.content = true;
        if ("body".equals(name)) {
            seen.body = true;
            seen.words = 31 * seen.words + child.getText().hashCode();
        }
        boolean marker = MARKERS.equals(namespace) && !"markable".equals(name);
        boolean ofReceipts = RECEIPTS.equals(namespace);
        boolean receipt = ofReceipts && "received".equals(name);
        if (ofReceipts && "request".equals(name)) seen.asks = true;
        String id = marker || receipt ? child.attributeValue("id") : null;
        if (id == null) {
            seen.other = true;
            return;
        }
        if (seen.receipts.isEmpty()) seen.receipts = new ArrayList<>(1);
        seen.receipts.add(new Receipt(id, marker));
    }

    /** By counting nodes: it is done for every element of every message, and lists of elements are made anew each time. */
    private static void strip(Element element) {
        List<Element> forged = null;
        for (int i = 0, count = element.nodeCount(); i < count; i++) {
            Node node = element.node(i);
            if (!(node instanceof Element)) continue;
            Element child = (Element) node;
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

    /** A message that the component has written. */
    static Stanza stanza(Message message) {
        return stanza(message, read(message.getElement()));
    }

    /** The addresses are JIDs as the server has normalised them: it writes them so into the element. */
    static Stanza stanza(Message message, Seen seen) {
        Element element = message.getElement();
        return new Stanza(message, element.attributeValue("from"), element.attributeValue("to"), element.attributeValue("id"),
            "error".equals(element.attributeValue("type")), seen.body, seen.receipts,
            seen.content && !seen.other, !seen.asks, seen.words);
    }

    static String likeness(Message message) {
        Element element = message.getElement();
        return Stanza.likeness(element.attributeValue("from"), element.attributeValue("to"), element.attributeValue("id"), element.elementText("body"));
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
        String id = message.getID();
        if (id != null && id.length() > Known.LONGEST_ID) id = id.length() + "," + id.hashCode();
        return message.getFrom() + " " + message.getTo() + " " + id + " " + children + " " + names + " "
            + (body == null ? 0 : body.length() + "," + body.hashCode());
    }
}
