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

    void add(String from, String to, String id) {
        count++;
        if (events.size() >= BOUND) events.removeFirst();
        events.add(Events.empty("unheld", "from", from, "to", to, "id", id));
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
