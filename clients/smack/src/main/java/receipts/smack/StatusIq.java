package receipts.smack;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jivesoftware.smack.packet.IQ;
import org.jivesoftware.smack.packet.IqData;
import org.jivesoftware.smack.packet.XmlEnvironment;
import org.jivesoftware.smack.provider.IqProvider;
import org.jivesoftware.smack.xml.XmlPullParser;
import org.jivesoftware.smack.xml.XmlPullParserException;

/** A question for the states of messages, its answer, or a batch of states from the component. */
final class StatusIq extends IQ {
    final List<StatusUpdate> messages = new ArrayList<>();

    StatusIq() {
        super(Names.STATUS, Names.OWN);
    }

    @Override
    protected IQChildElementXmlStringBuilder getIQChildElementBuilder(IQChildElementXmlStringBuilder xml) {
        xml.rightAngleBracket();
        for (StatusUpdate message : messages) {
            xml.halfOpenElement("message").attribute("id", message.id).attribute("to", message.to);
            xml.optAttribute("state", message.state).closeEmptyElement();
        }
        return xml;
    }

    /** Reads it from the stream. */
    static final class Provider extends IqProvider<StatusIq> {
        @Override
        public StatusIq parse(XmlPullParser parser, int depth, IqData data, XmlEnvironment environment)
            throws XmlPullParserException, IOException {
            StatusIq status = new StatusIq();
            while (true) {
                XmlPullParser.Event event = parser.next();
                if (event == XmlPullParser.Event.START_ELEMENT && parser.getName().equals("message")) {
                    String id = parser.getAttributeValue("", "id");
                    String to = parser.getAttributeValue("", "to");
                    if (id != null && to != null)
                        status.messages.add(new StatusUpdate(id, to, parser.getAttributeValue("", "state")));
                } else if (event == XmlPullParser.Event.END_ELEMENT && parser.getDepth() == depth) return status;
            }
        }
    }
}
