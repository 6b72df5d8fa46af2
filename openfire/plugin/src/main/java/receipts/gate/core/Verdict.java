package receipts.gate.core;

/** What becomes of a held message. */
public enum Verdict {
    /** It is in the component's store: released with its number. */
    STORED,
    /** It is not: released without it, and never touched again. */
    PASS,
    /** Discarded: a duplicate, or a receipt that the component tells itself. */
    DROP
}
