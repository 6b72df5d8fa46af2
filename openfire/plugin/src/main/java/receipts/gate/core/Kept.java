package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the server keeps in its offline storage, where a message loses its number. Guarded by the gate's lock. */
final class Kept {
    private static final int BOUND = 100_000;

    private final Map<String, Deque<Known>> byFingerprint = new LinkedHashMap<>();

    void add(String fingerprint, Known known) {
        Deque<Known> same = byFingerprint.get(fingerprint);
        if (same == null) byFingerprint.put(fingerprint, same = new ArrayDeque<>(1));
        same.add(known);
        if (byFingerprint.size() <= BOUND) return;
        Iterator<Deque<Known>> eldest = byFingerprint.values().iterator();
        eldest.next();
        eldest.remove();
    }

    Known take(String fingerprint) {
        Deque<Known> same = byFingerprint.get(fingerprint);
        if (same == null) return null;
        Known known = same.poll();
        if (same.isEmpty()) byFingerprint.remove(fingerprint);
        return known;
    }
}
