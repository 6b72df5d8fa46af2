package receipts.gate.core;

/** That a message is stored, as the gate tells its sender where the component leaves that to it. */
public final class Acknowledgement {
    public static final String NAMESPACE = "urn:openfire-receipts:0";

    /** The session that has sent the message; null where the gate was never told of it: whoever has the full JID has sent it. */
    public final String stream;
    /** Its full JID. */
    public final String sender;
    /** A bare JID. */
    public final String recipient;
    public final String id;
    /** `memory`, `disk` or `replicas:N` */
    public final String durability;

    Acknowledgement(String stream, Stanza message, String durability) {
        this.stream = stream;
        sender = message.from;
        recipient = Stanza.bare(message.to);
        id = message.id;
        this.durability = durability;
    }
}
