package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.Deque;

/** Writes to one connection, in order, from one thread at a time; several events go in one stanza. */
final class Outbox {
    /** Bytes of events in one stanza, about: the server of a component closes a stream for a stanza of 1 MB. */
    private static final int STANZA = 64 << 10;

    /** Bytes that the events of one remembered message take, about. */
    private static final long REMEMBERED = 512;

    private final Gate gate;
    private final Host host;
    private final long bound;
    private final Deque<Object> items = new ArrayDeque<>();
    private Lease lease;
    private boolean scheduled;
    private boolean closed;
    /** Bytes of events since the component was heard last: a stopped one would fill the server's memory. */
    private long unanswered;

    Outbox(Gate gate) {
        this.gate = gate;
        host = gate.host;
        // A new lease is told of all that is remembered at once.
        bound = gate.settings.maxHeldBytes + Math.max(16L << 20, gate.settings.remembered * REMEMBERED);
    }

    void belongsTo(Lease owner) {
        lease = owner;
    }

    /** @return false when the component has read too little for too long */
    boolean event(String event) {
        if (closed) return true;
        unanswered += event.length();
        items.add(event);
        schedule();
        return unanswered <= bound;
    }

    void answer(Answer answer) {
        items.add(answer);
        schedule();
    }

    void heard() {
        unanswered = 0;
    }

    /** Takes no more events; answers still go. */
    void close() {
        closed = true;
    }

    void discard() {
        closed = true;
        items.clear();
    }

    private void schedule() {
        if (scheduled) return;
        scheduled = true;
        host.execute(this::write);
    }

    private void write() {
        for (;;) {
            StringBuilder events = null;
            Answer answer = null;
            long begun = gate.cost.begin();
            synchronized (gate.lock) {
                while (!items.isEmpty() && (events == null || events.length() < STANZA)) {
                    if (items.peek() instanceof Answer) {
                        if (events == null) answer = (Answer) items.poll();
                        break;
                    }
                    if (events == null) events = new StringBuilder();
                    events.append((String) items.poll());
                }
                if (events == null && answer == null) {
                    scheduled = false;
                    return;
                }
            }
            String text = answer != null ? answer.inner() : Events.message(gate.settings, lease.token, events.toString());
            gate.cost.end(begun);
            try {
                if (answer != null) host.answer(lease.connection, answer.request, lease.token, text);
                else host.write(lease.connection, text);
            } catch (RuntimeException gone) {
                // The connection is closing: its end is noticed by itself.
                host.log("A connection of the component takes nothing: " + gone.getClass().getName());
            }
        }
    }
}
