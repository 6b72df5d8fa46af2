package receipts.gate.core;

/**
 * What a client's acknowledgements prove. Its count can be one ahead of what it has (around `enabled` and after a resume), so
 * that the newest stanza that it covers is not proved before a later one is covered as well. Used by one session.
 */
public final class Acks {
    private Known newest;

    /**
     * The next stanza of the session is covered.
     *
     * @param known the message it carries, or null
     * @return the message that is proved by that, or null
     */
    public Known covered(Known known) {
        Known proved = newest;
        newest = known;
        return proved;
    }
}
