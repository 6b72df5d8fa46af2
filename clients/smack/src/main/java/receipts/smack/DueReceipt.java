package receipts.smack;

/** The parts of a receipt that is due. */
final class DueReceipt {
    final String to;
    final String id;
    final String type;

    DueReceipt(String to, String id, String type) {
        this.to = to;
        this.id = id;
        this.type = type;
    }
}
