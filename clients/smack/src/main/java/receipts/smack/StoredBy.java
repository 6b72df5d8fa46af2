package receipts.smack;

/** Who has a message that is stored. */
public enum StoredBy {
    /** The component openfire-receipts. */
    COMPONENT,
    /** The user's own server, by stream management (XEP-0198). */
    SERVER
}
