package receipts.smack;

/** The recipient's client has a message. Called on one thread, in order. */
public interface DeliveredListener {
    /** @param message what it is about */
    void delivered(Tracked message);
}
