package receipts.gate.core;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * The CPU time that the gate itself takes in its callbacks and on its threads, without what the server does when it is called. Reading
 * the clock costs about as much as a short callback, so that it is measured only where the operator asks for it.
 */
public final class Cost {
    /** Nothing is measured. */
    public static final Cost NONE = new Cost(null);

    private final LongSupplier cpu;
    private final LongAdder total = new LongAdder();

    /** @param cpu ns of CPU time of the thread that asks */
    public Cost(LongSupplier cpu) {
        this.cpu = cpu;
    }

    /** @return what {@link #end} is to be given */
    public long begin() {
        return cpu == null ? 0 : cpu.getAsLong();
    }

    public void end(long begun) {
        if (cpu != null) total.add(cpu.getAsLong() - begun);
    }

    /** @return ns, or -1 when nothing is measured */
    public long total() {
        return cpu == null ? -1 : total.sum();
    }
}
