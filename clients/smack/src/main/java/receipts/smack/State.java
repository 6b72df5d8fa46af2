package receipts.smack;

/** What became of a message that was sent. */
public enum State {
    /** In the store, not written. */
    QUEUED,
    /** Written to the stream, which proves nothing. */
    SENT,
    /**
     * The component has it ({@link Tracked#storedBy} is {@link StoredBy#COMPONENT}): it is delivered, or its sender is told that it
     * was not. Without the component, the user's own server has it by XEP-0198 ({@link StoredBy#SERVER}), which promises nothing
     * more; without that too, this state is passed over.
     */
    STORED,
    /** The recipient's client returned its receipt. */
    DELIVERED,
    /** See {@link Failure}. A receipt that comes later still makes it {@link #DELIVERED}. */
    FAILED
}
