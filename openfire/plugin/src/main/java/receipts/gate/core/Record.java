package receipts.gate.core;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What is remembered and told of each stored message and each session. Guarded by the gate's lock. */
final class Record implements Reports {
    final Memory memory;
    final Sessions sessions = new Sessions();
    final Proofs proofs;
    final Kept kept = new Kept();
    final Notes notes = new Notes();
    /** Held, or with a verdict and not routed yet. */
    final Set<String> inHand = new HashSet<>();
    private final Gate gate;

    Record(Gate gate) {
        this.gate = gate;
        memory = new Memory(gate.settings.remembered);
        proofs = new Proofs(gate.host, this);
    }

    @Override
    public void event(Known known, String event) {
        if (known.forgotten) return;
        Lease lease = owner(known);
        if (lease == null) return;
        if (known.isToBeTold) lease.outbox.telling.add(event);
        else tell(known, lease, event);
    }

    /** That process has said something of it: what another one was still to be told of it, it must know now. */
    void belongs(Known known, Lease lease) {
        boolean isUntold = known.isToBeTold && known.told != lease;
        leaves(known, lease);
        known.told = lease;
        if (!isUntold) return;
        known.isToBeTold = false;
        for (String event : known.events()) send(lease, event);
    }

    /** That process sees to it from now on, or has ended it: the one that was told of it before hears nothing more, and is told so. */
    void leaves(Known known, Lease lease) {
        Lease before = known.told;
        if (before == null || before == lease || before.ended) return;
        if (!before.outbox.patient(Events.empty("forgotten", "n", known.n, "elsewhere", "true"))) gate.ending.overflow(before);
    }

    /** @param lease of the process that wants nothing more of it */
    void forget(String n, Lease lease) {
        Known known = memory.get(n);
        if (known != null) leaves(known, lease);
        memory.forget(n);
    }

    /** What is kept with the message is told with it where its turn is still to come. */
    private void keptEvent(Known known, String event) {
        Lease lease = known.isToBeTold ? null : owner(known);
        if (lease != null) tell(known, lease, event);
    }

    private void tell(Known known, Lease lease, String event) {
        known.told = lease;
        if (!lease.ended && !lease.outbox.patient(event)) gate.ending.overflow(lease);
        for (String n : memory.takeLost()) send(lease, Events.empty("forgotten", "n", n));
    }

    @Override
    public void later(Known known, String event) {
        if (known.forgotten) return;
        known.later(event);
        memory.keep(known);
        keptEvent(known, event);
    }

    void outcome(Known known, int copy, String event) {
        if (known.forgotten) return;
        known.outcome(copy, event);
        memory.keep(known);
        keptEvent(known, event);
    }

    /**
     * Whether the component hears of all that this confirms when it is routed, and its addressee is there to have it. What is for a
     * session that has ended, Openfire 4.2 stores, although the user has another one: the component knows a better address.
     */
    boolean tells(Stanza message) {
        Live live = sessions.at(message.from);
        if (live == null) return false;
        String sender = message.recipient();
        for (Receipt receipt : message.receipts) {
            Known newest = memory.named(message.nameOf(receipt));
            // The component waits until it is known who was given which.
            if (isBeingRouted(newest) || !isOpen(Confirmed.by(receipt, newest, live, sessions))) return false;
        }
        if (!sender.equals(message.to)) return sessions.at(message.to) != null;
        for (Live theirs : sessions.of(sender)) if (theirs.takes(message.to)) return true;
        return false;
    }

    private static boolean isBeingRouted(Known newest) {
        for (Known known = newest; known != null; known = known.sameName) if (known.routedTo != null) return true;
        return false;
    }

    /** Whether an original is among these that nobody has confirmed yet. */
    private static boolean isOpen(List<Known> confirmed) {
        for (Known known : confirmed) if (!known.isConfirmed() && !known.byCopy) return true;
        return false;
    }

    /** A client's message goes on to its recipient: what that confirms, this client has. */
    void routed(Stanza message) {
        if (message.receipts.isEmpty()) return;
        Live live = sessions.at(message.from);
        if (live == null) return;
        seen(message, live);
        for (Receipt receipt : message.receipts) {
            String name = message.nameOf(receipt);
            if (!receipt.marker) confirmUnheld(name, live);
            for (Known known : Confirmed.by(receipt, memory.named(name), live, sessions)) {
                proofs.confirmed(live, known);
                boolean isNews = !known.isConfirmed();
                known.confirm(receipt, live.stream);
                if (isNews) later(known, Events.empty("has", "n", known.n, "jid", live.jid, "session", live.stream, "by", receipt.marker ? "marker" : "receipt",
                    "id", receipt.id, "to", message.to));
            }
        }
    }

    /** A client has written a message, which may be shown to the component and never routed. */
    void seen(Stanza message) {
        if (message.receipts.isEmpty()) return;
        Live live = sessions.at(message.from);
        if (live != null) seen(message, live);
    }

    private void seen(Stanza message, Live live) {
        for (Receipt receipt : message.receipts) {
            if (!receipt.marker) proofs.confirms(live);
            for (Known known : Confirmed.by(receipt, memory.named(message.nameOf(receipt)), live, sessions)) proofs.seen(known);
        }
    }

    private void confirmUnheld(String name, Live live) {
        Unheld.Passed passed = gate.unheld.confirm(name, live.jid);
        if (passed != null) gate.tell(passed);
    }

    /** The one that saw the message, or else whose the conversation is now. */
    private Lease owner(Known known) {
        if (known.told != null && !known.told.ended) return known.told;
        return gate.listener(known.pair);
    }

    /** All that nobody else who is there was told. */
    void repeatTo(Lease lease) {
        for (Known known : memory.all()) {
            if (known.told != null && !known.told.ended || owner(known) != lease) continue;
            known.told = lease;
            lease.outbox.telling.add(known);
        }
        lease.outbox.telling.goOn();
        for (String n : memory.takeLost()) send(lease, Events.empty("forgotten", "n", n));
    }

    void send(Lease lease, String event) {
        if (!lease.ended && !lease.outbox.event(event)) gate.ending.overflow(lease);
    }

    void sendToAll(String event) {
        for (Lease lease : gate.leases.all()) send(lease, event);
    }
}
