package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What passed without being shown to a component: the newest of it, by addresses and id. Guarded by the gate's lock. */
final class Unheld {
    private static final int BOUND = 10_000;

    private final Deque<String> events = new ArrayDeque<>();
    private long count;

    /** @param theirs the recipient's sessions now */
    void add(String from, String to, String id, List<Live> theirs) {
        count++;
        if (events.size() >= BOUND) events.removeFirst();
        List<String> streams = new ArrayList<>();
        for (Live live : theirs) if (live.takes(to)) streams.add(live.stream);
        events.add(Events.unheld(from, to, id, streams));
    }

    List<String> take() {
        List<String> taken = new ArrayList<>(events);
        events.clear();
        return taken;
    }

    long count() {
        return count;
    }
}
