package receipts.gate.core;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Messages of before the gate was loaded, which may come twice: from the server's offline storage, where they have no number, and
 * as a copy that the component sends. Whichever is later is not written. By {@link Stanza#likeness}; bounded. Guarded by the gate's
 * lock.
 */
final class Notes {
    static final int BOUND = 100_000;
    /** ms */
    static final long AGE = 24 * 3_600_000;

    private static final class Given {
        /** The session of a copy. */
        final String stream;
        /** Null when it was a copy. */
        final Flush flush;
        final long at;

        Given(String stream, Flush flush, long at) {
            this.stream = stream;
            this.flush = flush;
            this.at = at;
        }
    }

    private final Map<String, Given> given = new LinkedHashMap<>();
    private long counter;

    /** @return a note; null when a session that is there was given a copy */
    Flush flushed(String likeness, Live live, Sessions sessions, long now) {
        Given before = given.get(likeness);
        if (before != null && before.flush == null && sessions.get(before.stream) != null) return null;
        Flush note = Flush.note("note " + ++counter, live);
        add(likeness, new Given(live.stream, note, now));
        return note;
    }

    /** @return the note of what a copy repeats; null when there is none: then the copy is written to that session */
    Flush take(String likeness, String stream, Sessions sessions, long now) {
        Given before = given.get(likeness);
        Flush note = before == null ? null : before.flush;
        if (note != null && (note.returned || note.provedBy == null && sessions.get(before.stream) == null)) note = null;
        add(likeness, new Given(note == null ? stream : before.stream, null, now));
        return note;
    }

    private void add(String likeness, Given one) {
        given.remove(likeness);
        given.put(likeness, one);
        for (Iterator<Given> all = given.values().iterator(); all.hasNext();) {
            if (one.at - all.next().at < AGE && given.size() <= BOUND) break;
            all.remove();
        }
    }

    int size() {
        return given.size();
    }
}
