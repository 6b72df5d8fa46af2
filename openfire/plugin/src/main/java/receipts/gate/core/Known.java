package receipts.gate.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What is known of one stored message: its copies carry this object in memory, so that nothing marks them on the wire. */
public final class Known {
    public final String n;
    final String pair;
    /** By what a receipt finds it; null without an id. */
    String name;
    /** Remembered before this one under the same name: one message that was written twice has two numbers. */
    Known sameName;
    /** Its recipient's receipt was routed. */
    boolean receipt;
    /** The last outcome of each copy, and what came after: elements that can be written again. */
    private final Map<Integer, String> outcomes = new TreeMap<>();
    private final List<String> later = new ArrayList<>(2);
    /** The component wants to hear no more of it. */
    boolean forgotten;
    /** Who was told last. */
    Lease told;

    Known(String n, String pair) {
        this.n = n;
        this.pair = pair;
    }

    /** @param sender and the recipient: bare JIDs, which hold no space */
    static String name(String sender, String recipient, String id) {
        return id == null ? null : sender + ' ' + recipient + ' ' + id;
    }

    void outcome(int copy, String event) {
        outcomes.put(copy, event);
    }

    void later(String event) {
        if (!later.contains(event)) later.add(event);
    }

    boolean hasOutcome() {
        return !outcomes.isEmpty();
    }

    List<String> events() {
        List<String> all = new ArrayList<>(outcomes.values());
        all.addAll(later);
        return all;
    }
}
