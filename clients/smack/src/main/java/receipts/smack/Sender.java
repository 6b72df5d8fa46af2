package receipts.smack;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Stanza;
import org.jivesoftware.smack.packet.StandardExtensionElement;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;
import org.jivesoftware.smackx.receipts.DeliveryReceiptRequest;

/** What I sent, with a stream, a store and a clock. All but {@link #prepare} is called on the loop. */
final class Sender {
    /** ms. A message that the component stored less than this ago, and does not know, was lost with its Redis: it is sent again. */
    private static final long RESEND_UNKNOWN_WITHIN = 86_400_000;
    /** Characters. Servers end a stream at a stanza that is too large, and would again at each copy. */
    private static final int MAX_STANZA_LENGTH = 200_000;
    private static final long MAX_TIMER = 1_000_000;

    private final XMPPConnection connection;
    private final Loop loop;
    private final Events events;
    private final Persistence persistence;
    private final OutgoingQueue queue;
    private final Peers peers;
    private final Discovery discovery;
    private final boolean batch;
    private boolean open;
    private Future<?> timer;

    Sender(XMPPConnection connection, Loop loop, Events events, Persistence persistence, OutgoingQueue queue, Peers peers,
        Discovery discovery, boolean batch) {
        this.connection = connection;
        this.loop = loop;
        this.events = events;
        this.persistence = persistence;
        this.queue = queue;
        this.peers = peers;
        this.discovery = discovery;
        this.batch = batch;
    }

    /** A message as it will be written each time: with a request for a receipt, and an `origin-id` (XEP-0359). */
    static String prepare(Message message) throws SendException {
        boolean right = message.getTo() != null && message.getStanzaId() != null
            && (message.getType() == Message.Type.chat || message.getType() == Message.Type.normal)
            && Stanzas.clean(message.getTo() + message.getStanzaId()).equals(message.getTo() + message.getStanzaId());
        if (!right) throw rejected("bad-request", "Not a chat message with an id to anybody");
        StandardExtensionElement.Builder origin = StandardExtensionElement.builder("origin-id", Names.SID);
        String id = message.getStanzaId();
        // An application may count its ids from the beginning: its message must not be taken for an earlier one.
        origin.addAttribute("id", SeenMessages.isUuid(id) ? id : UUID.randomUUID().toString());
        Message copy = message.asBuilder(id)
            .overrideExtension(new DeliveryReceiptRequest()).overrideExtension(origin.build()).build();
        String text = Stanzas.toText(copy);
        if (text.length() > MAX_STANZA_LENGTH) throw rejected("policy-violation", "Too large");
        return text;
    }

    /** Completes with null when the store has it, or with why it has not. */
    CompletableFuture<Failure> send(String id, String to, String stanza) {
        CompletableFuture<Failure> kept = new CompletableFuture<>();
        if (queue.get(id) != null) {
            kept.complete(new Failure(Failure.Reason.REJECTED, "conflict", "Duplicate id"));
            return kept;
        }
        Item item = queue.add(id, to, stanza, now());
        changed(item);
        persistence.set(Entries.OUT + id, Entries.write(item), error -> {
            Failure failure = error == null ? null : new Failure(Failure.Reason.NOT_KEPT, null, error.getMessage());
            if (failure == null) item.kept = true;
            else fail(item, failure);
            kept.complete(failure);
            pump();
        });
        return kept;
    }

    /** From now on messages are written; those that are due at once. */
    void open() {
        open = true;
        pump();
    }

    void close() {
        open = false;
        if (timer != null) timer.cancel(false);
    }

    /** Asks the component what became of messages: those of which it may know, or only those that it has acknowledged. */
    void ask(boolean storedOnly, Runnable then) {
        ask(storedOnly, id -> true, then);
    }

    /** The same of those whose ids are right. */
    void ask(boolean storedOnly, Predicate<String> among, Runnable then) {
        List<Item> asked = new ArrayList<>();
        for (Item item : queue.pending()) {
            boolean maybeKnown = storedOnly ? item.state == State.STORED : item.inDoubt;
            if (maybeKnown && among.test(item.id) && peers.proxied(item.to)) asked.add(item);
        }
        discovery.states(peers.component, asked, (updates, end) -> {
            update(updates);
            if (end) then.run();
        });
    }

    /** Applies what is said of messages, if the message was sent to the address that is named. */
    void update(List<StatusUpdate> updates) {
        for (StatusUpdate update : updates) {
            Item item = queue.get(update.id);
            if (item == null || update.state == null) continue;
            if (update.to == null || Jids.bare(update.to).equals(Jids.bare(item.to))) apply(item, update.state);
        }
    }

    /** A message of type `error`. */
    void error(Message message) {
        String from = String.valueOf(message.getFrom());
        Item item = queue.get(String.valueOf(message.getStanzaId()));
        if (item == null || !Jids.bare(from).equals(Jids.bare(item.to))) return;
        boolean proxied = peers.proxied(from) || peers.mayBeHeld(from);
        Failure failure = Notices.failure(message, proxied, peers.atComponent(from));
        if (failure != null) fail(item, failure);
        else {
            // While no gate holds, it counted as the server's, or as written.
            boolean wasTaken = item.storedBy != StoredBy.COMPONENT && queue.requeue(item);
            queue.bounced(item, now());
            if (wasTaken) changed(item);
        }
        pump();
    }

    /** Stream management's acknowledgement of a message. */
    void serverAck(String id) {
        Item item = id == null ? null : queue.get(id);
        if (item == null) return;
        if (peers.proxied(item.to)) queue.serverAck(item, now());
        else if (queue.stored(item, StoredBy.SERVER, now())) changed(item);
        pump();
    }

    void giveUp() {
        for (Item item : queue.overdue(now())) fail(item, new Failure(Failure.Reason.ABANDONED));
    }

    /** Writes what may be written. Does nothing while there is no stream. */
    void pump() {
        long now = now();
        while (open) {
            now = now();
            Item item = queue.next(now);
            if (item == null) break;
            if (item.inFlight && !peers.atComponent(item.to) && (!managed() || item.acknowledged)) passed(item, now);
            else if (!write(item, now)) break;
        }
        // From the time of the last look: with a later one, what has become due since would be missed.
        schedule(queue.nextDueAt(now), now);
    }

    /** Returns false when the stream is gone, which an event will say. */
    private boolean write(Item item, long now) {
        boolean atComponent = peers.atComponent(item.to);
        State before = item.state;
        Stanza stanza;
        try {
            stanza = Stanzas.toStanza(batch && atComponent ? Stanzas.with(item.stanza, Names.TAKES_BATCHES) : item.stanza);
        } catch (Exception unreadable) {
            fail(item, new Failure(Failure.Reason.REJECTED, "bad-request", unreadable.getMessage()));
            return true;
        }
        queue.written(item, peers.proxied(item.to), managed(), now);
        try {
            connection.sendStanza(stanza);
        } catch (Exception gone) {
            // What nobody acknowledges was taken for written, and is not.
            if (item.state != State.SENT || !queue.requeue(item)) queue.writeFailed(item);
            return false;
        }
        if (item.state != before && item.state == State.SENT) changed(item);
        if (item.attempts > 1) events.resent(new Tracked(item));
        return true;
    }

    private boolean managed() {
        return connection instanceof XMPPTCPConnection && ((XMPPTCPConnection) connection).isSmEnabled();
    }

    /**
     * The server has had it for longer than a gate holds a message, and the component has not stored it: it went its ordinary way.
     * Other clients would show a copy.
     */
    private void passed(Item item, long now) {
        peers.heldDomain = null;
        if (managed()) queue.stored(item, StoredBy.SERVER, now);
        else queue.unwitnessed(item);
        changed(item);
    }

    private void schedule(long at, long now) {
        if (timer != null) timer.cancel(false);
        if (open && at != OutgoingQueue.NEVER) timer = loop.after(Math.min(MAX_TIMER, Math.max(1, at - now)), this::pump);
    }

    private void apply(Item item, String state) {
        boolean news = false;
        switch (state) {
            case "pending":
                news = queue.stored(item, StoredBy.COMPONENT, now());
                break;
            case "delivered":
                news = queue.delivered(item, now());
                break;
            case "expired":
            case "unconfirmed":
            case "rejected":
                fail(item, new Failure(Failure.Reason.valueOf(state.toUpperCase(java.util.Locale.ROOT))));
                break;
            case "unknown":
                if (item.state != State.STORED || item.storedBy == StoredBy.SERVER) break;
                if (item.storedAt + RESEND_UNKNOWN_WITHIN > now()) news = queue.requeue(item);
                else fail(item, new Failure(Failure.Reason.FORGOTTEN));
                break;
            default:
                // A state of a later version.
        }
        if (news) changed(item);
    }

    private void fail(Item item, Failure failure) {
        if (queue.failed(item, failure, now())) changed(item);
    }

    /** Stores a change and then reports it, and writes the next messages. */
    private void changed(Item item) {
        Tracked seen = new Tracked(item);
        boolean answered = item.state != State.QUEUED && (item.state != State.SENT || item.unwitnessed);
        // A new message is stored by send(). That it was written need not be stored.
        if (answered || item.state == State.QUEUED && item.inDoubt) persistence.save(Entries.OUT + item.id, Entries.write(item));
        events.changed(seen);
        if (item.state == State.QUEUED || item.state == State.SENT) return;
        for (String id : queue.evict()) persistence.save(Entries.OUT + id, null);
        loop.execute(this::pump);
    }

    private static SendException rejected(String condition, String text) {
        return new SendException(new Failure(Failure.Reason.REJECTED, condition, text));
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}
