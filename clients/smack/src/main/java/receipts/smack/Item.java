package receipts.smack;

/** A message in the outgoing queue. The first part is what the store has of it. */
final class Item {
    final String id;
    final String to;
    /** XML; null when the message has ended. */
    String stanza;
    /** Its place in the order of sending. */
    long seq;
    State state = State.QUEUED;
    int attempts;
    final long queuedAt;
    long sentAt;
    long storedAt;
    StoredBy storedBy;
    /** Whether it was written where nobody acknowledges: without the component and without XEP-0198. */
    boolean unwitnessed;
    long endedAt;
    Failure failure;
    /** The bare JID that it is from; null before the first login. */
    String account;

    /** Whether the store has it; before that it is not written. */
    boolean kept;
    /** Whether it was written in the present session. */
    boolean inFlight;
    /** Whether the server has acknowledged it in the present session (XEP-0198). */
    boolean acknowledged;
    /** ms since 1970 of its next attempt. */
    long due;
    /** Whether the component may know of it: it was written, or an earlier run may have written it. */
    boolean inDoubt;
    /** Whether it was refused for now: what follows it in its conversation waits for it. */
    boolean bounced;

    Item(String id, String to, long queuedAt) {
        this.id = id;
        this.to = to;
        this.queuedAt = queuedAt;
    }

    boolean ended() {
        return endedAt != 0;
    }

    String conversation() {
        return Jids.bare(to);
    }
}
