package receipts.smack;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.xml.namespace.QName;
import org.jivesoftware.smack.packet.ExtensionElement;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.StanzaError;
import org.jivesoftware.smackx.receipts.DeliveryReceiptRequest;

/** What a message that came says to the two lists. */
final class Notices {
    final List<StatusUpdate> updates = new ArrayList<>();
    /** Whether it is for the application. */
    final boolean content;
    /** Whether it asks for a receipt (XEP-0184 section 5.1). */
    final boolean asksReceipt;

    /** @param component its domain, or null */
    Notices(Message message, String component) {
        String from = message.getFrom().toString();
        String speaker = from.toLowerCase(Locale.ROOT);
        boolean byComponent = speaker.equals(component);
        List<StatusUpdate> notices = new ArrayList<>();
        add(notices, message, Names.STORED, Names.OWN, "pending");
        add(notices, message, Names.UNCONFIRMED, Names.OWN, "unconfirmed");
        if (notices.isEmpty()) {
            List<StatusUpdate> receipts = new ArrayList<>();
            // The component's XEP-0184 element says that it has the message, and never that the recipient has.
            add(receipts, message, "received", Names.RECEIPTS, byComponent ? "pending" : "delivered");
            for (StatusUpdate one : receipts) updates.add(new StatusUpdate(one.id, byComponent ? null : from, one.state));
        } else {
            for (StatusUpdate one : notices) {
                // With ACK_FROM=recipient the component speaks from the recipient's bare JID. A user's own messages have a resource.
                if (byComponent || one.to != null && one.to.toLowerCase(Locale.ROOT).equals(speaker)) updates.add(one);
            }
        }
        asksReceipt = message.hasExtension(DeliveryReceiptRequest.ELEMENT, Names.RECEIPTS);
        boolean forUs = message.getType() == Message.Type.chat || message.getType() == Message.Type.normal;
        content = !byComponent && notices.isEmpty() && forUs && (asksReceipt || message.getBody() != null);
    }

    private static void add(List<StatusUpdate> to, Message message, String name, String namespace, String state) {
        for (ExtensionElement element : message.getExtensions(new QName(namespace, name))) {
            String id = Stanzas.attribute(element, "id");
            if (id != null && !id.isEmpty()) to.add(new StatusUpdate(id, Stanzas.attribute(element, "to"), state));
        }
    }

    /**
     * What an error about a message of ours says; null if it says that the message may go through later. While the component is not
     * connected, servers return remote-server-not-found or service-unavailable of type cancel, which the component does not pass
     * on for a message that it has.
     *
     * @param proxied whether the component stores messages for its address
     * @param atComponent whether that address is one of the component's own domain
     */
    static Failure failure(Message message, boolean proxied, boolean atComponent) {
        StanzaError error = message.getError();
        if (error == null) return new Failure(Failure.Reason.REJECTED, "undefined-condition", null);
        StanzaError.Condition condition = error.getCondition();
        String text = error.getDescriptiveText();
        if (error.getExtension(Names.EXPIRED, Names.OWN) != null)
            return new Failure(Failure.Reason.EXPIRED, condition.toString(), text);
        boolean away = condition == StanzaError.Condition.remote_server_not_found
            || condition == StanzaError.Condition.service_unavailable;
        if (atComponent && away || proxied && error.getType() == StanzaError.Type.WAIT) return null;
        return new Failure(Failure.Reason.REJECTED, condition.toString(), text);
    }
}
