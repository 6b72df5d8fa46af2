package receipts.gate.openfire;

import org.dom4j.Element;
import org.xmpp.packet.Message;
import receipts.gate.core.Known;

/** A message that the component has stored: its number is in memory only, and the server's own copies keep it. */
final class TaggedMessage extends Message {
    final Known known;
    final int copy;

    TaggedMessage(Element element, Known known, int copy) {
        super(element, true);
        this.known = known;
        this.copy = copy;
    }

    @Override
    public TaggedMessage createCopy() {
        return new TaggedMessage(getElement().createCopy(), known, copy);
    }
}
