package receipts.gate.core;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * The CPU time that the gate itself takes in its callbacks and on its threads, without what the server does when it is called.
 * Reading the clock costs about as much as a short callback. So it is measured only where the operator asks for it, of one
 * piece of work in {@link #SHARE}, chosen at random, and what reading the clock itself adds is subtracted.
 */
public final class Cost {
    /** Nothing is measured. */
    public static final Cost NONE = new Cost(null);
    private static final int SHARE = 8;
    private static final long NOT_CHOSEN = Long.MIN_VALUE;

    private final LongSupplier cpu;
    /** ns between two readings with nothing between them. */
    private final long reading;
    private final LongAdder total = new LongAdder();

    /** @param cpu ns of CPU time of the thread that asks */
    public Cost(LongSupplier cpu) {
        this.cpu = cpu;
        reading = cpu == null ? 0 : reading(cpu);
    }

    private static long reading(LongSupplier cpu) {
        long[] readings = new long[100_000];
        for (int i = 0; i < readings.length; i++) {
            long begun = cpu.getAsLong();
            readings[i] = cpu.getAsLong() - begun;
        }
        // The first half ran before the compiler was done with it.
        long[] last = Arrays.copyOfRange(readings, readings.length / 2, readings.length);
        Arrays.sort(last);
        return last[last.length / 2];
    }

    /** @return what {@link #end} is to be given */
    public long begin() {
        if (cpu == null || ThreadLocalRandom.current().nextInt(SHARE) != 0) return NOT_CHOSEN;
        return cpu.getAsLong();
    }

    public void end(long begun) {
        if (begun != NOT_CHOSEN) total.add((cpu.getAsLong() - begun - reading) * SHARE);
    }

    /** @return ns, or -1 when nothing is measured */
    public long total() {
        return cpu == null ? -1 : Math.max(0, total.sum());
    }
}
