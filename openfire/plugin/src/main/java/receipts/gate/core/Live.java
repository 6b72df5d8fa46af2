package receipts.gate.core;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** A user's session, named by its stream, and what was sent to it without a proof that the client has it. Guarded by the gate's lock. */
final class Live {
    /** Of more the oldest are given up. */
    private static final int UNPROVED = 20_000;
    /** How long (ms) after it became unavailable a session may end for that to be a client that leaves. */
    private static final int LEAVES = 1000;

    static final class Sent {
        final Known known;
        final int copy;
        final long place;
        /** When, ms. */
        final long at;

        Sent(Known known, int copy, long place, long at) {
            this.known = known;
            this.copy = copy;
            this.place = place;
            this.at = at;
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
    /** Since when (ms) something may wait for a proof, and nothing was asked for it; 0 when nothing does. */
    long wants;
    boolean requested;
    /** Its client returns receipts, as it has lately: proofs that come by themselves, as soon as any other. */
    boolean confirms;
    /** How much was sent before an acknowledgement was waited for in the place of a receipt that had not come. */
    long awaited;
    private final BooleanSupplier closed;
    /** When (ms) its client became unavailable by itself, and has not been available since; or 0. */
    long leftAt;
    /** It has ended, and its client has ended it in order. */
    private boolean graceful;

    /** @param closed whether its client has closed the stream, or null where the server does not say */
    Live(String stream, String jid, BooleanSupplier closed) {
        this.stream = stream;
        this.jid = jid;
        this.closed = closed;
        bare = Stanza.bare(jid);
    }

    void ended(long now) {
        graceful = closed != null ? closed.getAsBoolean() : leftAt != 0 && state.equals("unavailable") && now - leftAt <= LEAVES;
        state = "gone";
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
    Known sent(Known known, int copy, long now) {
        unproved.remove(known.n);
        unproved.put(known.n, new Sent(known, copy, ++places, now));
        if (unproved.size() <= UNPROVED) return null;
        Iterator<Sent> eldest = unproved.values().iterator();
        Known given = eldest.next().known;
        eldest.remove();
        return given;
    }

    long place() {
        return places;
    }

    /**
     * The oldest that waits for a proof, or null. What was sent before it goes of which the component has said that it need not be
     * remembered: nobody wants a proof of that. What is only noted stays, since the component may name it yet.
     */
    Sent oldest() {
        for (Iterator<Sent> all = unproved.values().iterator(); all.hasNext();) {
            Sent sent = all.next();
            if (!sent.known.forgotten) return sent;
            if (!sent.known.isNoted()) all.remove();
        }
        return null;
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
        return Events.empty("session", "jid", jid, "id", stream, "state", state, "priority", Integer.toString(priority), "sm", Boolean.toString(managed), "graceful", graceful ? "true" : null);
    }
}
