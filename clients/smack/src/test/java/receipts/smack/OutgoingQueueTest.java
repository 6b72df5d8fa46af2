package receipts.smack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutgoingQueueTest {
    private static final String BOB = "bob@receipts.example.org";
    private static final String CAROL = "carol@receipts.example.org";
    private final OutgoingQueue queue = queue(3);

    private static OutgoingQueue queue(int maxInFlight) {
        return new OutgoingQueue(maxInFlight, new Backoff(10, 1000, 1), 10_000, 2);
    }

    private Item add(String id, String to) {
        Item item = queue.add(id, to, "<message/>", 0);
        item.kept = true;
        return item;
    }

    /** Writes what may be written, as to the component and without stream management. */
    private List<String> writeAll(long now) {
        List<String> ids = new ArrayList<>();
        for (Item item = queue.next(now); item != null; item = queue.next(now)) {
            queue.written(item, true, false, now);
            ids.add(item.id);
        }
        return ids;
    }

    @Test
    void notBeforeTheStoreHasItAndNoFollowerBeforeIt() {
        Item first = queue.add("1", BOB, "<message/>", 0);
        add("2", BOB);
        add("3", CAROL);
        assertEquals(Arrays.asList("3"), writeAll(0));
        first.kept = true;
        assertEquals(Arrays.asList("1", "2"), writeAll(0));
    }

    @Test
    void soManyInFlightAndTheNextWhenOneIsStored() {
        for (String id : new String[] {"1", "2", "3", "4", "5"}) add(id, BOB);
        assertEquals(Arrays.asList("1", "2", "3"), writeAll(0));
        assertTrue(queue.stored(queue.get("2"), StoredBy.COMPONENT, 1));
        assertFalse(queue.stored(queue.get("2"), StoredBy.COMPONENT, 1));
        assertEquals(Arrays.asList("4"), writeAll(1));
    }

    @Test
    void sentAgainInOrderWithGrowingPauses() {
        add("1", BOB);
        add("2", BOB);
        writeAll(0);
        assertEquals(10, queue.nextDueAt(0));
        assertEquals(Arrays.asList("1", "2"), writeAll(10));
        assertEquals(30, queue.nextDueAt(10));
        assertEquals(2, queue.get("1").attempts);
    }

    @Test
    void underStreamManagementOnlyAfterTheServerHasIt() {
        Item item = add("1", BOB);
        queue.written(item, true, true, 0);
        assertEquals(100_000, queue.nextDueAt(0));
        queue.serverAck(item, 5);
        assertEquals(15, queue.nextDueAt(5));
    }

    @Test
    void aNewSessionSendsWhatNobodyStoredAndAResumedOneDoesNot() {
        add("1", BOB);
        add("2", BOB);
        writeAll(0);
        queue.stored(queue.get("1"), StoredBy.COMPONENT, 1);
        queue.resume(2);
        assertNull(queue.next(2));
        queue.restart();
        assertEquals(Arrays.asList("2"), writeAll(3));
    }

    @Test
    void whatNobodyAcknowledgesIsSentOnceMoreAndNotAgain() {
        Item item = add("1", "bob@elsewhere.example");
        queue.written(item, false, false, 0);
        queue.restart();
        assertEquals(item, queue.next(1));
        queue.written(item, false, false, 1);
        queue.restart();
        assertNull(queue.next(2));
    }

    @Test
    void aBouncedOneHoldsItsConversation() {
        add("1", BOB);
        writeAll(0);
        queue.bounced(queue.get("1"), 0);
        add("2", BOB);
        add("3", CAROL);
        assertEquals(Arrays.asList("3"), writeAll(1));
        assertEquals(Arrays.asList("1", "2"), writeAll(10));
    }

    @Test
    void aReceiptAfterAFailureStillDelivers() {
        Item item = add("1", BOB);
        writeAll(0);
        assertTrue(queue.failed(item, new Failure(Failure.Reason.EXPIRED), 5));
        assertFalse(queue.failed(item, new Failure(Failure.Reason.EXPIRED), 6));
        assertTrue(queue.delivered(item, 7));
        assertEquals(State.DELIVERED, item.state);
        assertNull(item.failure);
        assertFalse(queue.delivered(item, 8));
    }

    @Test
    void anotherRunGoesOnWithWhatTheStoreHas() {
        add("1", BOB);
        add("2", BOB);
        add("3", BOB);
        writeAll(0);
        queue.stored(queue.get("1"), StoredBy.COMPONENT, 1);
        queue.failed(queue.get("2"), new Failure(Failure.Reason.REJECTED, "forbidden", "No\nway"), 2);
        List<Item> saved = new ArrayList<>();
        for (String id : new String[] {"3", "2", "1"}) saved.add(Entries.readItem(id, Entries.write(queue.get(id))));
        OutgoingQueue other = queue(3);
        other.restore(saved);
        assertEquals("3", other.next(9).id);
        assertEquals(Arrays.asList("1", "3"), Arrays.asList(other.pending().get(0).id, other.pending().get(1).id));
        assertEquals("rejected (forbidden: No\nway)", other.get("2").failure.toString());
        assertEquals(4, other.add("4", BOB, "<message/>", 0).seq);
    }

    @Test
    void anAccountSendsNothingOfAnother() {
        add("1", BOB);
        assertEquals(0, queue.claimFor("alice@example.org", new ArrayList<>()));
        List<Item> claimed = new ArrayList<>();
        assertEquals(1, queue.claimFor("eve@example.org", claimed));
        assertEquals(Collections.emptyList(), claimed);
        assertNull(queue.next(0));
    }

    @Test
    void theOldestEndedAreForgotten() {
        for (String id : new String[] {"1", "2", "3"}) queue.delivered(add(id, BOB), 1);
        assertEquals(Arrays.asList("1"), queue.evict());
        assertNull(queue.get("1"));
    }

    @Test
    void itGivesUpWhatIsNotHeardOf() {
        add("1", BOB);
        assertEquals(0, queue.overdue(9999).size());
        assertEquals(1, queue.overdue(10_000).size());
    }
}
