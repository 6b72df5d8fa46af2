package receipts.smack;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/** A loop whose time passes when a test says so. What is done again and again is not done. */
final class ManualLoop extends Loop {
    private final Queue<Runnable> due = new ArrayDeque<>();
    private final Queue<Timer> timers = new PriorityQueue<>(Comparator.comparingLong((Timer timer) -> timer.at));
    private long now;

    private static final class Timer extends FutureTask<Void> {
        final long at;

        Timer(Runnable work, long at) {
            super(work, null);
            this.at = at;
        }
    }

    ManualLoop() {
        super("manual");
    }

    @Override
    public void execute(Runnable work) {
        due.add(work);
    }

    @Override
    Future<?> after(long ms, Runnable work) {
        Timer timer = new Timer(work, now + ms);
        timers.add(timer);
        return timer;
    }

    @Override
    void every(long ms, Runnable work) {}

    /** Does what is due within so many ms. */
    void pass(long ms) throws Exception {
        long until = now + ms;
        doDue();
        while (!timers.isEmpty() && timers.peek().at <= until) {
            Timer timer = timers.remove();
            now = timer.at;
            timer.run();
            if (!timer.isCancelled()) timer.get();
            doDue();
        }
        now = until;
    }

    private void doDue() {
        for (Runnable work = due.poll(); work != null; work = due.poll()) work.run();
    }
}
