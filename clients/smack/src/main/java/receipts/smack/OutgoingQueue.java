package receipts.smack;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What was sent and is not acknowledged, and what became of the rest. Knows nothing of streams, stores and clocks. */
final class OutgoingQueue {
    static final long NEVER = Long.MAX_VALUE;
    /**
     * ms that a message under stream management is not sent again: until then its server's acknowledgement may come, or the
     * connection may be found dead. A copy would go to the same socket.
     */
    private static final long MANAGED_TIMEOUT = 100_000;
    private static final Comparator<Item> IN_ORDER = Comparator.comparingLong(item -> item.seq);

    private final int maxInFlight;
    private final Backoff backoff;
    private final long giveUpAfter;
    private final int remember;
    /** Messages that nobody has stored yet, in the order of sending. */
    private final Map<String, Item> unacknowledged = new LinkedHashMap<>();
    /** Messages that are stored, or that nobody acknowledges, and that have not ended. */
    private final Map<String, Item> awaitingReceipt = new LinkedHashMap<>();
    private final Map<String, Item> ended = new LinkedHashMap<>();
    private long seq;
    private String account;

    OutgoingQueue(int maxInFlight, Backoff backoff, long giveUpAfter, int remember) {
        this.maxInFlight = maxInFlight;
        this.backoff = backoff;
        this.giveUpAfter = giveUpAfter;
        this.remember = remember;
    }

    Item get(String id) {
        Item item = unacknowledged.get(id);
        if (item == null) item = awaitingReceipt.get(id);
        return item == null ? ended.get(id) : item;
    }

    /** All that have not ended, in the order of sending. */
    List<Item> pending() {
        List<Item> all = new ArrayList<>(unacknowledged.values());
        all.addAll(awaitingReceipt.values());
        all.sort(IN_ORDER);
        return all;
    }

    /** The ids of those that have not ended and of which the component may know. */
    Set<String> inDoubt() {
        Set<String> ids = new HashSet<>();
        for (Item item : pending()) if (item.inDoubt) ids.add(item.id);
        return ids;
    }

    /** @param id one that {@link #get} does not know */
    Item add(String id, String to, String stanza, long now) {
        Item item = new Item(id, to, now);
        item.stanza = stanza;
        item.seq = ++seq;
        item.account = account;
        unacknowledged.put(id, item);
        return item;
    }

    /** Adds the messages that an earlier run left in the store, before any other. */
    void restore(List<Item> items) {
        List<Item> restored = new ArrayList<>(items);
        restored.sort(IN_ORDER);
        for (Item item : restored) {
            seq = Math.max(seq, item.seq);
            item.kept = true;
            item.inDoubt = true;
            if (item.ended()) ended.put(item.id, item);
            // A message that nobody acknowledges is not known to be lost, and most clients would show a copy.
            else if (item.state == State.STORED || item.unwitnessed) awaitingReceipt.put(item.id, item);
            else unacknowledged.put(item.id, item);
        }
    }

    /**
     * Sets the account that messages are sent from. Those of another account are forgotten here, and stay in the store.
     *
     * @param claimed is given those that had no account yet, to be saved
     * @return how many were forgotten
     */
    int claimFor(String own, List<Item> claimed) {
        account = own;
        int others = 0;
        for (Item item : pending()) {
            if (item.account == null) {
                item.account = own;
                claimed.add(item);
            } else if (!item.account.equals(own)) {
                forget(item.id);
                others += 1;
            }
        }
        return others;
    }

    /** A new session, with nothing in flight: messages that nobody has stored are due, in order. */
    void restart() {
        for (Item item : unacknowledged.values()) {
            item.inFlight = false;
            item.acknowledged = false;
            item.bounced = false;
            item.due = 0;
        }
        for (Item item : new ArrayList<>(awaitingReceipt.values())) {
            boolean once = item.unwitnessed && item.inFlight && item.attempts == 1;
            item.inFlight = false;
            // That its connection broke is weak evidence of a loss: it is sent once more, and not again.
            if (once) requeue(item);
        }
    }

    /** A session that was resumed (XEP-0198 section 5): stream management sends its own messages again. */
    void resume(long now) {
        for (Item item : unacknowledged.values()) {
            if (item.inFlight && !item.acknowledged) item.due = now + MANAGED_TIMEOUT;
        }
    }

    /** The next message to write, or null if none may be written now. */
    Item next(long now) {
        Set<String> held = new HashSet<>();
        int inFlight = 0;
        for (Item item : unacknowledged.values()) {
            if (item.kept && item.due <= now && !held.contains(item.conversation())) return item;
            // Order within a conversation: nothing overtakes what is not ready.
            if (!item.kept || item.bounced) held.add(item.conversation());
            if (item.inFlight) inFlight += 1;
            if (inFlight >= maxInFlight) return null;
        }
        return null;
    }

    /** When {@link #next} has to be asked again if nothing else happens, ms since 1970; {@link #NEVER} if not at all. */
    long nextDueAt(long now) {
        long at = NEVER;
        for (Item item : unacknowledged.values()) if (item.due > now) at = Math.min(at, item.due);
        return at;
    }

    /**
     * To be called before the message is written, since its answer may come at once.
     *
     * @param proxied whether the component will acknowledge it
     * @param managed whether the server will (XEP-0198)
     */
    void written(Item item, boolean proxied, boolean managed, long now) {
        boolean again = item.attempts > 0;
        item.attempts += 1;
        item.sentAt = now;
        if (item.state == State.QUEUED) item.state = State.SENT;
        item.bounced = false;
        item.inFlight = true;
        item.acknowledged = false;
        item.inDoubt = true;
        long timeout = Math.max(managed ? MANAGED_TIMEOUT : 0, backoff.delay(item.attempts));
        item.due = proxied ? now + timeout : NEVER;
        if (!proxied && !managed) unwitnessed(item);
        if (again) requeueFollowers(item);
    }

    /** Nobody will acknowledge it. */
    void unwitnessed(Item item) {
        item.unwitnessed = true;
        awaitReceipt(item);
    }

    /** Stream management's acknowledgement: the server has it; from now on the component's is awaited. */
    void serverAck(Item item, long now) {
        item.acknowledged = true;
        if (item.inFlight && !item.bounced) item.due = now + backoff.delay(item.attempts);
    }

    /** It could not be written. */
    void writeFailed(Item item) {
        item.inFlight = false;
        item.due = 0;
    }

    /** Refused for now. */
    void bounced(Item item, long now) {
        item.bounced = true;
        item.inFlight = false;
        item.due = now + backoff.delay(item.attempts);
    }

    /** Returns whether this changes its state; as all that follow. */
    boolean stored(Item item, StoredBy by, long now) {
        if (item.state != State.QUEUED && item.state != State.SENT) return false;
        item.state = State.STORED;
        item.storedAt = now;
        item.storedBy = by;
        awaitReceipt(item);
        return true;
    }

    /** Nobody has stored it after all: it is sent again. */
    boolean requeue(Item item) {
        if (awaitingReceipt.remove(item.id) == null) return false;
        item.state = State.QUEUED;
        writeFailed(item);
        List<Item> items = new ArrayList<>(unacknowledged.values());
        items.add(item);
        items.sort(IN_ORDER);
        unacknowledged.clear();
        for (Item one : items) unacknowledged.put(one.id, one);
        return true;
    }

    /** Its recipient has it. */
    boolean delivered(Item item, long now) {
        if (item.state == State.DELIVERED) return false;
        item.failure = null;
        end(item, State.DELIVERED, now);
        return true;
    }

    boolean failed(Item item, Failure failure, long now) {
        if (item.ended()) return false;
        item.failure = failure;
        end(item, State.FAILED, now);
        return true;
    }

    /** Removes it altogether. */
    void forget(String id) {
        unacknowledged.remove(id);
        awaitingReceipt.remove(id);
        ended.remove(id);
    }

    /** Those that have not ended within `giveUpAfter`. */
    List<Item> overdue(long now) {
        List<Item> all = pending();
        all.removeIf(item -> item.queuedAt + giveUpAfter > now);
        return all;
    }

    /** Forgets the oldest ended messages beyond `remember`, and returns their ids. */
    List<String> evict() {
        return SeenMessages.evictOldest(ended, remember);
    }

    private void awaitReceipt(Item item) {
        unacknowledged.remove(item.id);
        awaitingReceipt.put(item.id, item);
    }

    private void end(Item item, State state, long now) {
        item.state = state;
        item.endedAt = now;
        forget(item.id);
        // The text is not needed any more.
        item.stanza = null;
        ended.put(item.id, item);
    }

    /** What was written after a lost message in its conversation goes again after it; the component drops what it has. */
    private void requeueFollowers(Item item) {
        for (Item other : unacknowledged.values()) {
            boolean follows = other.seq > item.seq && other.inFlight;
            if (follows && other.conversation().equals(item.conversation())) writeFailed(other);
        }
    }
}
