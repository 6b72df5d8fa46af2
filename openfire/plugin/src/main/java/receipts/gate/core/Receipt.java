package receipts.gate.core;

/** A receipt (XEP-0184) or a marker (XEP-0333) in a message. */
public final class Receipt {
    /** Of the message that it names. */
    final String id;
    final boolean marker;
    /** See {@link Stanza#nameOf}. */
    String name;

    public Receipt(String id, boolean marker) {
        this.id = id;
        this.marker = marker;
    }
}
