package receipts.gate.core;

/** Two users and what waits between them. Guarded by the gate's lock. */
final class Conversation {
    final String pair;
    private final String first;
    private final Line forth = new Line(this);
    private final Line back = new Line(this);
    /** The connection that sees it, while something of it is held. */
    Lease owner;
    int held;

    Conversation(String pair, String first) {
        this.pair = pair;
        this.first = first;
    }

    /** Bare JIDs, in whatever order: neither can hold a space. */
    static String pair(String a, String b) {
        return a.compareTo(b) < 0 ? a + ' ' + b : b + ' ' + a;
    }

    /** The one of the two who is not this one. */
    String other(String bare) {
        return pair.startsWith(bare + ' ') ? pair.substring(bare.length() + 1) : pair.substring(0, pair.length() - bare.length() - 1);
    }

    Line from(String bare) {
        return first.equals(bare) ? forth : back;
    }

    Line forth() {
        return forth;
    }

    Line back() {
        return back;
    }

    boolean isIdle() {
        return forth.isIdle() && back.isIdle();
    }
}
