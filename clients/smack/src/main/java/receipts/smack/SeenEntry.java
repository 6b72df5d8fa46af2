package receipts.smack;

/** A message that came and that the application has taken. */
final class SeenEntry {
    /** ms since 1970 */
    final long at;
    /** Whether a copy of it is answered with a receipt. */
    final boolean confirmed;
    /** The receipt, while it is not written; else null. */
    final DueReceipt owed;

    SeenEntry(long at, boolean confirmed, DueReceipt owed) {
        this.at = at;
        this.confirmed = confirmed;
        this.owed = owed;
    }
}
