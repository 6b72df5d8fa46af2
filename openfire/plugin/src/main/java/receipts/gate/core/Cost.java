package receipts.gate.core;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * The CPU time that the gate itself takes in its callbacks and on its threads, without what the server does when it is called.
 * Reading the clock costs about as much as a short callback. So it is measured only where the operator asks for it, of one
 * piece of work in {@link #SHARE}, chosen at random, and what reading the clock itself adds is subtracted: that of this very
 * piece of work, since on a busy machine, with cold caches, it is several times that of an idle one, and more than most of what is measured.
 */
public final class Cost {
    /** Nothing is measured. */
    public static final Cost NONE = new Cost(null);
    private static final int SHARE = 8;
    private static final long NOT_CHOSEN = Long.MIN_VALUE;

    private final LongSupplier cpu;
    private final LongAdder total = new LongAdder();

    /** @param cpu ns of CPU time of the thread that asks */
    public Cost(LongSupplier cpu) {
        this.cpu = cpu;
    }

    /** @return what {@link #end} is to be given */
    public long begin() {
        if (cpu == null || ThreadLocalRandom.current().nextInt(SHARE) != 0) return NOT_CHOSEN;
        long first = cpu.getAsLong();
        long second = cpu.getAsLong();
        return second + (second - first);
    }

    public void end(long begun) {
        if (begun != NOT_CHOSEN) total.add((cpu.getAsLong() - begun) * SHARE);
    }

    /** As {@link #end}, of a piece within another one that is not to count there. */
    public void leave(long begun) {
        if (begun != NOT_CHOSEN) total.add((begun - cpu.getAsLong()) * SHARE);
    }

    /** @return ns, or -1 when nothing is measured */
    public long total() {
        return cpu == null ? -1 : Math.max(0, total.sum());
    }
}
