package receipts.smack;

/** A message was not taken: it cannot be sent, or the store did not keep it. */
public final class SendException extends Exception {
    private static final long serialVersionUID = 1;
    /** Why. */
    public final transient Failure failure;

    SendException(Failure failure) {
        super(failure.toString());
        this.failure = failure;
    }
}
