package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What passed without being shown to a component: the newest of it, by addresses and id. Guarded by the gate's lock. */
final class Unheld {
    private static final int BOUND = 10_000;
    /** ms for which a process that begins is told of what another one has been told of. */
    private static final long KEPT = 600_000;

    /** One message; it is written out only where somebody is told of it. */
    static final class Passed {
        private final String from;
        private final String to;
        private final String id;
        /** {@link Known#name} */
        private final String name;
        private final List<String> streams;
        private final long at;
        /** Which one it is, wherever it is told again. */
        private final String number;
        /** The client that has returned a receipt. */
        private String confirmed;
        /** Processes; null while none was. */
        private Set<String> told;

        private Passed(Stanza message, String name, List<String> streams, long at, String number) {
            from = message.from;
            to = message.to;
            id = name == null ? null : message.id;
            this.name = name;
            this.streams = streams;
            this.at = at;
            this.number = number;
        }

        private boolean isNewsTo(String process) {
            return told == null || !told.contains(process);
        }

        /** @return the event for that process, which has been told with that */
        String tell(String process, long now) {
            if (told == null) told = new HashSet<>(2);
            told.add(process);
            return Events.unheld(from, to, id, number, confirmed, now - at, streams);
        }

        /** That process may not have read what it was told. */
        void untell(String process) {
            if (told == null) return;
            told.remove(process);
            // What nobody was told stays, however long the component is away.
            if (told.isEmpty()) told = null;
        }
    }

    private final Deque<Passed> all = new ArrayDeque<>();
    private final Map<String, Passed> byName = new HashMap<>();
    private final String epoch;
    private long count;

    /** @param epoch the gate's, which its numbers begin with */
    Unheld(String epoch) {
        this.epoch = epoch;
    }

    /** @param theirs the recipient's sessions now */
    Passed add(Stanza message, String name, List<Live> theirs, long now) {
        count++;
        if (all.size() >= BOUND) drop();
        List<String> streams = new ArrayList<>(theirs.size());
        for (Live live : theirs) if (live.takes(message.to)) streams.add(live.stream);
        Passed passed = new Passed(message, name, streams, now, epoch + '-' + count);
        all.add(passed);
        if (name != null) byName.put(name, passed);
        return passed;
    }

    private void drop() {
        Passed first = all.removeFirst();
        byName.remove(first.name, first);
    }

    /**
     * Its recipient's receipt was routed.
     *
     * @return the message, of which all are to be told again; or null when it is none of these, or confirmed already
     */
    Passed confirm(String name, String jid) {
        Passed passed = byName.get(name);
        if (passed == null || passed.confirmed != null) return null;
        passed.confirmed = jid;
        passed.told = null;
        return passed;
    }

    /** @return all that this process was not told of */
    List<Passed> news(String process, long now) {
        while (!all.isEmpty() && all.peek().told != null && now - all.peek().at > KEPT) drop();
        List<Passed> news = new ArrayList<>();
        for (Passed passed : all) if (passed.isNewsTo(process)) news.add(passed);
        return news;
    }

    long count() {
        return count;
    }
}
