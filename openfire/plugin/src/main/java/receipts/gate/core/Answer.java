package receipts.gate.core;

/** The answer to one request, which is complete when all that it waits for is done. Guarded by the gate's lock. */
final class Answer {
    final Object request;
    private final Lease lease;
    private final StringBuilder inner = new StringBuilder();
    private int waitingFor = 1;
    /** The component waits for it. */
    private boolean waitedFor;

    Answer(Object request, Lease lease) {
        this.request = request;
        this.lease = lease;
    }

    void add(String element) {
        waitedFor = true;
        inner.append(element);
    }

    void failed(Command command, String reason) {
        add(Events.empty("failed", "command", command.name, "n", command.get("n"), "reason", reason));
    }

    /** Another thing to wait for. */
    void await() {
        waitedFor = true;
        waitingFor++;
    }

    void done() {
        if (--waitingFor == 0) lease.outbox.answer(this);
    }

    /** Of commands that say all by themselves: it only shows that they have come. */
    boolean isSilent() {
        return !waitedFor;
    }

    void isWaitedFor() {
        waitedFor = true;
    }

    String inner() {
        return inner.toString();
    }
}
