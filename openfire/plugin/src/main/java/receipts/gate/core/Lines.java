package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Works the FIFOs off, each by one thread at a time. To wake a thread costs more than most entries: there are as many as processors
 * while they keep up, and one more at each tick while something has waited since the one before, since the server may keep a thread
 * waiting for its database.
 */
final class Lines {
    /** Entries in one go, so that a busy conversation leaves room for others. */
    private static final int TURN = 64;
    /**
     * ms: a session is told of as available before the server gives it messages, and a while before on a busy machine. To name one
     * that was there before does no harm: only those are named that were given nothing.
     */
    static final long LOGIN = 2000;

    private final Gate gate;
    private final int usual;
    private final List<Line> paused = new ArrayList<>();
    /** Those that wait for a thread. */
    private final Deque<Line> ready = new ArrayDeque<>();
    private int threads;
    /** Of {@link #ready} at the last tick; it is not there any more if a thread was free since. */
    private Line waited;

    Lines(Gate gate, int usual) {
        this.gate = gate;
        this.usual = usual;
    }

    void schedule(Conversation conversation) {
        if (conversation == null) return;
        schedule(conversation.forth());
        schedule(conversation.back());
    }

    /** Under the lock. */
    void schedule(Line line) {
        if (line.running || !line.isReady()) return;
        line.running = true;
        ready.add(line);
        if (threads < usual) begin();
    }

    private void begin() {
        threads++;
        gate.host.route(this::run);
    }

    private void run() {
        boolean ends = false;
        try {
            while (!ends) {
                Line line;
                synchronized (gate.lock) {
                    line = ready.poll();
                    ends = line == null;
                    if (ends) threads--;
                }
                if (line != null) work(line);
            }
        } finally {
            // An error of the server's classes: others go on.
            if (!ends) synchronized (gate.lock) { threads--; }
        }
    }

    /** What the server could not route is tried again, and what waits for a thread gets another. Under the lock. */
    void tick() {
        if (waited != null && ready.peek() == waited && threads < Gate.ROUTING_THREADS) begin();
        waited = ready.peek();
        if (paused.isEmpty()) return;
        List<Line> all = new ArrayList<>(paused);
        paused.clear();
        for (Line line : all) {
            line.paused = false;
            schedule(line);
        }
    }

    private void work(Line line) {
        Entry entry = null;
        Outcome seen = null;
        for (int i = 0; ; i++) {
            long begun = gate.cost.begin();
            synchronized (gate.lock) {
                if (entry != null && !isPutOff(line, entry, seen)) finished(line.conversation, entry, seen);
                entry = i == TURN ? null : line.take();
                if (entry != null) begins(line.conversation, entry);
                if (entry == null) {
                    line.running = i == TURN;
                    if (line.running) ready.add(line);
                    else gate.conversations.close(line.conversation);
                }
            }
            gate.cost.end(begun);
            if (entry == null) return;
            seen = carryOut(entry);
            if (entry.acknowledgement() != null) entry.acknowledged = true;
        }
    }

    /** A client may confirm what it is given before the server has come back, and it is known to whom it was given. */
    private void begins(Conversation conversation, Entry entry) {
        if (entry.routedAt == 0) entry.routedAt = gate.clock.getAsLong();
        if (!entry.isTagged() && !entry.passed) return;
        entry.known.routedTo = entry.to;
        if (entry.passed) entry.known.pass(takers(conversation, entry));
        gate.record.memory.name(entry.known);
    }

    /** Without the lock. */
    private Outcome carryOut(Entry entry) {
        if (entry.verdict == Verdict.DROP) return new Outcome();
        try {
            return gate.host.carryOut(entry);
        } catch (Throwable failure) {
            // Also an error: another plugin may not fit this server, and all that its conversation writes later waits behind this.
            gate.host.warn("A stanza could not be routed: " + Faults.name(failure));
            return new Outcome();
        }
    }

    /** Whether it waits in its place for the next tick. Its patience is that with the component. */
    private boolean isPutOff(Line line, Entry entry, Outcome seen) {
        if (!seen.isLater()) return false;
        long now = gate.clock.getAsLong();
        if (!entry.isPutOff) entry.putOffAt = now;
        else if (now - entry.putOffAt > gate.settings.timeout) return false;
        entry.isPutOff = true;
        line.putBack(entry);
        paused.add(line);
        return true;
    }

    private void finished(Conversation conversation, Entry entry, Outcome seen) {
        gate.bounds.remove(entry);
        if (entry.kind == Entry.Kind.HELD) finishedHeld(conversation, entry, seen);
        else if (entry.kind == Entry.Kind.DELIVER) {
            if (seen.failure() == null) {
                gate.counts.delivered++;
                gate.record.outcome(entry.known, entry.copy, seen.event(entry.known.n, entry.copy));
                if (seen.note != null) gate.record.proofs.adopt(seen.note, entry.known, entry.copy, gate.clock.getAsLong());
            } else if (entry.answer != null) {
                entry.answer.add(Events.empty("failed", "command", "deliver", "n", entry.known.n, "reason", seen.failure()));
            }
        } else if (entry.kind == Entry.Kind.TELL) gate.counts.told++;
        if (entry.known != null) {
            entry.known.routedTo = null;
            gate.record.memory.routed(entry.known);
        }
        if (entry.answer != null) entry.answer.done();
    }

    /** Who logs in while the server routes it is told of before the outcome is, as if he had been there. */
    private List<Live> missed(Conversation conversation, Entry entry, Outcome seen) {
        return gate.record.sessions.missed(conversation.other(entry.sender), entry.routedAt - LOGIN, seen);
    }

    private List<Live> takers(Conversation conversation, Entry entry) {
        return gate.record.sessions.takers(conversation.other(entry.sender), entry.to);
    }

    private void finishedHeld(Conversation conversation, Entry entry, Outcome seen) {
        if (--conversation.held == 0) conversation.owner = null;
        Known known = entry.known;
        gate.record.inHand.remove(known.n);
        if (entry.verdict == Verdict.STORED) {
            gate.counts.stored++;
            gate.record.outcome(known, 1, seen.isEmpty() ? Events.unknown(known.n, entry.acknowledged) : seen.event(known.n, 1, missed(conversation, entry, seen)));
        } else if (entry.verdict == Verdict.DROP) {
            gate.counts.dropped++;
            // Of a duplicate: the receipt is for the message that it repeats.
            known.name = null;
            gate.record.outcome(known, 1, Events.outcome(known.n, "dropped"));
        } else {
            gate.counts.passed++;
            if (entry.passed) passed(known, takers(conversation, entry));
        }
        if (entry.confirms != null && entry.verdict != Verdict.DROP) gate.record.routed(entry.confirms);
        Lease lease = entry.lease;
        if (--lease.unfinished == 0 && lease.farewell != null) {
            lease.farewell.done();
            lease.farewell = null;
        }
    }

    /** Nobody sees what becomes of it: with the last of these that ends without a receipt it may be lost. */
    private void passed(Known known, List<Live> mayHaveIt) {
        known.pass(mayHaveIt);
        gate.record.outcome(known, 1, Events.passed(known.n, mayHaveIt));
    }
}
