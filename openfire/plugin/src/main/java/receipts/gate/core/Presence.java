package receipts.gate.core;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** What the server's callbacks say of users' sessions and of what their clients have. Safe for use from any thread and under any lock of the server. */
public final class Presence {
    private final Gate gate;
    private final Record record;

    Presence(Gate gate) {
        this.gate = gate;
        record = gate.record;
    }

    /**
     * A resource was bound; whoever had it before has ended.
     *
     * @param closed whether its client has closed the stream, asked under the gate's lock when it has ended; null where the server does not say
     */
    public void bound(String stream, String jid, BooleanSupplier closed) {
        synchronized (gate.lock) {
            if (record.sessions.get(stream) != null) return;
            Live live = new Live(stream, jid, closed);
            Live before = record.sessions.add(live);
            if (before != null) ended(before);
            record.sendToAll(live.event());
        }
    }

    /** The same, where the server does not say whether a client has closed its stream. */
    public void bound(String stream, String jid) {
        bound(stream, jid, null);
    }

    /** @param state `available`, `unavailable`, `detached` or `resumed` */
    public void changed(String stream, String state, int priority, boolean managed) {
        change(stream, live -> {
            live.managed = managed;
            if (state.equals("available")) live.leftAt = 0;
            if (live.state.equals(state) && live.priority == priority) return;
            if (state.equals("available") && !live.state.equals(state)) live.availableAt = gate.clock.getAsLong();
            live.state = state;
            live.priority = priority;
            record.sendToAll(live.event());
        });
    }

    /** Its client is about to become unavailable, and the server does not say so in its stead. */
    public void leaves(String stream) {
        change(stream, live -> live.leftAt = gate.clock.getAsLong());
    }

    public void detached(String stream) {
        change(stream, live -> {
            live.state = "detached";
            record.sendToAll(live.event());
        });
    }

    public void resumed(String stream, boolean available) {
        change(stream, live -> {
            live.state = "resumed";
            live.requested = false;
            live.wants = live.unproved.isEmpty() ? 0 : gate.clock.getAsLong();
            record.sendToAll(live.event());
            live.state = available ? "available" : "unavailable";
            record.sendToAll(live.event());
        });
    }

    public void gone(String stream) {
        synchronized (gate.lock) {
            Live live = record.sessions.remove(stream);
            if (live != null) ended(live);
        }
    }

    private void ended(Live live) {
        record.proofs.ended(live);
        live.ended(gate.clock.getAsLong());
        record.sendToAll(live.event());
    }

    /** A tagged copy was written to that session. */
    public void sent(Known known, int copy, String stream, boolean managed) {
        change(stream, live -> {
            live.managed = managed;
            record.proofs.sent(live, known, copy, gate.clock.getAsLong());
        });
    }

    /** The same, of what the server had kept for later. */
    public void flushed(Known known, String stream, boolean managed) {
        change(stream, live -> {
            live.managed = managed;
            record.proofs.flushed(live, known);
            record.proofs.sent(live, known, 1, gate.clock.getAsLong());
        });
    }

    /** The server stored it for later; it will be recognised by that when it is sent. */
    public void stored(Known known, String fingerprint) {
        synchronized (gate.lock) {
            record.kept.add(fingerprint, known);
        }
    }

    /**
     * The server is about to write to that session what it had stored.
     *
     * @param likeness {@link Stanza#likeness}
     * @return null when a client has it as a copy, or a session that is there was given that: it is not to be written
     */
    public Flush unstored(String fingerprint, String likeness, String stream) {
        synchronized (gate.lock) {
            Live live = record.sessions.get(stream);
            Known known = record.kept.take(fingerprint);
            // It stayed in the storage although its recipient was there.
            if (known != null && known.hasCopy) return null;
            // What the component wants no more is the server's alone: should that session end without it, the server keeps it again.
            if (known != null && known.forgotten) known = null;
            if (known != null || likeness == null || live == null) return new Flush(known, live);
            return record.notes.flushed(likeness, live, record.sessions, gate.clock.getAsLong());
        }
    }

    /** A note was written, or could not be. */
    public void noted(Flush note, boolean written, boolean managed) {
        synchronized (gate.lock) {
            note.given.managed = managed;
            boolean there = record.sessions.get(note.given.stream) != null;
            record.proofs.noted(note, written && there, gate.clock.getAsLong());
        }
    }

    /**
     * Another copy is about to be written to that session, perhaps of what the server stored before the gate was loaded.
     *
     * @param likeness {@link Stanza#likeness}
     * @return who was given it from the server's storage, so that it is not to be written; or null
     */
    public Flush noted(Known known, String likeness, String stream) {
        synchronized (gate.lock) {
            // Others are known when they are flushed.
            if (!known.byCopy || likeness == null) return null;
            return record.notes.take(likeness, stream, record.sessions, gate.clock.getAsLong());
        }
    }

    /** @param covered has been acknowledged, as has a stanza after it; or null */
    public void acknowledged(String stream, Known covered) {
        change(stream, live -> {
            if (covered != null) record.proofs.acknowledged(live, covered);
            record.proofs.acknowledgement(live);
        });
    }

    public void answered(String ping, String stream) {
        synchronized (gate.lock) {
            record.proofs.answered(ping, stream, gate.clock.getAsLong());
        }
    }

    /** The server itself has answered that ping. */
    public void unreliable(String ping) {
        synchronized (gate.lock) {
            record.proofs.unreliable(ping);
        }
    }

    /** The server routes anew what a session left unacknowledged. */
    public void returned(Known known, String stream) {
        change(stream, live -> record.proofs.returned(live, known.n));
    }

    private void change(String stream, Consumer<Live> change) {
        synchronized (gate.lock) {
            Live live = record.sessions.get(stream);
            if (live != null) change.accept(live);
        }
    }

    /** Whether that session has the message and has not proved it. */
    public boolean waits(String n, String stream) {
        synchronized (gate.lock) {
            Live live = record.sessions.get(stream);
            return live != null && live.unproved.containsKey(n);
        }
    }
}
