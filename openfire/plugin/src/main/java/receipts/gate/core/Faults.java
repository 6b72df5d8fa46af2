package receipts.gate.core;

/** What the log says of a failure: where it was, and never its text, which may quote a message. */
public final class Faults {
    private Faults() {
    }

    public static String name(Throwable failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        return failure.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
    }
}
