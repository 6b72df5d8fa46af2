package receipts.gate.core;

/** What the core asks of the server. Nothing here is called while a lock of the core is held, but {@link #execute}, {@link #route} and {@link #later}. */
public interface Host {
    /** Runs a task on the gate's own threads: never inside this call, and never inside a callback of the server. */
    void execute(Runnable task);

    /** The same for what routes, which may wait for the server's database: it keeps no other task waiting. */
    void route(Runnable task);

    /** {@link #execute} after so many ms. */
    void later(long delay, Runnable task);

    /**
     * Routes, delivers or tells; called by one thread at a time for a direction of a conversation.
     *
     * @return what was seen meanwhile; whatever it throws counts as nothing seen
     */
    Outcome carryOut(Entry entry) throws Exception;

    /** Writes text into one connection of the component, past routing. */
    void write(Object connection, String xml);

    /** Whether {@link #write} may be called within a callback of the server: it neither waits there, nor closes a connection that fails. */
    boolean writesInCallbacks();

    /**
     * Answers a request of the component in the connection it came by.
     *
     * @param inner the elements within `gate`, or an empty text
     */
    void answer(Object connection, Object request, String token, String inner);

    /** A ping to the component with that id, into that connection behind all that was written there; its answer is {@link Gate#read}. */
    void ask(Object connection, String id);

    void close(Object connection);

    /** A ping to a client with that id, written into that session behind all that was sent to it. */
    void ping(String stream, String jid, String id);

    /** Asks a client with stream management for an acknowledgement. */
    void request(String stream, String jid);

    /** For the server's log, of what is usual: never anything of a message's content. */
    void log(String text);

    /** The same of what somebody should look at. */
    void warn(String text);
}
