package receipts.smack;

/** What the component or a recipient says of a message that was sent. */
final class StatusUpdate {
    final String id;
    /** Whom the message was for; null where it is not said. */
    final String to;
    /** `pending`, `delivered`, `expired`, `unconfirmed`, `rejected` or `unknown`. */
    final String state;

    StatusUpdate(String id, String to, String state) {
        this.id = id;
        this.to = to;
        this.state = state;
    }
}
