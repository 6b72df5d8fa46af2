package receipts.gate.core;

import java.util.function.Consumer;

/** What the log says of a failure: its class, where it was, and of what it came; never a text, which may quote a message. */
public final class Faults {
    /** Callers that are named: the first are often of Java's own, and those of no plugin. */
    private static final int FRAMES = 6;
    /** A failure may be among its own causes. */
    private static final int CAUSES = 4;

    private Faults() {
    }

    public static String name(Throwable failure) {
        StringBuilder name = new StringBuilder(200);
        int causes = 0;
        for (Throwable one = failure; one != null && causes <= CAUSES; one = one.getCause()) {
            if (causes++ > 0) name.append("; caused by ");
            name.append(one.getClass().getName());
            StackTraceElement[] trace = one.getStackTrace();
            for (int i = 0; i < trace.length && i < FRAMES; i++) name.append(i == 0 ? " at " : ", ").append(trace[i]);
        }
        return name.toString();
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
