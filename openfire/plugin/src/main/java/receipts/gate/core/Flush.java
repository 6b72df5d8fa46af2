package receipts.gate.core;

/**
 * A message that the server sends to a session from its offline storage. Where the gate has no number for it, this is a note of
 * who was given it, until the component names it. Guarded by the gate's lock, but for {@link #known()}.
 */
public final class Flush {
    /** Null when the gate knows nothing of that session. */
    final Live given;
    /** Whether the server has done with it what it can. */
    boolean written;
    /** How its client was seen to have it; null as long as it was not. */
    String provedBy;
    /** The session has ended without that: the server does with it what it does without a gate. */
    boolean returned;
    /** Which copy the component took it for. */
    int copy = 1;
    private volatile Known known;

    Flush(Known known, Live given) {
        this.known = known;
        this.given = given;
    }

    static Flush note(String name, Live given) {
        Known noted = new Known(name, null);
        noted.forgotten = true;
        noted.note = new Flush(noted, given);
        return noted.note;
    }

    /** What a proof of it is for; its {@link Known#isNoted} as long as it has no number. */
    public Known known() {
        return known;
    }

    void is(Known numbered, int number) {
        copy = number;
        known = numbered;
    }
}
