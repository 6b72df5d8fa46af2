package receipts.gate.core;

import static java.util.Arrays.asList;
import static java.util.Collections.emptyList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** How a connection that begins is told of all that is remembered. */
class TellingTest {
    private static final int MANY = 10_000;
    private Rig rig = new Rig();

    /** So many messages are remembered, of a lease that has ended; about 3 MB are to be told. */
    private void remember(String connection) {
        String long_ = new String(new char[150]).replace('\0', 'x');
        rig.server = entry -> new Outcome().sent("s1", "bob@example.org/" + long_);
        rig.gate.presence().bound("s1", "bob@example.org/" + long_);
        rig.enable(connection);
        for (int i = 0; i < MANY; i++) {
            rig.write("alice", "bob", "m" + i);
            rig.stored(connection, rig.shown(connection).get(i));
        }
        rig.server = entry -> new Outcome();
    }

    private long bytes(Object connection) {
        long bytes = 0;
        for (String event : Rig.of(rig.written, connection)) bytes += event.length();
        return bytes;
    }

    private List<String> numbers(Object connection, String name) {
        List<String> all = new ArrayList<>();
        for (String event : rig.events(connection, name)) all.add(Rig.attribute(event, "n"));
        return all;
    }

    @Test @DisplayName("no more is written than the component reads; until it has read all, nothing is held and what passes is told before it is ready")
    void paced() {
        remember("c");
        rig.gate.closed("c");
        rig.reads = false;
        rig.enable("d");
        assertTrue(bytes("d") < Telling.AHEAD + 1000, "ahead");
        assertFalse(rig.gate.isLeased());
        assertEquals(Gate.Decision.PASS, rig.write("alice", "carol", "meanwhile"));
        rig.gate.presence().bound("s2", "carol@example.org/phone");
        for (int asked = 1; rig.events("d", "ready").isEmpty(); asked++) {
            assertEquals(asked, rig.asked.size());
            long before = bytes("d");
            rig.gate.read("another");
            rig.run();
            assertEquals(before, bytes("d"));
            rig.gate.read(rig.asked.get(asked - 1));
            rig.run();
            assertTrue(bytes("d") - before < Telling.AHEAD + 1000, "ahead");
        }
        assertTrue(rig.asked.size() > 1);
        assertEquals(MANY, new HashSet<>(numbers("d", "outcome")).size());
        assertEquals(MANY, rig.events("d", "outcome").size());
        List<String> written = Rig.of(rig.written, "d");
        assertEquals("id-meanwhile", Rig.attribute(rig.events("d", "unheld").get(0), "id"));
        assertEquals("ready", written.get(written.size() - 1));
        assertTrue(written.indexOf(rig.events("d", "session").get(1)) > written.lastIndexOf(rig.events("d", "outcome").get(MANY - 1)), "in order");
        assertEquals(Gate.Decision.TAKEN, rig.write("alice", "carol", "now"));
        assertEquals(1, rig.shown("d").size());
    }

    @Test @DisplayName("what becomes known of a message before its turn is told in its turn, once; a session that has ended is not told")
    void turns() {
        remember("c");
        rig.gate.closed("c");
        rig.reads = false;
        rig.enable("d");
        String last = rig.shown("c").get(MANY - 1);
        assertFalse(numbers("d", "outcome").contains(last));
        String session = Rig.attribute(rig.events("d", "session").get(0), "jid");
        rig.confirm(session, "alice@example.org", "id-m" + (MANY - 1), false);
        assertEquals(emptyList(), rig.events("d", "has"));
        while (rig.events("d", "ready").isEmpty()) {
            rig.gate.read(rig.asked.get(rig.asked.size() - 1));
            rig.run();
        }
        assertEquals(1, rig.events("d", "has").size());
        List<String> written = Rig.of(rig.written, "d");
        assertTrue(written.indexOf(rig.events("d", "has").get(0)) > written.lastIndexOf(rig.events("d", "outcome").get(MANY - 1)));
    }

    @Test @DisplayName("who does not answer is told more all the same, and who is cut meanwhile is told all anew, what passed unheld as well")
    void patience() {
        rig.write("alice", "bob", "unheld");
        remember("c");
        rig.gate.closed("c");
        rig.reads = false;
        rig.asked.clear();
        rig.enable("d");
        rig.wait(1900);
        assertEquals(1, rig.asked.size());
        rig.wait(200);
        assertEquals(2, rig.asked.size());
        rig.gate.closed("d");
        rig.run();
        rig.reads = true;
        rig.enable("e", new Command("enable"));
        assertEquals(MANY, rig.events("e", "outcome").size());
        assertEquals(1, rig.events("e", "ready").size());
        rig.gate.closed("e");
        rig.write("alice", "bob", "another");
        // The same process by its next connection.
        rig.reads = false;
        Rig.of(rig.written, "d").clear();
        rig.enable("d");
        rig.gate.closed("d");
        rig.run();
        rig.reads = true;
        Rig.of(rig.written, "d").clear();
        rig.enable("d");
        assertEquals(MANY, rig.events("d", "outcome").size());
        assertEquals(2, rig.events("d", "unheld").size());
    }

    @Test @DisplayName("what passed unheld is told once more to the process whose connection breaks before it has read it, under its number; not when it was read")
    void unheldUnread() {
        rig = new Rig(new Settings("example.org", "receipts.example.org", false, 3000, 10, 64 << 20, 1000));
        rig.write("alice", "bob", "before");
        rig.reads = false;
        rig.enable("c");
        assertEquals(1, rig.events("c", "ready").size());
        // What is over the bounds is told while it holds.
        rig.write("alice", "bob", "held");
        rig.write("alice", "bob", "over");
        List<String> told = unheld("c");
        assertEquals(2, new HashSet<>(told).size());
        assertEquals(1, rig.asked.size(), "one question at a time");
        rig.gate.closed("c");
        rig.now += 600_001;
        rig.enable("c");
        assertEquals(told, unheld("c"), "nobody has read it, however long ago");
        // Read, but for what was told behind the question.
        rig.write("alice", "bob", "held");
        rig.write("alice", "bob", "later");
        rig.gate.read(rig.asked.get(1));
        rig.run();
        assertEquals(3, rig.asked.size());
        rig.wait(2500);
        assertEquals(3, rig.asked.size(), "an answer that nothing waits for may come late");
        rig.gate.closed("c");
        String later = unheld("c").get(0);
        rig.enable("c");
        assertEquals(asList(later), unheld("c"));
        rig.gate.read(rig.asked.get(3));
        rig.gate.closed("c");
        rig.enable("c");
        assertEquals(emptyList(), unheld("c"));
    }

    /** The numbers of what that connection was told since this was asked last. */
    private List<String> unheld(Object connection) {
        List<String> all = new ArrayList<>();
        for (String event : rig.events(connection, "unheld")) all.add(Rig.attribute(event, "number"));
        Rig.of(rig.written, connection).clear();
        return all;
    }

    @Test @DisplayName("of what another process has ended, or sees to, the one that was told of it is told that nothing more comes")
    void elsewhere() {
        for (String connection : asList("c", "d")) rig.enable(connection);
        for (int i = 0; i < 4; i++) rig.write("alice", "bob", "m" + i);
        String owner = rig.shown("c").isEmpty() ? "d" : "c";
        String other = owner.equals("c") ? "d" : "c";
        List<String> all = rig.shown(owner);
        for (String n : all) rig.stored(owner, n);
        rig.say(owner, new Command("forget").with("n", all.get(0)));
        rig.say(other, new Command("forget").with("n", all.get(0)), new Command("forget").with("n", "unknown-1"));
        assertEquals(emptyList(), rig.events(owner, "forgotten"), "its own word");
        rig.say(other, new Command("forget").with("n", all.get(1)), new Command("ask").with("n", all.get(2)));
        rig.say(other, new Command("ask").with("n", all.get(2)), new Command("forget").with("n", all.get(2)));
        assertEquals(asList(all.get(1), all.get(2)), numbers(owner, "forgotten"));
        for (String event : rig.events(owner, "forgotten")) assertEquals("true", Rig.attribute(event, "elsewhere"));
        assertEquals(emptyList(), rig.events(other, "forgotten"));
        rig.gate.closed(owner);
        rig.say(other, new Command("forget").with("n", all.get(3)));
        assertEquals(emptyList(), rig.events(other, "forgotten"));
    }

    @Test @DisplayName("what another one was told comes as it is read; messages are shown meanwhile, and nothing is told twice")
    void takenOver() {
        remember("c");
        rig.enable("d");
        int before = rig.events("d", "outcome").size();
        rig.reads = false;
        rig.gate.closed("c");
        rig.run();
        assertTrue(bytes("d") < Telling.AHEAD + 1000, "ahead");
        assertEquals(Gate.Decision.TAKEN, rig.write("alice", "carol", "now"));
        assertEquals(1, rig.shown("d").size());
        rig.stored("d", rig.shown("d").get(0));
        // Asked for before its turn.
        String last = rig.shown("c").get(MANY - 1);
        rig.say("d", new Command("ask").with("n", last));
        assertTrue(numbers("d", "outcome").contains(last));
        for (int i = 0; i < rig.asked.size(); i++) {
            rig.gate.read(rig.asked.get(i));
            rig.run();
        }
        assertEquals(0, before);
        assertEquals(MANY + 1, rig.events("d", "outcome").size());
    }

    @Test @DisplayName("who sends a copy of a message that another one is still to be told of is told at once what is known of it; what is forgotten meanwhile is not told")
    void taken() {
        remember("c");
        rig.reads = false;
        rig.enable("d");
        String taken = rig.shown("c").get(MANY - 1);
        String forgotten = rig.shown("c").get(MANY - 2);
        rig.gate.closed("c");
        rig.run();
        assertFalse(numbers("d", "outcome").contains(taken));
        rig.reads = true;
        rig.enable("e");
        assertFalse(numbers("e", "outcome").contains(taken));
        String session = Rig.attribute(rig.events("e", "session").get(0), "jid");
        rig.say("e", Rig.deliver(taken, 2, session, "copy"));
        rig.say("d", new Command("forget").with("n", forgotten));
        assertEquals("1", Rig.attribute(rig.events("e", "outcome").get(0), "copy"));
        assertEquals(taken, Rig.attribute(rig.events("e", "outcome").get(0), "n"));
        for (int i = 0; i < rig.asked.size(); i++) {
            rig.gate.read(rig.asked.get(i));
            rig.run();
        }
        assertTrue(numbers("d", "outcome").size() > MANY / 2);
        assertFalse(numbers("d", "outcome").contains(taken));
        assertFalse(numbers("d", "outcome").contains(forgotten));
    }

    @Test @DisplayName("while it is told, the lease can be given back, and without it what is refused is refused still")
    void ends() {
        remember("c");
        rig.gate.closed("c");
        rig.reads = false;
        rig.enable("d");
        rig.say("d", new Command("disable"));
        List<String> written = Rig.of(rig.written, "d");
        assertTrue(written.get(written.size() - 1).startsWith("opened "), written.get(written.size() - 1));
        assertEquals(2, Rig.of(rig.answers, "d").size());
        rig = new Rig(new Settings("example.org", "receipts.example.org", true, 3000, 10_000, 64 << 20, 100_000));
        remember("c");
        rig.gate.closed("c");
        rig.reads = false;
        rig.enable("d");
        assertEquals(Gate.Decision.REFUSED, rig.write("alice", "carol", "refused"));
    }
}
