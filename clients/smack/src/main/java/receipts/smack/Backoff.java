package receipts.smack;

/** When a message that nobody acknowledged is sent again. */
final class Backoff {
    private final long first;
    private final long most;
    private final double factor;

    /**
     * @param factor 0.8 to 1.2, one for a client's life: it keeps clients from coming back in step when their server returns. One
     *     for all messages, since two of one conversation could else change places.
     */
    Backoff(long first, long most, double factor) {
        this.first = first;
        this.most = most;
        this.factor = factor;
    }

    /** ms until the next attempt, after this many. */
    long delay(int attempts) {
        // 2^30 is beyond any maximum.
        double wait = first * Math.pow(2, Math.max(0, Math.min(30, attempts - 1)));
        return (long) (Math.min(most, wait) * factor);
    }
}
