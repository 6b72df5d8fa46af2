package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The FIFO of one direction of a conversation. Guarded by the gate's lock. */
final class Line {
    final Conversation conversation;
    private Deque<Entry> entries = new ArrayDeque<>();
    /** A thread works on it, or will. */
    boolean running;

    Line(Conversation conversation) {
        this.conversation = conversation;
    }

    boolean isIdle() {
        return entries.isEmpty() && !running;
    }

    void add(Entry entry) {
        entries.add(entry);
    }

    /** A redelivery goes before every message that was not released yet: what it carries is older than they are. */
    void addCopy(Entry copy) {
        List<Entry> all = new ArrayList<>(entries);
        int place = 0;
        while (place < all.size() && all.get(place).kind != Entry.Kind.HELD) place++;
        all.add(place, copy);
        entries = new ArrayDeque<>(all);
    }

    boolean isReady() {
        Entry first = entries.peek();
        return first != null && first.isReady();
    }

    /** @return the first, when nothing keeps it */
    Entry take() {
        return isReady() ? entries.poll() : null;
    }
}
