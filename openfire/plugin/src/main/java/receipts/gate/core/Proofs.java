package receipts.gate.core;

import java.util.HashMap;
import java.util.Map;

/**
 * Which client has which message: by its acknowledgement (XEP-0198) or by its answer to a ping (XEP-0199) that was written
 * behind the message. Guarded by the gate's lock.
 */
final class Proofs {
    /**
     * ms that a client that returns receipts has for one, before it is asked for any other proof; and a client with stream management
     * for its acknowledgement, before it is sent a ping as well.
     */
    static final long PATIENCE = 250;
    /** ms after which a ping without an answer is out no longer. */
    static final long PING_TIMEOUT = 60_000;

    private final Host host;
    private final Reports reports;
    private final Map<String, Live> pings = new HashMap<>();

    Proofs(Host host, Reports reports) {
        this.host = host;
        this.reports = reports;
    }

    /** A message was written to that session. */
    void sent(Live live, Known known, int copy, long now) {
        known.give(live.stream);
        forgotten(live.sent(known, copy, now));
        if (copy > 1) known.copied = true;
        if (live.isDetached()) return;
        if (live.wants == 0) live.wants = now;
        // To ask costs a phone's radio, and the server as much as to write a message.
        if (!live.confirms || known.silent) ask(live, now);
    }

    private void ask(Live live, long now) {
        if (!live.managed) {
            ping(live, now);
            return;
        }
        if (live.requested) return;
        live.requested = true;
        host.execute(() -> host.request(live.stream, live.jid));
    }

    /** That client returns receipts. */
    void confirms(Live live) {
        live.confirms = true;
    }

    /** The server routes one of them: no other proof is wanted of it. */
    void confirmed(Live live, Known known) {
        seen(known);
        live.unproved.remove(known.n);
        if (live.unproved.isEmpty()) live.wants = 0;
    }

    /** Some client has it, whoever tells that. */
    void seen(Known known) {
        if (known.copied) known.hasCopy = true;
    }

    /** The server has written what has no number, or could not. Of a note alone nobody may ever ask, and no client is asked for it. */
    void noted(Flush note, boolean sent, long now) {
        Live live = note.given;
        Known known = note.known();
        note.written = true;
        if (!sent) returned(live, known);
        else if (known.isNoted()) forgotten(live.sent(known, 1, now));
        else sent(live, known, note.copy, now);
    }

    /** The component has named what was only noted. */
    void adopt(Flush note, Known known, int copy, long now) {
        Live live = note.given;
        boolean open = live.unproved.remove(note.known().n) != null;
        note.is(known, copy);
        if (note.written) known.give(live.stream);
        if (note.provedBy != null) has(live, known, note.provedBy);
        else if (open) sent(live, known, copy, now);
        else if (note.written) returned(live, known);
    }

    /** That client acknowledged the message and a later stanza. */
    void acknowledged(Live live, Known known) {
        if (live.unproved.remove(known.n) != null) has(live, known, "sm");
    }

    /** Something was acknowledged: what was sent since may be asked for. */
    void acknowledgement(Live live) {
        live.requested = false;
        if (live.unproved.isEmpty()) live.wants = 0;
    }

    void ping(Live live, long now) {
        if (!live.pings || live.isDetached() || live.unproved.isEmpty()) return;
        if (live.ping != null) {
            if (now - live.pingAt < PING_TIMEOUT) return;
            pings.remove(live.ping);
        }
        String id = Tokens.next(128);
        live.ping = id;
        live.pingPlace = live.place();
        live.pingAt = now;
        live.wants = 0;
        pings.put(id, live);
        host.execute(() -> host.ping(live.stream, live.jid, id));
    }

    /** @param stream the session that the answer came by */
    void answered(String id, String stream, long now) {
        Live live = pings.get(id);
        if (live == null || !live.stream.equals(stream)) return;
        pings.remove(id);
        live.ping = null;
        for (Known known : live.takeUpTo(live.pingPlace)) has(live, known, "ping");
        if (live.unproved.isEmpty()) return;
        // What is younger has its time, too.
        if (live.managed || live.confirms) live.wants = now;
        else ping(live, now);
    }

    /** The server answers pings in this client's place, so that they prove nothing. */
    void unreliable(String id) {
        Live live = pings.remove(id);
        if (live == null) return;
        live.ping = null;
        live.pings = false;
    }

    void tick(Iterable<Live> sessions, long now) {
        for (Live live : sessions) if (live.wants != 0 && now - live.wants >= PATIENCE) overdue(live, now);
    }

    private void overdue(Live live, long now) {
        if (live.isDetached()) return;
        Live.Sent oldest = live.oldest();
        live.wants = oldest == null ? 0 : oldest.at;
        if (oldest == null || now - oldest.at < PATIENCE) return;
        boolean asksFirst = live.confirms && live.managed && oldest.place > live.awaited;
        // That one it does not confirm, and perhaps no other: from now on it is asked at once, until it confirms one.
        live.confirms = false;
        if (!asksFirst) {
            ping(live, now);
            return;
        }
        live.awaited = live.place();
        live.wants = now;
        ask(live, now);
    }

    /** The session has ended: all that it has not proved is open again. */
    void ended(Live live) {
        if (live.ping != null) pings.remove(live.ping);
        for (Live.Sent sent : live.unproved.values()) returned(live, sent.known);
        live.unproved.clear();
    }

    /** @return whether it was unproved there */
    boolean returned(Live live, String n) {
        Live.Sent sent = live.unproved.remove(n);
        if (sent != null) returned(live, sent.known);
        return sent != null;
    }

    private void forgotten(Known given) {
        if (given != null && !given.isNoted()) reports.event(given, Events.empty("forgotten", "n", given.n));
    }

    private void returned(Live live, Known known) {
        if (known.isNoted()) known.note.returned = true;
        else reports.later(known, Events.empty("returned", "n", known.n, "jid", live.jid, "session", live.stream));
    }

    private void has(Live live, Known known, String by) {
        seen(known);
        if (known.isNoted()) known.note.provedBy = by;
        else reports.later(known, Events.empty("has", "n", known.n, "jid", live.jid, "session", live.stream, "by", by));
    }

    /** For messages that the server kept and now sends. */
    void flushed(Live live, Known known) {
        reports.later(known, Events.empty("flushed", "n", known.n, "jid", live.jid, "session", live.stream));
    }

}
