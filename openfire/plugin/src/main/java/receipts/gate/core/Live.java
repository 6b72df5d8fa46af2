package receipts.gate.core;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A user's session, named by its stream, and what was sent to it without a proof that the client has it. Guarded by the gate's lock. */
final class Live {
    /** Of more the oldest are given up. */
    private static final int UNPROVED = 20_000;

    static final class Sent {
        final Known known;
        final int copy;
        final long place;

        Sent(Known known, int copy, long place) {
            this.known = known;
            this.copy = copy;
            this.place = place;
        }
    }

    final String stream;
    final String jid;
    final String bare;
    String state = "bound";
    /** When (ms) it became available; it may have been away in between. */
    long availableAt = Long.MIN_VALUE;
    int priority;
    boolean managed;
    /** Whether a ping's answer can come from the client and from nobody else. */
    boolean pings = true;
    final Map<String, Sent> unproved = new LinkedHashMap<>();
    private long places;
    /** The ping that is out, and how much was sent before it. */
    String ping;
    long pingPlace;
    long pingAt;
    /** Since when something waits for a proof by ping. */
    long wants;
    boolean requested;

    Live(String stream, String jid) {
        this.stream = stream;
        this.jid = jid;
        bare = Stanza.bare(jid);
    }

    /** Whether the server may give it what is for this address. */
    boolean takes(String address) {
        if (jid.equals(address)) return true;
        return priority >= 0 && !state.equals("bound") && !state.equals("unavailable");
    }

    boolean isDetached() {
        return "detached".equals(state);
    }

    /** @return what was given up for it */
    Known sent(Known known, int copy) {
        unproved.remove(known.n);
        unproved.put(known.n, new Sent(known, copy, ++places));
        if (unproved.size() <= UNPROVED) return null;
        Iterator<Sent> eldest = unproved.values().iterator();
        Known given = eldest.next().known;
        eldest.remove();
        return given;
    }

    long place() {
        return places;
    }

    /** Takes all that was sent before a ping. */
    List<Known> takeUpTo(long place) {
        List<Known> taken = new ArrayList<>();
        for (Iterator<Sent> all = unproved.values().iterator(); all.hasNext();) {
            Sent sent = all.next();
            if (sent.place > place) break;
            taken.add(sent.known);
            all.remove();
        }
        return taken;
    }

    String event() {
        return Events.empty("session", "jid", jid, "id", stream, "state", state, "priority", Integer.toString(priority), "sm", Boolean.toString(managed));
    }
}
