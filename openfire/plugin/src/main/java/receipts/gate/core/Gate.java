package receipts.gate.core;

import java.util.List;
import java.util.function.LongSupplier;

/**
 * Holds users' messages until the component's verdict, and keeps each direction of a conversation in order. Callbacks of the
 * server only put things here; all that calls the server runs on the host's threads, outside the lock. A lone message is written to
 * the component within the callback that brings it, where {@link Host#writesInCallbacks} allows that.
 */
public final class Gate {
    /** What a caller does with a message. */
    public enum Decision {
        /** It goes on at once. */
        PASS,
        /** The gate has it, and lets it go later. */
        TAKEN,
        /** Its sender is told to try again. */
        REFUSED
    }

    /** That the host has for {@link Host#route}. */
    public static final int ROUTING_THREADS = 8;

    private static final int LONGEST_MARK = 200;

    final Object lock = new Object();
    public final Settings settings;
    final Host host;
    final LongSupplier clock;
    final String epoch = Tokens.next(64);
    final Leases leases = new Leases();
    final Conversations conversations = new Conversations();
    final Bounds bounds;
    final Unheld unheld = new Unheld(epoch);
    final Deleted deleted = new Deleted();
    final Counts counts = new Counts();
    public final Cost cost;
    final Record record;
    final Ending ending;
    private final Lines lines;
    private final Presence presence;
    private final Commands commands;
    /** What a process of the component has said last of its ledger, for the next one; null while none has. */
    private String ledger;
    private long ledgerAt;
    /** When a lease ended last. */
    long openedAt;
    private long counter;
    private boolean unloading;
    /** Read without the lock: whether a message need be written out at all. */
    private volatile boolean leased;

    /** @param clock ms that never go back */
    public Gate(Settings settings, Host host, LongSupplier clock) {
        this(settings, host, clock, Cost.NONE);
    }

    /** @param cost what the gate's own work is added to */
    public Gate(Settings settings, Host host, LongSupplier clock, Cost cost) {
        this.settings = settings;
        this.cost = cost;
        this.host = host;
        this.clock = clock;
        bounds = new Bounds(settings);
        record = new Record(this);
        ending = new Ending(this);
        lines = new Lines(this, Math.min(ROUTING_THREADS, Math.max(2, Runtime.getRuntime().availableProcessors())));
        presence = new Presence(this);
        commands = new Commands(this, lines);
    }

    public boolean isLeased() {
        return leased;
    }

    public Presence presence() {
        return presence;
    }

    /**
     * A user's message to another user.
     *
     * @param shown as the component is to see it, or null when it is not: of the moment only, or nobody is there to see it
     * @param content it would be shown to a component that is there
     */
    public Decision offer(Stanza message, boolean content, String shown) {
        String sender = message.sender();
        String recipient = message.recipient();
        String pair = message.pair();
        String name = shown == null ? null : Known.name(sender, recipient, message.id);
        Outbox left;
        synchronized (lock) {
            Conversation conversation = conversations.find(pair);
            Line line = conversation == null ? null : conversation.from(sender);
            boolean told = message.proof && isTold(message, conversation, pair);
            Lease owner = shown == null || unloading || told ? null : owner(conversation, pair);
            if (owner == null || !bounds.admits(sender, shown.length())) {
                boolean waits = line != null && !line.isIdle();
                // It is none that passed: written again it must be stored, and delivered.
                if (waits && bounds.isFull(sender)) return Decision.REFUSED;
                if (content && !told) {
                    // Without its receipt a message that was stored would be said to have failed.
                    if (settings.failClosed && !leased && !unloading && !message.proof) return Decision.REFUSED;
                    String passed = name == null ? Known.name(sender, recipient, message.id) : name;
                    tell(unheld.add(message, passed, record.sessions.of(recipient), clock.getAsLong()));
                }
                if (waits) behind(message, sender, line);
                if (content) record.routed(message);
                return waits ? Decision.TAKEN : Decision.PASS;
            }
            hold(message, sender, name, conversation == null ? conversations.open(pair, sender) : conversation, owner, shown);
            if (!owner.outbox.isLeft()) return Decision.TAKEN;
            left = owner.outbox;
        }
        write(left);
        return Decision.TAKEN;
    }

    /** Within a callback of the server, whose own work is measured: what is done here counts once. */
    private void write(Outbox left) {
        long begun = cost.begin();
        Faults.contain("A message could not be shown", host::warn, left::writeLone);
        cost.leave(begun);
    }

    /**
     * Of what passed unheld while somebody is there: over the bounds, or confirmed since. All are told, as its conversation may be any
     * other's when it is written again: the owner may have ended by then.
     */
    void tell(Unheld.Passed passed) {
        // Who is still told of what was before is told of this, too, before it holds.
        for (Lease lease : leases.all()) if (!lease.outbox.telling.isBeginning()) lease.outbox.telling.tellNow(passed);
    }

    /** Whether a message need not be shown, since the component is told of all the receipts in it, and it has nothing else. */
    public boolean isTold(Stanza message) {
        if (!message.proof) return false;
        String pair = message.pair();
        synchronized (lock) {
            return isTold(message, conversations.find(pair), pair);
        }
    }

    private boolean isTold(Stanza message, Conversation conversation, String pair) {
        Lease owner = owner(conversation, pair);
        return owner != null && owner.routesReceipts && record.tells(message);
    }

    /** A conversation changes its owner only when nothing of it is held, or when the owner's lease has ended. */
    Lease owner(Conversation conversation, String pair) {
        Lease owner = ownerOf(conversation);
        return owner == null ? leases.holderOf(pair) : owner;
    }

    /** Who is told of a conversation: also a lease that does not hold yet. */
    Lease listener(String pair) {
        Lease owner = ownerOf(conversations.find(pair));
        return owner == null ? leases.of(pair) : owner;
    }

    private static Lease ownerOf(Conversation conversation) {
        return conversation != null && conversation.owner != null && !conversation.owner.ended ? conversation.owner : null;
    }

    private void hold(Stanza message, String sender, String name, Conversation conversation, Lease owner, String shown) {
        String n = epoch + '-' + ++counter;
        Known known = new Known(n, conversation.pair);
        known.name = name;
        known.told = owner;
        known.silent = message.silent;
        known.words = message.words;
        Entry entry = new Entry(Entry.Kind.HELD, message.packet, known, 1, message.to, sender, shown.length(), clock.getAsLong());
        entry.lease = owner;
        if (owner.acks != null) entry.acknowledges(message, record.sessions.at(message.from), owner.acks);
        if (!message.receipts.isEmpty()) {
            entry.confirms = message;
            record.seen(message);
        }
        conversation.owner = owner;
        conversation.held++;
        owner.waiting.put(n, entry);
        owner.unfinished++;
        record.inHand.add(n);
        bounds.add(entry);
        conversation.from(sender).add(entry);
        counts.shown++;
        if (!owner.outbox.shown(n, shown)) ending.overflow(owner);
    }

    private void behind(Stanza message, String sender, Line line) {
        if (bounds.letsGo(sender)) ending.letGoOf(sender);
        Entry entry = new Entry(Entry.Kind.BEHIND, message.packet, null, 0, null, sender, 0, clock.getAsLong());
        bounds.add(entry);
        line.add(entry);
        lines.schedule(line);
    }

    /**
     * A connection of the component wants to hold.
     *
     * @param connection the server's session object, which has authenticated
     * @param proofs what the server can see, for the answer
     */
    public void enable(Object connection, Command command, Object request, String version, String server, String proofs) {
        synchronized (lock) {
            Lease before = leases.get(connection);
            if (before != null) {
                before.outbox.close();
                ending.end(before, "disabled");
            }
            String process = command.get("process") == null ? Tokens.next(64) : command.get("process");
            // Its new connection is here before the end of the old one is seen.
            for (Lease other : leases.all()) if (other.process.equals(process)) ending.end(other, "silence");
            long timeout = within(command.number("timeout", settings.timeout), settings.timeout);
            long length = within(command.number("lease", 10_000), 60_000);
            Outbox outbox = new Outbox(this);
            boolean routes = "routed".equals(command.get("receipts"));
            String acks = command.get("acks");
            Lease lease = new Lease(connection, process, timeout, length, routes, acks, outbox, clock.getAsLong());
            outbox.belongsTo(lease);
            Answer answer = new Answer(request, lease);
            answer.add(Events.empty("enabled", "version", "1", "token", lease.token, "epoch", epoch, "gate", version, "server", server,
                "timeout", Long.toString(timeout), "lease", Long.toString(length), "proofs", proofs,
                "receipts", routes ? "routed" : null, "acks", acks == null ? null : "true", "ledger", ledger,
                "ledger-age", ledger == null ? null : Long.toString(clock.getAsLong() - ledgerAt)));
            answer.done();
            if (unloading) {
                outbox.event(Events.empty("opened", "why", "unloading", "held", "0"));
                return;
            }
            leases.add(lease);
            outbox.telling.begin(lease);
            for (Live live : record.sessions.all()) outbox.telling.add(live);
            record.repeatTo(lease);
            for (String event : deleted.tell(lease.heard)) outbox.telling.add(event);
            outbox.telling.goOn();
        }
    }

    /** The component has answered that ping, behind all that was written to it before. */
    public void read(String ping) {
        synchronized (lock) {
            for (Lease lease : leases.all()) if (lease.outbox.telling.read(ping)) return;
        }
    }

    /** A user's account is deleted. Each process is told: what they have stored they share, and not what they keep in memory. */
    public void deleted(String jid) {
        synchronized (lock) {
            deleted.add(jid, clock.getAsLong());
            record.sendToAll(Deleted.event(jid, 0));
        }
    }

    /** To be told to each process that begins. */
    void remember(String mark) {
        if (mark == null || mark.length() > LONGEST_MARK || mark.equals(ledger)) return;
        ledger = mark;
        ledgerAt = clock.getAsLong();
    }

    private static long within(long wanted, long most) {
        return Math.max(1, Math.min(wanted, most));
    }

    /**
     * A request of the component.
     *
     * @return false when its token is not that of a lease
     */
    public boolean request(String token, Object request, List<Command> all) {
        synchronized (lock) {
            Lease lease = leases.byToken(token);
            if (lease == null) return false;
            lease.heard = clock.getAsLong();
            lease.outbox.heard();
            Answer answer = new Answer(request, lease);
            for (Command command : all) commands.carryOut(lease, command, answer);
            answer.done();
            return true;
        }
    }

    /** That connection is no more. */
    public void closed(Object connection) {
        synchronized (lock) {
            Lease lease = leases.get(connection);
            if (lease == null) return;
            lease.outbox.discard();
            ending.end(lease, "closed");
        }
    }

    /** To be called every 50 ms or so. */
    public void tick() {
        synchronized (lock) {
            long now = clock.getAsLong();
            ending.tick(now);
            lines.tick();
            record.proofs.tick(record.sessions.all(), now);
        }
    }

    /** Lets go of all: the server is in a state in which the gate cannot work. */
    public void endLeases(String why) {
        synchronized (lock) {
            for (Lease lease : leases.all()) ending.end(lease, why);
        }
    }

    /** Nothing is held from now on, and what is held goes: all is gone when {@link #isEmpty()}. */
    public void unload() {
        synchronized (lock) {
            unloading = true;
            endLeases("unloading");
        }
    }

    public boolean isEmpty() {
        synchronized (lock) {
            return conversations.isEmpty();
        }
    }

    void leasesChanged() {
        leased = leases.holding() > 0;
    }

    void ready(Conversation conversation) {
        lines.schedule(conversation);
    }

    public Counts counts() {
        synchronized (lock) {
            Counts copy = counts.copy();
            copy.leases = leases.holding();
            copy.held = bounds.held();
            copy.heldBytes = bounds.bytes();
            copy.conversations = conversations.size();
            copy.remembered = record.memory.size();
            copy.sessions = record.sessions.all().size();
            copy.unheld = unheld.count();
            copy.sinceOpened = clock.getAsLong() - openedAt;
            copy.cpu = cost.total();
            return copy;
        }
    }

    /** The connections that have a lease now. */
    public List<Object> connections() {
        synchronized (lock) {
            List<Object> all = new java.util.ArrayList<>();
            for (Lease lease : leases.each()) all.add(lease.connection);
            return all;
        }
    }
}
