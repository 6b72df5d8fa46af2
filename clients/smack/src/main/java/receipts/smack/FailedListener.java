package receipts.smack;

/** A message failed; {@link Tracked#failure} says how. Called on one thread, in order. */
public interface FailedListener {
    /** @param message what it is about */
    void failed(Tracked message);
}
