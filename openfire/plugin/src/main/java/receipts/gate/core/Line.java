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
    /** The server could not route its first: it is tried again at the next tick. */
    boolean paused;

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

    /** What was taken could not be routed: it is the first again. */
    void putBack(Entry entry) {
        entries.addFirst(entry);
        paused = true;
    }

    boolean isReady() {
        Entry first = entries.peek();
        return first != null && !paused && first.isReady();
    }

    /** @return the first, when nothing keeps it */
    Entry take() {
        return isReady() ? entries.poll() : null;
    }
}
