package receipts.smack;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.jivesoftware.smack.packet.ExtensionElement;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Stanza;
import org.jivesoftware.smack.packet.StandardExtensionElement;
import org.jivesoftware.smack.packet.XmlEnvironment;
import org.jivesoftware.smack.util.PacketParserUtils;
import org.jivesoftware.smack.util.XmlStringBuilder;
import org.jivesoftware.smack.xml.XmlPullParser;

/** Messages as text, and parts of them. */
final class Stanzas {
    /** What XML 1.0 section 2.2 does not allow: a server ends the stream at it, and would again at each copy. */
    private static final Pattern FORBIDDEN =
        Pattern.compile("[^\\t\\n\\r\\x20-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]");
    private static final String END = "</message>";

    private Stanzas() {}

    /** A text without the characters that cannot be sent. */
    static String clean(String text) {
        return FORBIDDEN.matcher(text).replaceAll("");
    }

    /** A message that can be sent as it is. Smack 4.4.8 leaves "]]>" as it is, at which Openfire and Prosody end the stream. */
    static String toText(Message message) {
        return clean(message.toXML().toString()).replace("]]>", "]]&gt;");
    }

    static String with(String stanza, String child) {
        return stanza.substring(0, stanza.lastIndexOf(END)) + child + END;
    }

    /** What Smack is given to send. */
    static Stanza toStanza(String text) throws Exception {
        Message message = PacketParserUtils.parseStanza(text);
        return text.contains("]]&gt;") ? new Verbatim(message, text) : message;
    }

    /** A message that is written as its text. Smack's own would write "]]>" unescaped. */
    private static final class Verbatim extends Stanza {
        private final String text;

        Verbatim(Message message, String text) {
            super(message);
            this.text = text;
        }

        @Override
        public XmlStringBuilder toXML(XmlEnvironment environment) {
            return new XmlStringBuilder().append(text);
        }

        @Override
        public String getElementName() {
            return Message.ELEMENT;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** The attribute of a child, or null. */
    static String attribute(Stanza stanza, String element, String namespace, String name) {
        ExtensionElement child = stanza.getExtensionElement(element, namespace);
        return child == null ? null : attribute(child, name);
    }

    static String attribute(ExtensionElement element, String name) {
        if (element instanceof StandardExtensionElement) return ((StandardExtensionElement) element).getAttributeValue(name);
        // Another library may have registered a class for it.
        try {
            return PacketParserUtils.getParserFor(element.toXML().toString()).getAttributeValue("", name);
        } catch (Exception unreadable) {
            return null;
        }
    }

    /** The content of a message in a form that all copies have in common: without what servers and clients add. */
    static String payload(Message message) {
        StringBuilder payload = new StringBuilder();
        for (ExtensionElement child : message.getExtensions()) {
            if (!Names.NOT_PAYLOAD.contains(child.getNamespace())) payload.append(canonical(child.toXML().toString()));
        }
        return payload.toString();
    }

    /** A server may change the order of attributes, and prefixes. XML cannot have NUL, so that no two elements have one form. */
    private static String canonical(String xml) {
        StringBuilder form = new StringBuilder();
        try {
            XmlPullParser parser = PacketParserUtils.getParserFor(xml);
            while (true) {
                XmlPullParser.Event event = parser.getEventType();
                if (event == XmlPullParser.Event.START_ELEMENT) {
                    form.append('\0').append(parser.getName()).append('\0').append(parser.getNamespace()).append('\0');
                    List<String> attributes = new ArrayList<>();
                    for (int i = 0; i < parser.getAttributeCount(); i++)
                        attributes.add(parser.getAttributeName(i) + '\0' + parser.getAttributeValue(i));
                    Collections.sort(attributes);
                    form.append(String.join("\0", attributes)).append('\0');
                } else if (event == XmlPullParser.Event.TEXT_CHARACTERS) {
                    form.append(parser.getText());
                } else if (event == XmlPullParser.Event.END_ELEMENT) {
                    form.append('\0');
                    if (parser.getDepth() <= 1) return form.toString();
                } else if (event == XmlPullParser.Event.END_DOCUMENT) return form.toString();
                parser.next();
            }
        } catch (Exception unreadable) {
            return xml;
        }
    }
}
