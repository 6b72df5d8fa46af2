package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** How many stanzas the component is written, and when. */
class OutboxTest {
    private final Rig rig = new Rig();

    private void begin() {
        rig.isTimed = true;
        rig.enable("c");
        rig.pass(20);
        rig.stanzas = 0;
    }

    @Test @DisplayName("a lone message is shown at once; those that come before its verdict go together a little later")
    void together() {
        begin();
        rig.write("alice", "bob", "one");
        assertEquals(1, rig.shown("c").size());
        for (String text : new String[] {"two", "three", "four"}) rig.write("alice", "bob", text);
        assertEquals(1, rig.shown("c").size());
        rig.pass((int) Outbox.GAP);
        assertEquals(4, rig.shown("c").size());
        assertEquals(2, rig.stanzas);
    }

    @Test @DisplayName("after a pause a message is shown at once, although another waits for its verdict")
    void pause() {
        begin();
        rig.write("alice", "bob", "one");
        rig.pass((int) Outbox.GAP);
        rig.write("carol", "dave", "two");
        assertEquals(2, rig.shown("c").size());
    }

    @Test @DisplayName("an outcome, and a verdict's answer, go along with the next message, or alone a little later")
    void along() {
        begin();
        rig.write("alice", "bob", "one");
        rig.stored("c", rig.shown("c").get(0));
        int answers = Rig.of(rig.answers, "c").size();
        assertEquals(0, rig.events("c", "outcome").size());
        rig.write("alice", "bob", "two");
        assertEquals(2, rig.shown("c").size());
        assertEquals(1, rig.events("c", "outcome").size());
        assertEquals(2, rig.stanzas);
        rig.stored("c", rig.shown("c").get(1));
        assertEquals(1, rig.events("c", "outcome").size());
        rig.pass((int) Outbox.PATIENCE);
        assertEquals(2, rig.events("c", "outcome").size());
        assertEquals(3, rig.stanzas);
        assertEquals(answers + 2, Rig.of(rig.answers, "c").size());
    }

    @Test @DisplayName("who asks is answered at once, and what is known is written before that")
    void asked() {
        begin();
        rig.write("alice", "bob", "one");
        String n = rig.shown("c").get(0);
        rig.stored("c", n);
        int answers = Rig.of(rig.answers, "c").size();
        rig.say("c", new Command("ask").with("n", n));
        assertEquals(2, rig.events("c", "outcome").size());
        assertEquals(answers + 2, Rig.of(rig.answers, "c").size());
    }

    @Test @DisplayName("an error in a write ends that connection and not the writing, and the next one is told what was to go")
    void error() {
        begin();
        rig.write("alice", "bob", "one");
        rig.writing = () -> { throw new NoSuchMethodError("of one"); };
        rig.stored("c", rig.shown("c").get(0));
        rig.pass((int) Outbox.PATIENCE);
        assertEquals(0, rig.events("c", "outcome").size());
        assertTrue(rig.closed.contains("c"), "closed");
        assertTrue(rig.logged.get(0).startsWith("A connection of the component takes nothing: java.lang.NoSuchMethodError at "), rig.logged.get(0));
        rig.writing = () -> { };
        rig.pass((int) Outbox.GAP);
        rig.write("alice", "bob", "two");
        assertEquals(2, rig.shown("c").size(), "written all the same");
        rig.gate.closed("c");
        rig.enable("d");
        rig.pass((int) Outbox.PATIENCE);
        assertEquals(rig.shown("c").get(0), Rig.attribute(rig.events("d", "outcome").get(0), "n"));
    }

    @Test @DisplayName("what the server does with its sessions is told at once")
    void sessions() {
        begin();
        rig.gate.presence().bound("s1", "bob@example.org/phone");
        rig.run();
        assertEquals(1, rig.events("c", "session").size());
    }
}
