package receipts.smack;

/** Something that did not work and that the library went on without. */
public final class Problem {
    /** What did not work. */
    public enum Kind {
        /** The store failed; what it should have kept is in memory alone. */
        STORE,
        /** An entry of the store made no sense and was left out. */
        ENTRY,
        /** The application's handler failed, so that the message counts as not received. */
        HANDLER,
        /** The store has messages of another account; they stay there, unsent. */
        ACCOUNT
    }

    /** What. */
    public final Kind kind;
    /** Why. */
    public final Exception error;

    Problem(Kind kind, Exception error) {
        this.kind = kind;
        this.error = error;
    }
}
