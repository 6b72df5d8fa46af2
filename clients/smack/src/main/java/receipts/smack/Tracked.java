package receipts.smack;

/** What is known of a message that was sent. Times are ms since 1970; 0 is not yet. */
public final class Tracked {
    /** Its id. */
    public final String id;
    /** Whom it is for, as it was given. */
    public final String to;
    /** What became of it. */
    public final State state;
    /** How often it was written. */
    public final int attempts;
    /** When {@link Receipts#send} took it. */
    public final long queuedAt;
    /** When it was last written. */
    public final long sentAt;
    /** When it was stored. */
    public final long storedAt;
    /** Who has it, or null. */
    public final StoredBy storedBy;
    /** When it was delivered or failed. */
    public final long endedAt;
    /** How it failed, or null. */
    public final Failure failure;

    Tracked(Item item) {
        id = item.id;
        to = item.to;
        state = item.state;
        attempts = item.attempts;
        queuedAt = item.queuedAt;
        sentAt = item.sentAt;
        storedAt = item.storedAt;
        storedBy = item.storedBy;
        endedAt = item.endedAt;
        failure = item.failure;
    }
}
