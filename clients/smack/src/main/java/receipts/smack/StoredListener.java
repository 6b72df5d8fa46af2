package receipts.smack;

/** A message is stored, see {@link State#STORED}. Called on one thread, in order. */
public interface StoredListener {
    /** @param message what it is about */
    void stored(Tracked message);
}
