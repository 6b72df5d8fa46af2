package receipts.smack;

/** The state of a message changed, {@link State#QUEUED} and {@link State#SENT} included. Called on one thread, in order. */
public interface StateListener {
    /** @param message what it is about */
    void changed(Tracked message);
}
