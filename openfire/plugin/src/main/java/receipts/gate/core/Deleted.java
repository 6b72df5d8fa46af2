package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Accounts that were deleted lately: what waits for them is the component's to end. Guarded by the gate's lock. */
final class Deleted {
    private static final int BOUND = 1_000;
    /** ms for which a connection that begins is told: one that was cut may not have had it. */
    private static final long KEPT = 600_000;

    private static final class Account {
        final String jid;
        final long at;

        Account(String jid, long at) {
            this.jid = jid;
            this.at = at;
        }
    }

    private final Deque<Account> all = new ArrayDeque<>();

    void add(String jid, long now) {
        if (all.size() >= BOUND) all.removeFirst();
        all.add(new Account(jid, now));
    }

    static String event(String jid, long ago) {
        return Events.empty("deleted", "jid", jid, "ago", Long.toString(ago));
    }

    List<String> tell(long now) {
        while (!all.isEmpty() && now - all.peek().at > KEPT) all.removeFirst();
        List<String> events = new ArrayList<>(all.size());
        for (Account account : all) events.add(event(account.jid, now - account.at));
        return events;
    }
}
