package receipts.gate.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** One connection of the component that has sent `enable`. Guarded by the gate's lock. */
final class Lease {
    final Object connection;
    final String process;
    final long timeout;
    final long length;
    final String token = Tokens.next(160);
    final Outbox outbox;
    /** Receipts that the gate tells of by `has` need not be shown to it. */
    final boolean routesReceipts;
    /** What the gate says of its durability when it acknowledges a message itself; null when it does not. */
    final String acks;
    /** Without a verdict, in the order in which they were shown. */
    final Map<String, Entry> waiting = new LinkedHashMap<>();
    /** All that is not routed yet, verdict or none. */
    int unfinished;
    long heard;
    long lastVerdict;
    /** It was told all that it must know before it is shown anything. */
    boolean holds;
    boolean ended;
    /** The answer to `disable`, which waits for what is unfinished. */
    Answer farewell;

    Lease(Object connection, String process, long timeout, long length, boolean routesReceipts, String acks, Outbox outbox, long now) {
        this.connection = connection;
        this.process = process;
        this.timeout = timeout;
        this.length = length;
        this.routesReceipts = routesReceipts;
        this.acks = acks;
        this.outbox = outbox;
        heard = now;
        lastVerdict = now;
    }

    /** Rendezvous hashing: the highest wins, so that another process takes only its own part of the conversations. */
    long weight(String pair) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < process.length(); i++) hash = (hash ^ process.charAt(i)) * 0x100000001b3L;
        for (int i = 0; i < pair.length(); i++) hash = (hash ^ pair.charAt(i)) * 0x100000001b3L;
        hash ^= hash >>> 33;
        hash *= 0xff51afd7ed558ccdL;
        return hash ^ hash >>> 33;
    }
}
