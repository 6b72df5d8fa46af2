package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Writes to one connection, in order, from one thread at a time; several events go in one stanza. */
final class Outbox {
    /** Bytes of events in one stanza, about: the server of a component closes a stream for a stanza of 1 MB. */
    private static final int STANZA = 64 << 10;

    /** Bytes that the events of one remembered message take, about. */
    private static final long REMEMBERED = 512;

    private final Gate gate;
    private final Host host;
    private final long bound;
    /** Events as text, what is {@link Shown}, and answers. */
    private final Deque<Object> items = new ArrayDeque<>();
    private Lease lease;
    private String begins;
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
        begins = Events.messageBegins(gate.settings, owner.token);
    }

    /** A held message, of which the event is written out only where it is sent. */
    private static final class Shown {
        final String n;
        final String xml;

        Shown(String n, String xml) {
            this.n = n;
            this.xml = xml;
        }
    }

    /** @return as {@link #event} */
    boolean shown(String n, String xml) {
        return add(new Shown(n, xml), xml.length() + 80);
    }

    /** @return false when the component has read too little for too long */
    boolean event(String event) {
        return add(event, event.length());
    }

    private boolean add(Object event, int length) {
        if (closed) return true;
        unanswered += length;
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
        List<Object> events = new ArrayList<>();
        for (;;) {
            Answer answer = null;
            long begun = gate.cost.begin();
            synchronized (gate.lock) {
                if (items.peek() instanceof Answer) answer = (Answer) items.poll();
                else takeEvents(events);
                if (events.isEmpty() && answer == null) {
                    scheduled = false;
                    return;
                }
            }
            String text = answer != null ? answer.inner() : stanza(events);
            events.clear();
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

    /** As many as go in one stanza, up to the next answer. */
    private void takeEvents(List<Object> events) {
        for (int length = 0; length < STANZA && !items.isEmpty() && !(items.peek() instanceof Answer);) {
            Object event = items.poll();
            length += event instanceof Shown ? ((Shown) event).xml.length() : ((String) event).length();
            events.add(event);
        }
    }

    private String stanza(List<Object> events) {
        int length = begins.length() + Events.MESSAGE_ENDS.length();
        for (Object event : events) length += event instanceof Shown ? ((Shown) event).xml.length() + 100 : ((String) event).length();
        StringBuilder text = new StringBuilder(length).append(begins);
        for (Object event : events) {
            if (event instanceof Shown) Events.held(text, ((Shown) event).n, ((Shown) event).xml);
            else text.append((String) event);
        }
        return text.append(Events.MESSAGE_ENDS).toString();
    }
}
