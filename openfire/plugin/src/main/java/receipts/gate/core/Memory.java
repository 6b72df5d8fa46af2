package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is known of each number until the component says that it need not be. Guarded by the gate's lock. */
final class Memory {
    /**
     * As many messages of one name are found by a receipt, the oldest. Each receipt looks at all of them, and a client may give all its
     * messages one id. What is over it is proved in another way, or by the component, which is shown what finds nothing.
     */
    static final int SAME_NAME = 100;
    private final int bound;
    private final Map<String, Known> byNumber = new LinkedHashMap<>();
    /** The newest of each name; the others follow by {@link Known#sameName}. */
    private final Map<String, Known> byName = new HashMap<>();
    /** Numbers that were given up, until somebody has been told. */
    private final Deque<String> lost = new ArrayDeque<>();

    Memory(int bound) {
        this.bound = Math.max(1, bound);
    }

    Known get(String n) {
        return byNumber.get(n);
    }

    /**
     * @param name {@link Known#name}
     * @return the newest of that name, from which {@link Known#sameName} leads to all others; or null
     */
    Known named(String name) {
        return byName.get(name);
    }

    void keep(Known known) {
        if (known.forgotten) return;
        Known before = byNumber.put(known.n, known);
        if (before != null && before != known) unname(before);
        name(known);
        if (byNumber.size() <= bound) return;
        Iterator<Known> all = byNumber.values().iterator();
        Known eldest = all.next();
        String n = eldest.n;
        all.remove();
        unname(eldest);
        if (lost.size() >= bound) lost.removeFirst();
        lost.add(n);
    }

    void forget(String n) {
        Known known = byNumber.remove(n);
        if (known == null) return;
        known.forgotten = true;
        unname(known);
    }

    /** From now on a receipt finds it. Who is given it may confirm it before it is kept. */
    void name(Known known) {
        if (known.name == null || known.isNamed || known.forgotten) return;
        int count = 0;
        for (Known one = byName.get(known.name); one != null; one = one.sameName) count++;
        known.isNamed = count < SAME_NAME;
        if (known.isNamed) known.sameName = byName.put(known.name, known);
        else known.name = null;
    }

    /** It has been routed: there is no more to it where it is not kept. */
    void routed(Known known) {
        if (byNumber.get(known.n) != known) unname(known);
    }

    private void unname(Known known) {
        if (!known.isNamed) return;
        known.isNamed = false;
        Known newest = byName.get(known.name);
        if (newest == known) {
            if (known.sameName == null) byName.remove(known.name);
            else byName.put(known.name, known.sameName);
        } else {
            Known newer = newest;
            while (newer != null && newer.sameName != known) newer = newer.sameName;
            if (newer != null) newer.sameName = known.sameName;
        }
        known.sameName = null;
    }

    Collection<Known> all() {
        return byNumber.values();
    }

    List<String> takeLost() {
        List<String> taken = new ArrayList<>(lost);
        lost.clear();
        return taken;
    }

    int size() {
        return byNumber.size();
    }
}
