package receipts.gate.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What one connection of the component is told of all that is remembered. That may be tens of megabytes, so no more is written than it
 * has room for: whether it reads, its answer to a ping shows that is written behind. What is here is written out when its turn comes, and
 * nothing new is told of it before. Guarded by the gate's lock.
 */
final class Telling {
    /** Bytes, about, that are written ahead of the component's reading. Openfire 4.2 ends a connection that 5 MB wait for. */
    static final int AHEAD = 1 << 20;
    /** ms for the answer to a ping, after which more is told all the same: not every component answers. */
    static final long PATIENCE = 2000;

    private final Gate gate;
    private final Outbox outbox;
    /** Events as text, sessions, what is known of messages, what passed unheld, and answers. */
    private final Deque<Object> waiting = new ArrayDeque<>();
    private Lease lease;
    /** All comes here, in its order, until the lease was told what was remembered when it began. */
    private boolean beginning;
    /** Bytes since the component was seen to read. */
    private long ahead;
    /** What passed unheld and was told, and may not have been read: told once more to that process when this connection breaks. */
    private final List<Unheld.Passed> unread = new ArrayList<>();
    private String ping;
    private long pingAt;
    /** Of {@link #ahead} and {@link #unread} what was written before the ping. */
    private long aheadOfPing;
    private int unreadBeforePing;

    Telling(Gate gate, Outbox outbox) {
        this.gate = gate;
        this.outbox = outbox;
    }

    /** Of all that follows `enable`. */
    void begin(Lease owner) {
        lease = owner;
        beginning = true;
    }

    boolean isBeginning() {
        return beginning;
    }

    void add(Object one) {
        if (one instanceof Known) ((Known) one).isToBeTold = true;
        waiting.add(one);
    }

    /** As much as there is room for. */
    void goOn() {
        while (ahead < AHEAD) {
            Object next = waiting.poll();
            if (next == null) {
                if (!beginning) break;
                waiting.addAll(gate.unheld.news(lease.process, lease.heard));
                if (waiting.isEmpty()) ready();
            } else tell(next);
        }
        if (waiting.isEmpty() && !beginning && unread.isEmpty()) return;
        ask();
    }

    private void ask() {
        if (ping != null) return;
        ping = Tokens.next(128);
        aheadOfPing = ahead;
        unreadBeforePing = unread.size();
        pingAt = gate.clock.getAsLong();
        outbox.ask(ping);
    }

    /** What passes unheld, or is confirmed, while this connection holds. */
    void tellNow(Unheld.Passed passed) {
        unread.add(passed);
        gate.record.send(lease, passed.tell(lease.process, gate.clock.getAsLong()));
        if (!lease.ended) ask();
    }

    private void tell(Object one) {
        if (one instanceof Known) {
            Known known = (Known) one;
            // Somebody else has asked for it.
            if (!known.isToBeTold) return;
            known.isToBeTold = false;
            if (known.forgotten) return;
            for (String event : known.events()) write(event);
        } else if (one instanceof Live) {
            Live live = (Live) one;
            if (gate.record.sessions.get(live.stream) == live) write(live.event());
        } else if (one instanceof Unheld.Passed) {
            Unheld.Passed passed = (Unheld.Passed) one;
            unread.add(passed);
            write(passed.tell(lease.process, gate.clock.getAsLong()));
        } else if (one instanceof Answer) outbox.put((Answer) one);
        else write((String) one);
    }

    private void write(String event) {
        ahead += event.length();
        outbox.put(event);
    }

    /** From now on it holds: what it is shown comes behind all that it must know before. */
    private void ready() {
        beginning = false;
        write("<ready/>");
        lease.holds = true;
        gate.leasesChanged();
    }

    /** @return whether it was this connection's ping */
    boolean read(String id) {
        if (!id.equals(ping)) return false;
        ping = null;
        ahead -= aheadOfPing;
        unread.subList(0, unreadBeforePing).clear();
        goOn();
        return true;
    }

    void tick(long now) {
        // Where nothing waits for the answer it may come late.
        if (ping == null || now - pingAt <= PATIENCE || waiting.isEmpty() && !beginning) return;
        ping = null;
        ahead = 0;
        goOn();
    }

    /** @return the answers that are still to go */
    List<Answer> end() {
        List<Answer> answers = new ArrayList<>();
        for (Object one : waiting) {
            if (one instanceof Known) ((Known) one).isToBeTold = false;
            else if (one instanceof Answer) answers.add((Answer) one);
        }
        waiting.clear();
        ping = null;
        for (Unheld.Passed passed : unread) passed.untell(lease.process);
        unread.clear();
        beginning = false;
        return answers;
    }
}
