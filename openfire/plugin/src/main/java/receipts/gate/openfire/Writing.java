package receipts.gate.openfire;

import receipts.gate.core.Known;

/** What one thread is writing to a client at the moment, between the two calls of the interceptor. */
final class Writing {
    private static final ThreadLocal<Writing> CURRENT = new ThreadLocal<>();

    final Known known;
    /** From the server's offline storage. */
    final boolean flush;
    /** The connection turned out to be closed, and the server has stored the message. */
    boolean stored;

    private Writing(Known known, boolean flush) {
        this.known = known;
        this.flush = flush;
    }

    static void begin(Known known, boolean flush) {
        CURRENT.set(new Writing(known, flush));
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
