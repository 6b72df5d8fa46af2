package receipts.gate.core;

import java.util.HashMap;
import java.util.Map;

/** How much is in memory, of each sender and in all. Guarded by the gate's lock. */
final class Bounds {
    private static final class Use {
        int held;
        long bytes;
        /** Not shown, and waiting only for the order. */
        int behind;
        /** He was let go, until nothing of him is left. */
        boolean free;
    }

    private final Settings settings;
    private final Map<String, Use> bySender = new HashMap<>();
    private final Use all = new Use();

    Bounds(Settings settings) {
        this.settings = settings;
    }

    boolean admits(String sender, int bytes) {
        if (all.held >= settings.maxHeld || all.bytes + bytes > settings.maxHeldBytes) return false;
        Use use = bySender.get(sender);
        return use == null ? bytes <= settings.maxHeldBytesOfSender()
            : !use.free && use.held < settings.maxHeldOfSender() && use.bytes + bytes <= settings.maxHeldBytesOfSender();
    }

    /** So much waits behind what is held of him that it must be let go: said once, and nothing is held of him until all is gone. */
    boolean letsGo(String sender) {
        Use use = bySender.get(sender);
        if (use == null || use.free || use.behind < settings.maxHeldOfSender()) return false;
        use.free = true;
        return true;
    }

    /** More than may be in memory: the server cannot route it as fast as it comes. */
    boolean isFull(String sender) {
        Use use = bySender.get(sender);
        return use != null && use.behind >= settings.maxHeld;
    }

    void add(Entry entry) {
        Use use = bySender.get(entry.sender);
        if (use == null) bySender.put(entry.sender, use = new Use());
        count(use, entry, 1);
        count(all, entry, 1);
    }

    void remove(Entry entry) {
        Use use = bySender.get(entry.sender);
        count(use, entry, -1);
        count(all, entry, -1);
        if (use.held == 0 && use.behind == 0) bySender.remove(entry.sender);
    }

    private static void count(Use use, Entry entry, int by) {
        if (entry.kind != Entry.Kind.HELD) {
            use.behind += by;
            return;
        }
        use.held += by;
        use.bytes += by * (long) entry.bytes;
    }

    int held() {
        return all.held;
    }

    long bytes() {
        return all.bytes;
    }
}
