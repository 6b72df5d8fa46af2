package receipts.smack;

/** How a message ended without a receipt. */
public final class Failure {
    /** Why a message failed. */
    public enum Reason {
        /** No confirmation in the time that the component gives a message. */
        EXPIRED,
        /** It was handed over, and nobody knows: the recipient's client returns no receipts. */
        UNCONFIRMED,
        /** Refused for good, with the error's {@link Failure#condition}. */
        REJECTED,
        /** The component knows nothing of it any more. */
        FORGOTTEN,
        /** Nothing was heard of it for {@link Options#giveUpAfter}. */
        ABANDONED,
        /** The store did not take it, so it was not sent. */
        NOT_KEPT
    }

    /** Why. */
    public final Reason reason;
    /** The error's condition (RFC 6120 section 8.3.3), or null. */
    public final String condition;
    /** Words for a person, or null. */
    public final String text;

    Failure(Reason reason, String condition, String text) {
        this.reason = reason;
        this.condition = condition;
        this.text = text;
    }

    Failure(Reason reason) {
        this(reason, null, null);
    }

    @Override
    public String toString() {
        String more = condition == null ? "" : " (" + condition + (text == null ? "" : ": " + text) + ")";
        return reason.name().toLowerCase(java.util.Locale.ROOT) + more;
    }
}
