package receipts.gate.core;

import static java.util.Arrays.asList;
import static java.util.Collections.emptyList;
import static org.junit.jupiter.api.Assertions.*;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Verdicts, order, outcomes: rules 1 to 4 and 7. */
class HoldingTest {
    private final Rig rig = new Rig();

    @Test @DisplayName("1: redis-refuses-bob-offline-one-copy, oversize-passed-offline: what is passed carries no number")
    void passedIsUntagged() {
        rig.enable("c");
        rig.server = entry -> new Outcome().offline();
        assertEquals(Gate.Decision.TAKEN, rig.write("alice", "bob", "one"));
        assertEquals(emptyList(), rig.routed);
        rig.say("c", new Command("pass").with("n", rig.shown("c").get(0)));
        assertEquals(asList("one"), rig.routed);
        assertEquals(emptyList(), rig.events("c", "outcome"));
    }

    @Test @DisplayName("1: a stored message is released with its number and its outcome is told")
    void stored() {
        rig.enable("c");
        rig.server = entry -> new Outcome().sent("s1", "bob@example.org/phone").offline();
        rig.write("alice", "bob", "one");
        String n = rig.shown("c").get(0);
        rig.stored("c", n);
        assertEquals(asList("one " + n + "/1"), rig.routed);
        assertEquals("sent offline", Rig.attribute(rig.events("c", "outcome").get(0), "state"));
    }

    @Test @DisplayName("acknowledgements: where the component asks for them, of what is held, to the session that has sent it")
    void acknowledged() {
        rig.gate.presence().bound("s9", "alice@example.org/phone");
        rig.enable("c", new Command("enable").with("acks", "disk"));
        assertTrue(Rig.of(rig.answers, "c").get(0).contains("acks=\"true\""));
        List<String> told = new ArrayList<>();
        rig.server = entry -> {
            Acknowledgement ack = entry.acknowledgement();
            told.add(ack == null ? "none" : ack.stream + " " + ack.sender + " " + ack.id + " " + ack.recipient + " " + ack.durability);
            return new Outcome();
        };
        for (String text : asList("one", "two", "three")) rig.write("alice", "bob", text);
        rig.say("c", new Command("stored").with("n", rig.shown("c").get(0)).with("ack", "true"));
        rig.stored("c", rig.shown("c").get(1));
        rig.say("c", new Command("pass").with("n", rig.shown("c").get(2)).with("ack", "true"));
        // Of a session that nobody has told of.
        rig.write("dave", "bob", "four");
        rig.say("c", new Command("stored").with("n", rig.shown("c").get(3)).with("ack", "true"));
        rig.enable("old");
        assertFalse(Rig.of(rig.answers, "old").get(0).contains("acks="));
        assertEquals(asList("s9 alice@example.org/phone id-one bob@example.org disk", "none", "none",
            "null dave@example.org/phone id-four bob@example.org disk"), told);
        List<String> unknown = new ArrayList<>();
        for (String event : rig.events("c", "outcome")) unknown.add(Rig.attribute(event, "acknowledged"));
        assertEquals(asList("true", null, "true"), unknown, "nothing was seen of what became of them, but for that");
    }

    @Test @DisplayName("3: route-throws-unknown")
    void routeThrows() {
        rig.enable("c");
        rig.server = entry -> { throw new IllegalStateException(); };
        rig.write("alice", "bob", "one");
        rig.stored("c", rig.shown("c").get(0));
        assertEquals("unknown", Rig.attribute(rig.events("c", "outcome").get(0), "state"));
        rig.server = entry -> new Outcome().refused();
        rig.write("alice", "bob", "two");
        rig.stored("c", rig.shown("c").get(1));
        assertEquals("refused", Rig.attribute(rig.events("c", "outcome").get(1), "state"));
        // Another plugin that does not fit the server.
        rig.server = entry -> { throw new NoSuchMethodError(); };
        rig.write("alice", "bob", "three");
        rig.stored("c", rig.shown("c").get(2));
        assertEquals("unknown", Rig.attribute(rig.events("c", "outcome").get(2), "state"));
        rig.server = entry -> new Outcome().refused();
        rig.write("alice", "bob", "four");
        rig.stored("c", rig.shown("c").get(3));
        assertEquals("refused", Rig.attribute(rig.events("c", "outcome").get(3), "state"));
        // One too large for the memory.
        rig.server = entry -> { throw new OutOfMemoryError(); };
        rig.write("alice", "bob", "five");
        rig.stored("c", rig.shown("c").get(4));
        assertEquals("unknown", Rig.attribute(rig.events("c", "outcome").get(4), "state"));
        rig.server = entry -> new Outcome().refused();
        rig.write("alice", "bob", "six");
        rig.stored("c", rig.shown("c").get(5));
        assertEquals("refused", Rig.attribute(rig.events("c", "outcome").get(5), "state"));
    }

    @Test @DisplayName("4: what was given up is named, and what was forgotten is not repeated")
    void outcomesAreForgotten() {
        int some = 1_000;
        Rig rig = new Rig(new Settings("example.org", "receipts.example.org", false, 3000, 10_000, 64 << 20, some - 10));
        rig.enable("c");
        for (int i = 0; i < some; i++) {
            rig.write("alice", "bob", "m" + i);
            rig.stored("c", rig.shown("c").get(i));
        }
        rig.say("c", new Command("forget").with("n", rig.shown("c").get(some - 1)));
        assertEquals(10, rig.events("c", "forgotten").size());
        rig.gate.closed("c");
        rig.enable("d");
        assertEquals(some - 11, rig.events("d", "outcome").size());
        assertEquals(1, rig.events("d", "ready").size());
        rig.gate.closed("d");
        rig.enable("e");
        assertEquals(some - 11, rig.events("e", "outcome").size());
    }

    @Test @DisplayName("4: component-down-100,000-outcomes: all are repeated until forgotten, however little may be held")
    void outcomesAreRepeated() {
        int some = 100_000;
        Rig rig = new Rig(new Settings("example.org", "receipts.example.org", false, 3000, 10_000, 1 << 20, some));
        rig.enable("c");
        for (int i = 0; i < some; i++) {
            rig.write("alice", "bob", "m");
            if (i % 500 != 499) continue;
            rig.stored("c", rig.shown("c").toArray(new String[0]));
            Rig.of(rig.answers, "c").clear();
            rig.shown("c").clear();
            rig.routed.clear();
        }
        rig.gate.closed("c");
        rig.written.clear();
        rig.enable("d");
        assertEquals(some, rig.events("d", "outcome").size());
        assertEquals(1, rig.events("d", "ready").size());
        assertTrue(rig.gate.isLeased());
    }

    @Test @DisplayName("4: a verdict for what is not held is answered by the outcome as it is remembered")
    void lateVerdict() {
        rig.enable("c");
        rig.write("alice", "bob", "one");
        String n = rig.shown("c").get(0);
        rig.gate.closed("c");
        rig.run();
        assertEquals(asList("one"), rig.routed);
        rig.enable("d");
        rig.stored("d", n, "nobody-7");
        assertEquals(asList("passed", "passed", "unknown"), asList(state(0), state(1), state(2)));
        assertEquals(1, rig.routed.size());
    }

    private String state(int i) {
        return Rig.attribute(rig.events("d", "outcome").get(i), "state");
    }

    @Test @DisplayName("7: a direction of a conversation keeps its order, with what is not shown")
    void order() {
        rig.enable("c");
        rig.write("alice", "bob", "one");
        rig.write("alice", "bob", "typing", false);
        rig.write("alice", "bob", "two");
        rig.write("bob", "alice", "answer");
        rig.write("carol", "bob", "typing too", false);
        assertEquals(asList("typing too"), rig.routed);
        rig.stored("c", rig.shown("c").get(2), rig.shown("c").get(1));
        assertEquals(2, rig.routed.size(), "the other direction does not wait");
        rig.stored("c", rig.shown("c").get(0));
        assertEquals(asList("one", "typing", "two"), asList(first(2), first(3), first(4)));
        assertTrue(rig.gate.isEmpty());
    }

    private String first(int i) {
        return rig.routed.get(i).split(" ")[0];
    }

    @Test @DisplayName("7: login-then-live-in-order, correction-after-original: copies go before what is not released yet")
    void copiesGoFirst() {
        rig.enable("c");
        rig.gate.presence().bound("s1", "bob@example.org/phone");
        rig.write("alice", "bob", "live");
        rig.say("c", new Command("stored").with("n", rig.shown("c").get(0) + "0"));
        Runnable both = () -> rig.gate.request(rig.token("c"), "r", asList(
            Rig.deliver("old-1", 2, "bob@example.org/phone", "older"), Rig.deliver("old-2", 2, "bob@example.org/phone", "old")));
        both.run();
        rig.stored("c", rig.shown("c").get(0));
        assertEquals(asList("older old-1/2", "old old-2/2", "live " + rig.shown("c").get(0) + "/1"), rig.routed);
    }

    @Test @DisplayName("7: what the server cannot route at the moment is tried again, in its place, and acknowledged once")
    void putOff() {
        rig.gate.presence().bound("s0", "alice@example.org/phone");
        rig.enable("c", new Command("enable").with("acks", "memory"));
        List<Boolean> acknowledged = new ArrayList<>();
        boolean[] closing = { true };
        rig.server = entry -> {
            acknowledged.add(entry.acknowledgement() != null);
            return closing[0] ? new Outcome().later() : new Outcome().sent("s1", "bob@example.org/phone");
        };
        rig.write("alice", "bob", "one");
        rig.write("alice", "bob", "typing", false);
        rig.write("alice", "bob", "two");
        for (String n : rig.shown("c")) rig.say("c", new Command("stored").with("n", n).with("ack", "true"));
        rig.write("alice", "bob", "typing again", false);
        assertEquals(asList("one"), firsts(), "nothing goes before it, and it is not tried again at once");
        rig.wait(50);
        assertEquals(asList("one", "one"), firsts());
        assertEquals(emptyList(), rig.events("c", "outcome"));
        closing[0] = false;
        rig.wait(50);
        assertEquals(asList("one", "one", "one", "typing", "two", "typing"), firsts());
        assertEquals(asList(true, false, false, false, true, false), acknowledged);
        for (String event : rig.events("c", "outcome")) assertEquals("sent", Rig.attribute(event, "state"));
        assertEquals(2, rig.events("c", "outcome").size());
        assertTrue(rig.gate.isEmpty());
    }

    @Test @DisplayName("3, 6: what the server does not route for longer than a message may be held is unknown; unloading waits for that")
    void putOffForLong() {
        rig.server = entry -> entry.packet.equals("never") ? new Outcome().later() : new Outcome().offline();
        for (boolean unloads : new boolean[] { false, true }) {
            String connection = unloads ? "d" : "c";
            if (unloads) rig.gate.closed("c");
            rig.enable(connection);
            rig.write("alice", "bob", "never");
            rig.write("alice", "bob", "next");
            rig.stored(connection, rig.shown(connection).get(0), rig.shown(connection).get(1));
            if (unloads) rig.gate.unload();
            rig.wait(3000);
            assertFalse(rig.gate.isEmpty());
            rig.wait(100);
            assertTrue(rig.gate.isEmpty());
            assertEquals("next", first(rig.routed.size() - 1));
        }
        assertEquals("unknown", Rig.attribute(rig.events("c", "outcome").get(0), "state"));
        assertEquals("offline", Rig.attribute(rig.events("c", "outcome").get(1), "state"));
    }

    private List<String> firsts() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < rig.routed.size(); i++) all.add(first(i));
        return all;
    }
}
