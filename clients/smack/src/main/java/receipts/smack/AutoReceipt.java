package receipts.smack;

/** For whom receipts are sent, as Smack's {@code DeliveryReceiptManager.AutoReceiptMode}. */
public enum AutoReceipt {
    /** For nobody, unless {@link IncomingMessage#confirm} is called. */
    DISABLED,
    /** For who is subscribed to the user's presence. */
    SUBSCRIBED,
    /** For all. */
    ALWAYS
}
