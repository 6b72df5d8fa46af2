package receipts.gate.core;

/** One stanza in a direction of a conversation. */
public final class Entry {
    /** What it is. */
    public enum Kind {
        /** A user's message that the component sees. */
        HELD,
        /** One that it does not, which waits for those before it. */
        BEHIND,
        /** A copy for one session. */
        DELIVER,
        /** A receipt, marker or error in a contact's name. */
        TELL
    }

    public final Kind kind;
    /** The server's own object. */
    public final Object packet;
    /** With {@link Kind#HELD} and {@link Kind#DELIVER}. */
    public final Known known;
    public final int copy;
    /** With {@link Kind#HELD} the addressee, a full JID with {@link Kind#DELIVER}. */
    public final String to;
    final String sender;
    /** When (ms) its routing began. */
    long routedAt;
    final int bytes;
    final long at;
    Lease lease;
    private Acknowledgement acknowledgement;
    /** The component asked for it. */
    boolean asksAcknowledgement;
    /** Its sender was told, at the first attempt to route it. */
    boolean acknowledged;
    Verdict verdict;
    /** Of a held one: what it confirms; null when it confirms nothing. */
    Stanza confirms;
    /** Its lease ended, or it waited too long: whoever asks is told so. */
    boolean passed;
    /** Waits for this one. */
    Answer answer;
    /** The server could not route it, and when (ms) that was first seen. */
    boolean isPutOff;
    long putOffAt;

    Entry(Kind kind, Object packet, Known known, int copy, String to, String sender, int bytes, long at) {
        this.kind = kind;
        this.packet = packet;
        this.known = known;
        this.copy = copy;
        this.to = to;
        this.sender = sender;
        this.bytes = bytes;
        this.at = at;
    }

    void acknowledges(Stanza message, Live sender, String durability) {
        if (message.id != null) acknowledgement = new Acknowledgement(sender == null ? null : sender.stream, message, durability);
    }

    /** What its sender is to be told before it goes on; null when that is nothing. */
    public Acknowledgement acknowledgement() {
        return asksAcknowledgement && !acknowledged && verdict == Verdict.STORED ? acknowledgement : null;
    }

    /** Whether a copy that the server sends carries the number. */
    public boolean isTagged() {
        return kind == Kind.DELIVER || kind == Kind.HELD && verdict == Verdict.STORED;
    }

    boolean isReady() {
        return kind != Kind.HELD || verdict != null;
    }
}
