package receipts.gate.openfire;

import org.jivesoftware.openfire.session.Session;
import org.xmpp.packet.Message;
import receipts.gate.core.Known;
import receipts.gate.core.Outcome;

/** What one thread sees while the server handles a message of ours. */
final class Watch {
    private static final ThreadLocal<Watch> CURRENT = new ThreadLocal<>();

    final Message message;
    /** Null when the message carries no number. */
    final Known known;
    final Outcome outcome = new Outcome();
    /** The router has come to its end: no interceptor has discarded the message. */
    boolean handled;
    /** The session that the router takes for the sender's; null when he has none. */
    Session sender;
    private final Watch outer;

    private Watch(Message message, Known known, Watch outer) {
        this.message = message;
        this.known = known;
        this.outer = outer;
    }

    static Watch begin(Message message, Known known) {
        Watch watch = new Watch(message, known, CURRENT.get());
        CURRENT.set(watch);
        return watch;
    }

    /**
     * Whether the server does not route the message at the moment. From a session that is closing, but is not removed yet, Openfire 5
     * takes nothing, in silence; Openfire 4.2 answers with an error. When it is removed, the message is routed as any other.
     */
    boolean isSenderClosing() {
        return sender != null && SessionWatch.isClosing(sender);
    }

    void end() {
        // Where there is none the entry stays: it would be made anew for the next message.
        CURRENT.set(outer);
    }

    static Watch current() {
        return CURRENT.get();
    }
}
