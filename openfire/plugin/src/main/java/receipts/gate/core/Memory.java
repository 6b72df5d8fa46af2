package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is known of each number until the component says that it need not be. Guarded by the gate's lock. */
final class Memory {
    private final int bound;
    private final Map<String, Known> byNumber = new LinkedHashMap<>();
    /** Numbers that were given up, until somebody has been told. */
    private final Deque<String> lost = new ArrayDeque<>();

    Memory(int bound) {
        this.bound = Math.max(1, bound);
    }

    Known get(String n) {
        return byNumber.get(n);
    }

    void keep(Known known) {
        if (known.forgotten) return;
        byNumber.put(known.n, known);
        if (byNumber.size() <= bound) return;
        Iterator<String> eldest = byNumber.keySet().iterator();
        String n = eldest.next();
        eldest.remove();
        if (lost.size() >= bound) lost.removeFirst();
        lost.add(n);
    }

    void forget(String n) {
        Known known = byNumber.remove(n);
        if (known != null) known.forgotten = true;
    }

    Collection<Known> all() {
        return byNumber.values();
    }

    List<String> takeLost() {
        List<String> taken = new ArrayList<>(lost);
        lost.clear();
        return taken;
    }

    boolean hasLost() {
        return !lost.isEmpty();
    }

    int size() {
        return byNumber.size();
    }
}
