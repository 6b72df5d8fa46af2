package receipts.gate.core;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The protocol's elements as text. */
public final class Events {
    public static final String NAMESPACE = "urn:openfire-receipts:gate:1";

    private Events() {
    }

    public static String gate(String token, String inner) {
        StringBuilder text = new StringBuilder(inner.length() + 120);
        begin(text, token);
        return text.append(inner).append("</gate>").toString();
    }

    private static void begin(StringBuilder text, String token) {
        text.append("<gate xmlns=\"").append(NAMESPACE).append('"');
        if (token != null) attribute(text, "token", token);
        text.append('>');
    }

    /** @return what stands before the events in each stanza of a connection; {@link #MESSAGE_ENDS} stands after them */
    static String messageBegins(Settings settings, String token) {
        StringBuilder text = new StringBuilder(240).append("<message");
        attribute(text, "from", settings.server);
        attribute(text, "to", settings.component);
        begin(text.append('>'), token);
        return text.toString();
    }

    /** @return a ping to the component */
    public static String ping(Settings settings, String id) {
        StringBuilder text = new StringBuilder(160).append("<iq");
        attribute(text, "type", "get");
        attribute(text, "id", id);
        attribute(text, "from", settings.server);
        attribute(text, "to", settings.component);
        return text.append("><ping xmlns=\"urn:xmpp:ping\"/></iq>").toString();
    }

    static final String MESSAGE_ENDS = "</gate></message>";

    /** @param xml the message as the server writes it to a client: its elements are of the stream's own namespace */
    static void held(StringBuilder text, String n, String xml) {
        text.append("<held");
        attribute(text, "n", n);
        text.append('>');
        int name = "<message".length();
        if (xml.startsWith(" xmlns=", name)) text.append(xml);
        else text.append(xml, 0, name).append(" xmlns=\"jabber:client\"").append(xml, name, xml.length());
        text.append("</held>");
    }

    /**
     * @param sent the JIDs by their streams
     * @param missed sessions that have not been given it
     */
    static String outcome(String n, int copy, String state, String condition, Map<String, String> sent, Collection<Live> missed) {
        StringBuilder text = new StringBuilder(96 + 96 * sent.size()).append("<outcome");
        attribute(text, "n", n);
        attribute(text, "copy", Integer.toString(copy));
        attribute(text, "state", state);
        if (condition != null) attribute(text, "condition", condition);
        if (sent.isEmpty() && missed.isEmpty()) return text.append("/>").toString();
        text.append('>');
        for (Map.Entry<String, String> session : sent.entrySet()) empty(text, "session", "jid", session.getValue(), "id", session.getKey());
        for (Live live : missed) empty(text, "missed", "jid", live.jid, "id", live.stream);
        return text.append("</outcome>").toString();
    }

    static String outcome(String n, String state) {
        return outcome(n, 1, state, null, Collections.<String, String>emptyMap(), Collections.<Live>emptyList());
    }

    /** @param takers the sessions that it may have gone to */
    static String passed(String n, Collection<Live> takers) {
        Map<String, String> jids = new LinkedHashMap<>();
        for (Live live : takers) jids.put(live.stream, live.jid);
        return outcome(n, 1, "passed", null, jids, Collections.<Live>emptyList());
    }

    /** @param acknowledged its sender was told that it is stored, all the same */
    static String unknown(String n, boolean acknowledged) {
        return empty("outcome", "n", n, "copy", "1", "state", "unknown", "acknowledged", acknowledged ? "true" : null);
    }

    /**
     * @param number which of all that passed unheld it is
     * @param confirmed the client that has returned a receipt, or null
     * @param ago how long ago it passed, ms
     * @param streams the recipient's sessions that the server may give it to
     */
    static String unheld(String from, String to, String id, String number, String confirmed, long ago, List<String> streams) {
        String alone = empty("unheld", "from", from, "to", to, "id", id, "number", number, "confirmed", confirmed,
            "ago", ago > 0 ? Long.toString(ago) : null);
        if (streams.isEmpty()) return alone;
        StringBuilder text = new StringBuilder(alone).delete(alone.length() - 2, alone.length()).append('>');
        for (String stream : streams) empty(text, "session", "id", stream);
        return text.append("</unheld>").toString();
    }

    /** An element without content; names and values take turns. */
    static String empty(String name, String... attributes) {
        StringBuilder text = new StringBuilder(160);
        empty(text, name, attributes);
        return text.toString();
    }

    private static void empty(StringBuilder text, String name, String... attributes) {
        text.append('<').append(name);
        for (int i = 0; i < attributes.length; i += 2) if (attributes[i + 1] != null) attribute(text, attributes[i], attributes[i + 1]);
        text.append("/>");
    }

    private static void attribute(StringBuilder text, String name, String value) {
        text.append(' ').append(name).append("=\"");
        if (isPlain(value)) text.append(value);
        else escape(text, value);
        text.append('"');
    }

    /** Whether it can be written as it is, as nearly all values can. */
    private static boolean isPlain(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < ESCAPED.length && ESCAPED[c]) return false;
        }
        return true;
    }

    /** By character; all others can be written as they are. */
    private static final boolean[] ESCAPED = new boolean['>' + 1];

    static {
        for (char c = 0; c < ESCAPED.length; c++) ESCAPED[c] = c < ' ' || "&<>\"'".indexOf(c) >= 0;
    }

    private static void escape(StringBuilder text, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '&': text.append("&amp;"); break;
                case '<': text.append("&lt;"); break;
                case '>': text.append("&gt;"); break;
                case '"': text.append("&quot;"); break;
                case '\'': text.append("&apos;"); break;
                default: if (c >= ' ') text.append(c);
            }
        }
    }
}
