package receipts.gate.core;

import java.util.ArrayList;
import java.util.List;

/** How leases and the patience with single messages end. Guarded by the gate's lock. */
final class Ending {
    private final Gate gate;

    Ending(Gate gate) {
        this.gate = gate;
    }

    /** Lets go of all that this connection holds, in order and without a number; others' messages are not touched. */
    void end(Lease lease, String why) {
        if (lease.ended) return;
        lease.ended = true;
        gate.leases.remove(lease);
        gate.leasesChanged();
        int held = lease.waiting.size();
        for (Entry entry : new ArrayList<>(lease.waiting.values())) pass(lease, entry);
        lease.outbox.endTelling();
        gate.counts.opened++;
        gate.counts.lastOpened = why;
        gate.openedAt = gate.clock.getAsLong();
        lease.outbox.event(Events.empty("opened", "why", why, "held", Integer.toString(held)));
        lease.outbox.close();
        String said = "A lease has ended: " + why + "; " + held + " held messages go their ordinary way";
        if (why.equals("disabled")) gate.host.log(said);
        else gate.host.warn(said);
        for (Lease other : gate.leases.all()) gate.record.repeatTo(other);
    }

    /** It reads too slowly: what it is sent would fill the server's memory. */
    void overflow(Lease lease) {
        if (lease.ended) return;
        end(lease, "overflow");
        lease.outbox.discard();
        gate.host.execute(() -> gate.host.close(lease.connection));
    }

    void tick(long now) {
        for (Lease lease : gate.leases.all()) {
            lease.outbox.telling.tick(now);
            if (now - lease.heard > lease.length) end(lease, "silence");
            else if (isHung(lease, now)) end(lease, "timeout");
            else for (Entry entry : overdue(lease, now)) pass(lease, entry);
        }
    }

    private static boolean isHung(Lease lease, long now) {
        for (Entry eldest : lease.waiting.values()) return now - eldest.at > lease.timeout && now - lease.lastVerdict > lease.timeout;
        return false;
    }

    private static List<Entry> overdue(Lease lease, long now) {
        List<Entry> overdue = new ArrayList<>();
        for (Entry entry : lease.waiting.values()) {
            if (now - entry.at <= lease.timeout) break;
            overdue.add(entry);
        }
        return overdue;
    }

    /** Lets one go alone. */
    private void pass(Lease lease, Entry entry) {
        lease.waiting.remove(entry.known.n);
        entry.passed = true;
        entry.verdict = Verdict.PASS;
        gate.ready(gate.conversations.find(entry.known.pair));
    }

    /** So much waits behind what is held of him that he is let go, alone. */
    void letGoOf(String sender) {
        for (Lease lease : gate.leases.all())
            for (Entry entry : new ArrayList<>(lease.waiting.values())) if (entry.sender.equals(sender)) pass(lease, entry);
    }
}
