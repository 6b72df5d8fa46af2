package receipts.gate.core;

/** Tells the component, at once or when it is there again. Called under the gate's lock. */
interface Reports {
    /** To the process whose conversation it is. */
    void event(Known known, String event);

    /** The same, and it is kept with the message until that is forgotten. */
    void later(Known known, String event);
}
