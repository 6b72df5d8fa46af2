package receipts.gate.core;

import static java.util.Arrays.asList;
import static java.util.Collections.emptyList;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the server stored before the gate was loaded, and the component sends as a copy: openfire-killed. */
class NotesTest {
    private static final String BOB = "bob@example.org/phone";
    private static final String OTHER = "bob@example.org/desk";
    private final Rig rig = new Rig();
    /** The last that the server sent from its storage. */
    private Flush last;
    private boolean managed;

    @BeforeEach void enabled() {
        rig.enable("c");
        rig.gate.presence().bound("s1", BOB);
        rig.gate.presence().bound("s2", OTHER);
        rig.server = entry -> {
            String stream = entry.to.equals(BOB) ? "s1" : "s2";
            if (rig.gate.presence().waits(entry.known.n, stream)) return new Outcome().waits();
            Flush before = rig.gate.presence().noted(entry.known, like(entry.packet.toString()), stream);
            if (before != null) return new Outcome().noted(before);
            rig.gate.presence().sent(entry.known, entry.copy, stream, managed);
            return new Outcome().sent(stream, entry.to);
        };
    }

    private static String like(String text) {
        return Stanza.likeness("alice@example.org/phone", "bob@example.org", "id", text);
    }

    /** The server sends what it had stored. @return whether it is written */
    private boolean flush(String text, String stream) {
        last = rig.gate.presence().unstored("print of " + text, like(text), stream);
        if (last != null) rig.gate.presence().noted(last, true, managed);
        rig.run();
        return last != null;
    }

    /** @return the state and the session of the outcome, and what followed it */
    private String deliver(String n, int copy, String to, String text) {
        int before = Rig.of(rig.written, "c").size();
        int routed = rig.routed.size();
        rig.say("c", Rig.deliver(n, copy, to, text));
        assertEquals(routed + 1, rig.routed.size());
        StringBuilder said = new StringBuilder();
        for (String event : Rig.of(rig.written, "c").subList(before, Rig.of(rig.written, "c").size())) {
            if (event.startsWith("session ")) continue;
            assertEquals(n, Rig.attribute(event, "n"));
            String state = Rig.attribute(event, "state");
            said.append(state == null ? event.split(" ")[0] : state + Rig.attribute(event, "copy")).append(' ');
        }
        return said.toString().trim();
    }

    /** Answers the ping that is out, and those that follow. */
    private void answer(String stream) {
        while (!rig.pings.isEmpty()) {
            rig.gate.presence().answered(rig.pings.remove(0).split(" ")[1], stream);
            rig.run();
        }
    }

    @Test @DisplayName("a copy of what a session was sent from the storage is not written; that session proves it as any copy")
    void flushedFirst() {
        assertTrue(flush("one", "s1"));
        assertEquals(emptyList(), rig.pings, "of a note alone no client is asked");
        assertEquals("sent2", deliver("old-1", 2, BOB, "one"));
        assertEquals("waits3", deliver("old-1", 3, BOB, "one"));
        answer("s1");
        assertEquals(asList("has n=\"old-1\" jid=\"" + BOB + "\" session=\"s1\" by=\"ping\""), rig.events("c", "has"));
        assertEquals("sent4", deliver("old-1", 4, BOB, "one"), "a note is taken once");
    }

    @Test @DisplayName("what was proved before is told behind the outcome, also when its session has ended")
    void provedBefore() {
        managed = true;
        flush("one", "s1");
        rig.gate.presence().acknowledged("s1", last.known());
        rig.gate.presence().gone("s1");
        rig.run();
        assertEquals("sent2 has", deliver("old-1", 2, OTHER, "one"));
        assertEquals("has n=\"old-1\" jid=\"" + BOB + "\" session=\"s1\" by=\"sm\"", rig.events("c", "has").get(0));
    }

    @Test @DisplayName("an acknowledgement after it has its number proves it under that")
    void provedAfterwards() {
        managed = true;
        flush("one", "s1");
        deliver("old-1", 2, BOB, "one");
        rig.gate.presence().acknowledged("s1", last.known());
        rig.run();
        assertEquals("old-1", Rig.attribute(rig.events("c", "has").get(0), "n"));
    }

    @Test @DisplayName("nor is it written to another session, as long as the first is there; then it is returned")
    void otherSession() {
        flush("one", "s1");
        flush("two", "s1");
        assertEquals("sent2", deliver("old-1", 2, OTHER, "one"));
        rig.gate.presence().gone("s1");
        rig.run();
        assertEquals(asList("returned n=\"old-1\" jid=\"" + BOB + "\" session=\"s1\""), rig.events("c", "returned"));
        assertEquals("sent3", deliver("old-1", 3, OTHER, "one"));
        assertEquals("sent2", deliver("old-2", 2, OTHER, "two"));
        answer("s2");
        assertEquals(2, rig.events("c", "has").size());
        for (String has : rig.events("c", "has")) assertEquals("s2", Rig.attribute(has, "session"));
    }

    @Test @DisplayName("what is noted stays open while a client is asked for another message, or comes back: it is not returned, nor written again")
    void besideAnother() {
        managed = true;
        flush("one", "s1");
        rig.gate.presence().detached("s1");
        rig.gate.presence().resumed("s1", true);
        rig.wait(300);
        assertEquals(emptyList(), rig.pings, "of a note alone no client is asked");
        assertEquals("sent2", deliver("old-2", 2, BOB, "two"));
        rig.wait(300);
        assertEquals(1, rig.pings.size());
        assertEquals("sent2", deliver("old-1", 2, BOB, "one"));
        assertEquals("waits3", deliver("old-1", 3, BOB, "one"));
        answer("s1");
        rig.wait(300);
        answer("s1");
        assertEquals(2, rig.events("c", "has").size());
    }

    @Test @DisplayName("named while it is being written: proved when it is, returned when it could not be")
    void whileWritten() {
        for (boolean written : new boolean[] {true, false}) {
            String n = "old-" + written;
            Flush flush = rig.gate.presence().unstored("print", like(n), "s1");
            assertEquals("sent2", deliver(n, 2, BOB, n));
            assertEquals(emptyList(), rig.pings, "a ping would be written before it");
            rig.gate.presence().noted(flush, written, false);
            rig.run();
            if (!written) assertEquals(n, Rig.attribute(rig.events("c", "returned").get(0), "n"));
            else answer("s1");
        }
        assertEquals(1, rig.events("c", "has").size());
    }

    @Test @DisplayName("what a session was given as a copy is not written again from the storage")
    void copyFirst() {
        assertEquals("sent2", deliver("old-1", 2, BOB, "one"));
        assertFalse(flush("one", "s1"));
        assertFalse(flush("one", "s2"));
        assertTrue(flush("another", "s1"));
        rig.gate.presence().gone("s1");
        assertTrue(flush("one", "s2"), "the session that had it is no more");
    }

    @Test @DisplayName("what is told apart: another text, and what has no id; a resource makes no difference")
    void apart() {
        assertNull(Stanza.likeness("a@x/1", "b@x", null, "text"));
        assertEquals(Stanza.likeness("a@x/1", "b@x", "i", "text"), Stanza.likeness("a@x", "b@x/any", "i", "text"));
        flush("one", "s1");
        assertEquals("sent2", deliver("old-1", 2, BOB, "two"));
        answer("s1");
        assertEquals(asList("old-1"), asList(Rig.attribute(rig.events("c", "has").get(0), "n")), "nothing is said of a note");
        assertEquals("sent2 has", deliver("old-2", 2, BOB, "one"), "the ping behind the other has proved it");
    }

    @Test @DisplayName("a message that this gate has a number for is recognised by that alone")
    void numbered() {
        rig.server = entry -> {
            rig.gate.presence().stored(entry.known, "print of one");
            return new Outcome().offline();
        };
        rig.write("alice", "bob", "one");
        String n = rig.shown("c").get(0);
        rig.stored("c", n);
        Flush flush = rig.gate.presence().unstored("print of one", like("one"), "s1");
        assertEquals(n, flush.known().n);
        assertFalse(flush.known().isNoted());
        assertTrue(flush("one", "s1"), "it is of somebody else");
    }

    @Test @DisplayName("bounded in number and time")
    void bounded() {
        Notes notes = new Notes();
        Sessions sessions = new Sessions();
        sessions.add(new Live("s1", BOB, null));
        for (int i = 0; i <= Notes.BOUND; i++) notes.flushed("m" + i, sessions.get("s1"), sessions, 0);
        assertEquals(Notes.BOUND, notes.size());
        notes.flushed("last", sessions.get("s1"), sessions, Notes.AGE);
        assertEquals(1, notes.size());
        assertNull(notes.take("m1", "s1", sessions, Notes.AGE));
        assertNotNull(notes.take("last", "s1", sessions, Notes.AGE));
    }
}
