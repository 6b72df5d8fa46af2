package receipts.gate.core;

import java.util.function.Consumer;

/** What the log says of a failure: where it was, and never its text, which may quote a message. */
public final class Faults {
    private Faults() {
    }

    public static String name(Throwable failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        return failure.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
    }

    /** What calls code of others: whatever it throws, an error of another plugin's classes too, goes to the log, and the caller goes on. */
    public static void contain(String what, Consumer<String> log, Runnable task) {
        try {
            task.run();
        } catch (Throwable failure) {
            log.accept(what + ": " + Faults.name(failure));
        }
    }
}
