package receipts.gate.core;

/** The answer to one request, which is complete when all that it waits for is done. Guarded by the gate's lock. */
final class Answer {
    final Object request;
    private final Lease lease;
    private final StringBuilder inner = new StringBuilder();
    private int waitingFor = 1;

    Answer(Object request, Lease lease) {
        this.request = request;
        this.lease = lease;
    }

    void add(String element) {
        inner.append(element);
    }

    void failed(Command command, String reason) {
        add(Events.empty("failed", "command", command.name, "n", command.get("n"), "reason", reason));
    }

    /** Another thing to wait for. */
    void await() {
        waitingFor++;
    }

    void done() {
        if (--waitingFor == 0) lease.outbox.answer(this);
    }

    String inner() {
        return inner.toString();
    }
}
