package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Writes to one connection, in order, from one thread at a time. Each stanza wakes threads here and the component there, which costs
 * more than the events in it: what nobody waits for goes along with what somebody does, and a component that is busy gets many at once.
 */
final class Outbox {
    /** Bytes of events in one stanza, about: the server of a component closes a stream for a stanza of 1 MB. */
    private static final int STANZA = 64 << 10;

    /** Bytes that the events of one remembered message take, about. */
    private static final long REMEMBERED = 512;

    /**
     * ms between two stanzas while the component has messages to store, and one more for each {@link #MANY} that wait: where many
     * do, a stanza of few costs all of them more than a later one.
     */
    static final long GAP = 2;
    static final long LONGEST_GAP = 10;
    private static final int MANY = 16;
    /** ms that something waits which nobody waits for. */
    static final long PATIENCE = 5;

    private static final long AT_ONCE = Long.MIN_VALUE;
    private static final long NEVER = Long.MAX_VALUE;

    private final Gate gate;
    private final Host host;
    private final long bound;
    /** Events as text, what is {@link Shown}, and answers. */
    private final Deque<Object> items = new ArrayDeque<>();
    /** Answers that say nothing: their place among the others does not matter, and they go behind the next stanza. */
    private final Deque<Answer> silent = new ArrayDeque<>();
    final Telling telling;
    private Lease lease;
    private String begins;
    /** A thread writes, or will at once. */
    private boolean writing;
    /** A thread of the server's brings a message, which it may write itself. */
    private boolean mayLeave;
    /** It is to. */
    private boolean left;
    private boolean closed;
    /** ms: when something is to go, and for when a thread is asked. */
    private long dueAt = NEVER;
    private long wakesAt = NEVER;
    private long wroteAt = AT_ONCE;
    /** Bytes of events since the component was heard last: a stopped one would fill the server's memory. */
    private long unanswered;

    Outbox(Gate gate) {
        this.gate = gate;
        host = gate.host;
        telling = new Telling(gate, this);
        // What waits while it is told of what is remembered counts as well.
        bound = gate.settings.maxHeldBytes + Math.max(16L << 20, gate.settings.remembered * REMEMBERED);
    }

    void belongsTo(Lease owner) {
        lease = owner;
        begins = Events.messageBegins(gate.settings, owner.token);
    }

    /** Whether the component has read what is before it. */
    private static final class Question {
        final String id;

        Question(String id) {
            this.id = id;
        }
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

    /**
     * A message of the lease. A lone one goes at once: its sender and its recipient wait for it.
     *
     * @return as {@link #event}
     */
    boolean shown(String n, String xml) {
        int waiting = lease.waiting.size();
        mayLeave = waiting == 1 && host.writesInCallbacks();
        boolean isRead = add(new Shown(n, xml), xml.length() + 80, waiting == 1 ? AT_ONCE : wroteAt + gap(waiting));
        mayLeave = false;
        return isRead;
    }

    /**
     * A lone message would wait for another thread to be woken.
     *
     * @return whether who has just brought one is to call {@link #writeLone} when he has left the lock; under it
     */
    boolean isLeft() {
        boolean is = left;
        left = false;
        return is;
    }

    /** Writes events, and leaves all else to the gate's own threads: the callback that this is in ends soon. Without the lock. */
    void writeLone() {
        List<Object> events = new ArrayList<>();
        try {
            synchronized (gate.lock) {
                takeEvents(events);
                dueAt = items.isEmpty() && silent.isEmpty() ? NEVER : AT_ONCE;
                wroteAt = gate.clock.getAsLong();
            }
            if (!events.isEmpty()) attempt(() -> write(events));
        } finally {
            synchronized (gate.lock) {
                writing = false;
                if (dueAt != NEVER) schedule(dueAt);
            }
        }
    }

    private static long gap(int waiting) {
        return Math.min(GAP + waiting / MANY, LONGEST_GAP);
    }

    /** @return false when the component has read too little for too long */
    boolean event(String event) {
        return add(event, event.length(), AT_ONCE);
    }

    /** One that nobody waits for. */
    boolean patient(String event) {
        return add(event, event.length(), gate.clock.getAsLong() + PATIENCE);
    }

    private boolean add(Object event, int length, long due) {
        if (closed) return true;
        unanswered += length;
        if (telling.isBeginning()) {
            telling.add(event);
            telling.goOn();
        } else {
            items.add(event);
            schedule(due);
        }
        return unanswered <= bound;
    }

    /** Of what is told as the component reads. */
    void put(String event) {
        items.add(event);
        schedule(AT_ONCE);
    }

    void put(Answer answer) {
        items.add(answer);
        schedule(AT_ONCE);
    }

    /** Asks whether it has read all this. */
    void ask(String id) {
        items.add(new Question(id));
        schedule(AT_ONCE);
    }

    void answer(Answer answer) {
        if (answer.isSilent()) {
            silent.add(answer);
            schedule(gate.clock.getAsLong() + PATIENCE);
            return;
        }
        if (telling.isBeginning()) {
            telling.add(answer);
            telling.goOn();
        } else put(answer);
    }

    /** Nothing more is told of what is remembered. */
    void endTelling() {
        for (Answer answer : telling.end()) if (!closed) put(answer);
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
        silent.clear();
    }

    private void schedule(long due) {
        dueAt = Math.min(dueAt, due);
        if (writing || dueAt >= wakesAt) return;
        long now = gate.clock.getAsLong();
        if (dueAt <= now) {
            writing = true;
            if (mayLeave) left = true;
            else host.execute(this::write);
            return;
        }
        long at = dueAt;
        wakesAt = at;
        host.later(at - now, () -> wake(at));
    }

    private void wake(long at) {
        synchronized (gate.lock) {
            // Something else was to go earlier, and has taken what this was to wake for along.
            if (at != wakesAt) return;
            wakesAt = NEVER;
            if (writing || dueAt == NEVER) return;
            if (dueAt > at) {
                schedule(dueAt);
                return;
            }
            // Clocks differ by less than a ms, for which it need not be asked again.
            dueAt = AT_ONCE;
            writing = true;
        }
        write();
    }

    private void write() {
        List<Object> events = new ArrayList<>();
        List<Object> others = new ArrayList<>();
        for (;;) {
            long begun = gate.cost.begin();
            synchronized (gate.lock) {
                if (items.isEmpty() && silent.isEmpty()) dueAt = NEVER;
                if (dueAt > gate.clock.getAsLong()) {
                    writing = false;
                    if (dueAt != NEVER) schedule(dueAt);
                    return;
                }
                if (items.isEmpty() || isEvent(items.peek())) takeEvents(events);
                else others.add(items.poll());
                // Each time: while there is always something else, the component would think that nobody answers.
                others.addAll(silent);
                silent.clear();
                if (items.isEmpty()) dueAt = NEVER;
                wroteAt = gate.clock.getAsLong();
            }
            gate.cost.end(begun);
            if (!events.isEmpty()) attempt(() -> write(events));
            for (Object other : others) attempt(() -> write(other));
            events.clear();
            others.clear();
        }
    }

    private void write(List<Object> events) {
        long begun = gate.cost.begin();
        String text;
        try {
            text = stanza(events);
        } finally {
            gate.cost.end(begun);
        }
        host.write(lease.connection, text);
    }

    private void write(Object other) {
        if (other instanceof Question) {
            host.ask(lease.connection, ((Question) other).id);
            return;
        }
        Answer answer = (Answer) other;
        host.answer(lease.connection, answer.request, lease.token, answer.inner());
    }

    private void attempt(Runnable write) {
        try {
            write.run();
        } catch (Throwable failure) {
            // Else nothing would be written any more. What was to go is lost here: the next connection is told of it anew.
            host.warn("A connection of the component takes nothing: " + Faults.name(failure));
            host.execute(() -> Faults.contain("A connection of the component could not be closed", host::warn, () -> host.close(lease.connection)));
        }
    }

    private static boolean isEvent(Object item) {
        return item instanceof String || item instanceof Shown;
    }

    /** As many as go in one stanza, up to the next answer. */
    private void takeEvents(List<Object> events) {
        for (int length = 0; length < STANZA && isEvent(items.peek());) {
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
