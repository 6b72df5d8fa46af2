package receipts.gate.openfire;

import receipts.gate.core.Flush;
import receipts.gate.core.Known;

/** What one thread is writing to a client at the moment, between the two calls of the interceptor. */
final class Writing {
    private static final ThreadLocal<Writing> CURRENT = new ThreadLocal<>();

    final Known known;
    /** From the server's offline storage; null when it is not. */
    final Flush flush;
    /** The connection turned out to be closed, and the server has stored the message. */
    boolean stored;

    private Writing(Known known, Flush flush) {
        this.known = known;
        this.flush = flush;
    }

    static void begin(Known known) {
        CURRENT.set(new Writing(known, null));
    }

    static void begin(Flush flush) {
        CURRENT.set(new Writing(flush.known(), flush));
    }

    static Writing end() {
        Writing writing = CURRENT.get();
        // Not removed: the thread's entry would be made anew for its next message.
        if (writing != null) CURRENT.set(null);
        return writing;
    }

    static Writing current() {
        return CURRENT.get();
    }
}
