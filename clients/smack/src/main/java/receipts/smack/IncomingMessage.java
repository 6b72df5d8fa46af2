package receipts.smack;

import java.util.Date;
import org.jivesoftware.smack.packet.Message;

/** A message that came, seen for the first time. */
public final class IncomingMessage {
    /** The same for every copy: a key for the application's own database. Null if the message has no id. */
    public final String key;
    /** Its id, or null. */
    public final String id;
    /** Full JID. */
    public final String from;
    /** Its text, or null. */
    public final String body;
    /** When it was sent, if that was not now (XEP-0203); else null. */
    public final Date sentAt;
    /** Whether the component stores what goes to its sender. */
    public final boolean proxied;
    /** All of it. */
    public final Message stanza;
    private final Runnable confirm;

    IncomingMessage(String key, Message stanza, Date sentAt, boolean proxied, Runnable confirm) {
        this.key = key;
        this.id = stanza.getStanzaId();
        this.from = stanza.getFrom().toString();
        this.body = stanza.getBody();
        this.sentAt = sentAt;
        this.proxied = proxied;
        this.stanza = stanza;
        this.confirm = confirm;
    }

    /** Sends the receipt, for {@link AutoReceipt#DISABLED}. Without effect if none was asked for. */
    public void confirm() {
        confirm.run();
    }
}
