package receipts.smack;

/** Takes messages for the application. Called on one thread, for one message after the other. */
public interface MessageHandler {
    /**
     * The message counts as received when this returns: then its receipt is sent. If it throws, no receipt is sent, and the component
     * sends the message again.
     *
     * @param message a message that was not taken before
     * @throws Exception if the application does not have it
     */
    void take(IncomingMessage message) throws Exception;
}
