package receipts.gate.core;

import static java.util.Arrays.asList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
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

    @Test @DisplayName("the more wait for their verdict, the longer others are gathered, up to a limit")
    void many() {
        begin();
        int open = 0;
        for (int messages : new int[] {1, 40, 400}) {
            for (; open < messages; open++) rig.write("alice", "user" + open, "text" + open);
            rig.pass(100);
            rig.stanzas = 0;
            rig.write("alice", "bob", "one of " + messages);
            rig.write("carol", "bob", "one more of " + messages);
            open += 2;
            rig.pass((int) Math.min(Outbox.LONGEST_GAP, Outbox.GAP + open / 16) - 1);
            assertEquals(1, rig.stanzas, "of " + messages);
            rig.pass(1);
            assertEquals(2, rig.stanzas, "of " + messages);
        }
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
        assertTrue(rig.warned.get(0).startsWith("A connection of the component takes nothing: java.lang.NoSuchMethodError at "), rig.warned.get(0));
        rig.writing = () -> { };
        rig.pass((int) Outbox.GAP);
        rig.write("alice", "bob", "two");
        assertEquals(2, rig.shown("c").size(), "written all the same");
        rig.gate.closed("c");
        rig.enable("d");
        rig.pass((int) Outbox.PATIENCE);
        assertEquals(rig.shown("c").get(0), Rig.attribute(rig.events("d", "outcome").get(0), "n"));
    }

    @Test @DisplayName("an answer that says nothing goes behind one stanza, however much comes while that is written")
    void busy() {
        begin();
        rig.write("alice", "bob", "one");
        int answers = Rig.of(rig.answers, "c").size();
        List<Integer> answered = new ArrayList<>();
        rig.writing = () -> {
            answered.add(Rig.of(rig.answers, "c").size() - answers);
            if (answered.size() < 20) rig.gate.presence().bound("s" + answered.size(), "bob@example.org/" + answered.size());
        };
        rig.stored("c", rig.shown("c").get(0));
        rig.pass((int) Outbox.PATIENCE);
        // In the stanza, in the answer, and in the stanza after that.
        assertEquals(asList(0, 0, 1), answered.subList(0, 3));
    }

    @Test @DisplayName("what is kept back waits for its own time, and not for that of something which has gone before")
    void own() {
        begin();
        rig.write("alice", "bob", "one");
        rig.stored("c", rig.shown("c").get(0));
        rig.pass(1);
        rig.write("alice", "bob", "two");
        assertEquals(2, rig.stanzas);
        rig.pass((int) Outbox.PATIENCE - 2);
        rig.stored("c", rig.shown("c").get(1));
        rig.pass((int) Outbox.PATIENCE - 1);
        assertEquals(2, rig.stanzas);
        rig.pass(1);
        assertEquals(3, rig.stanzas);
        assertEquals(2, rig.events("c", "outcome").size());
    }

    @Test @DisplayName("what is kept back goes before the end of a lease is told, or to the next lease")
    void ends() {
        begin();
        for (String end : new String[] {"disable", "silence", "unload"}) {
            Rig one = new Rig();
            one.isTimed = true;
            one.enable("c");
            one.pass(20);
            one.write("alice", "bob", "one");
            one.stored("c", one.shown("c").get(0));
            assertEquals(0, one.events("c", "outcome").size());
            if (end.equals("disable")) one.say("c", new Command("disable"));
            else if (end.equals("unload")) one.gate.unload();
            else {
                one.now += 11_000;
                one.gate.tick();
            }
            one.run();
            List<String> written = Rig.of(one.written, "c");
            assertTrue(written.get(written.size() - 2).startsWith("outcome "), end + " " + written);
            assertTrue(written.get(written.size() - 1).startsWith("opened "), end + " " + written);
        }
        rig.write("alice", "bob", "one");
        rig.stored("c", rig.shown("c").get(0));
        rig.gate.closed("c");
        rig.enable("d");
        assertEquals(0, rig.events("c", "outcome").size());
        assertEquals(1, rig.events("d", "outcome").size());
        assertEquals(1, rig.events("d", "ready").size());
    }

    private Gate.Decision bring(String sender, String text) {
        Stanza stanza = new Stanza(text, sender + "@example.org/phone", "bob@example.org", "id-" + text, false, true);
        return rig.gate.offer(stanza, true, "<message><body>" + text + "</body></message>");
    }

    @Test @DisplayName("where writes may be made in callbacks, who brings a lone message writes it, and all that waits before it")
    void bringer() {
        rig.writesInCallbacks = true;
        begin();
        assertEquals(Gate.Decision.TAKEN, bring("alice", "one"));
        assertEquals(1, rig.stanzas);
        assertEquals(0, rig.tasks.size());
        rig.stored("c", rig.shown("c").get(0));
        int answers = Rig.of(rig.answers, "c").size();
        bring("alice", "two");
        assertEquals(2, rig.stanzas);
        List<String> written = Rig.of(rig.written, "c");
        assertTrue(written.get(written.size() - 2).startsWith("outcome "), written.toString());
        assertTrue(written.get(written.size() - 1).startsWith("held "), written.toString());
        // The answer to its verdict waits for the gate's own threads, and not for long.
        assertEquals(answers, Rig.of(rig.answers, "c").size());
        rig.run();
        assertEquals(answers + 1, Rig.of(rig.answers, "c").size());
        bring("carol", "three");
        assertEquals(2, rig.stanzas);
        rig.pass((int) Outbox.GAP);
        assertEquals(3, rig.stanzas);
    }

    @Test @DisplayName("what comes while a lone message is written by who brings it goes after it, by the gate's own threads")
    void meanwhile() {
        rig.writesInCallbacks = true;
        begin();
        rig.writing = () -> {
            rig.writing = () -> assertEquals(1, rig.stanzas, "one write at a time");
            rig.gate.request(rig.token("c"), "r", asList(new Command("pass").with("n", rig.gate.epoch + "-1")));
            bring("carol", "two");
        };
        bring("alice", "one");
        assertEquals(1, rig.stanzas);
        rig.run();
        assertEquals(asList("1", "2"), asList(rig.shown("c").get(0).split("-")[1], rig.shown("c").get(1).split("-")[1]));
        assertEquals(2, rig.stanzas);
    }

    @Test @DisplayName("who brings a lone message gets nothing of what its write throws, and closes no connection")
    void bringerError() {
        rig.writesInCallbacks = true;
        begin();
        rig.writing = () -> { throw new NoSuchMethodError("of one"); };
        assertEquals(Gate.Decision.TAKEN, bring("alice", "one"));
        assertEquals(0, rig.closed.size());
        rig.writing = () -> { };
        rig.run();
        assertTrue(rig.closed.contains("c"), "closed");
        rig.stored("c", rig.gate.epoch + "-1");
        bring("alice", "two");
        assertEquals(1, rig.shown("c").size(), "written all the same");
    }

    @Test @DisplayName("what the component asks for is answered at once, also when that is nothing")
    void nothing() {
        begin();
        for (String question : new String[] {"sessions", "disclose"}) {
            int answers = Rig.of(rig.answers, "c").size();
            rig.say("c", new Command(question).with("jid", "nobody@example.org"));
            assertEquals(answers + 1, Rig.of(rig.answers, "c").size(), question);
        }
    }

    @Test @DisplayName("what the server does with its sessions is told at once")
    void sessions() {
        begin();
        rig.gate.presence().bound("s1", "bob@example.org/phone");
        rig.run();
        assertEquals(1, rig.events("c", "session").size());
    }
}
