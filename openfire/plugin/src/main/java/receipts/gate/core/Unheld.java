package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What passed without being shown to a component: the newest of it, by addresses and id. Guarded by the gate's lock. */
final class Unheld {
    private static final int BOUND = 10_000;

    /** One message; it is written out only where somebody is told of it. */
    private static final class Passed {
        final String from;
        final String to;
        final String id;
        final List<String> streams;

        Passed(String from, String to, String id, List<String> streams) {
            this.from = from;
            this.to = to;
            this.id = id;
            this.streams = streams;
        }
    }

    private final Deque<Passed> all = new ArrayDeque<>();
    private long count;

    /** @param theirs the recipient's sessions now */
    void add(String from, String to, String id, List<Live> theirs) {
        count++;
        if (all.size() >= BOUND) all.removeFirst();
        List<String> streams = new ArrayList<>(theirs.size());
        for (Live live : theirs) if (live.takes(to)) streams.add(live.stream);
        all.add(new Passed(from, to, id, streams));
    }

    List<String> take() {
        List<String> taken = new ArrayList<>(all.size());
        for (Passed passed : all) taken.add(Events.unheld(passed.from, passed.to, passed.id, passed.streams));
        all.clear();
        return taken;
    }

    long count() {
        return count;
    }
}
