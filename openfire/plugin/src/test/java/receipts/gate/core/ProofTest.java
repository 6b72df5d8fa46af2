package receipts.gate.core;

import static java.util.Arrays.asList;
import static java.util.Collections.emptyList;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Sessions and what their clients have: rules 15 to 17 and 19 to 21. */
class ProofTest {
    private static final String BOB = "bob@example.org/phone";
    private final Rig rig = new Rig();
    private Known known;

    @BeforeEach void enabled() {
        rig.enable("c");
        rig.gate.presence().bound("s1", BOB);
        rig.server = entry -> {
            known = entry.known;
            if (rig.gate.presence().waits(known.n, "s1")) return new Outcome().waits();
            rig.gate.presence().sent(known, entry.copy, "s1", managed);
            return new Outcome().sent("s1", BOB);
        };
    }

    private boolean managed = true;

    private String send(String text) {
        rig.write("alice", "bob", text);
        String n = rig.shown("c").get(rig.shown("c").size() - 1);
        rig.stored("c", n);
        return n;
    }

    @Test @DisplayName("16: h-one-ahead-no-has: the newest stanza that an acknowledgement covers is not proved")
    void oneAhead() {
        Acks acks = new Acks();
        send("one");
        Known one = known;
        rig.gate.presence().acknowledged("s1", acks.covered(one));
        assertEquals(emptyList(), rig.events("c", "has"));
        rig.gate.presence().acknowledged("s1", acks.covered(null));
        rig.run();
        assertEquals("sm", Rig.attribute(rig.events("c", "has").get(0), "by"));
    }

    @Test @DisplayName("16: a ping proves what was sent before it, once, and at most one is out for a session")
    void ping() {
        managed = false;
        send("one");
        send("two");
        assertEquals(1, rig.pings.size());
        send("three");
        assertEquals(1, rig.pings.size());
        answer(0, "s1");
        assertEquals(1, rig.events("c", "has").size(), "it was written behind the first");
        assertEquals(2, rig.pings.size(), "and the next one goes");
        answer(1, "s1");
        answer(1, "s1");
        assertEquals(3, rig.events("c", "has").size());
        assertEquals("ping", Rig.attribute(rig.events("c", "has").get(0), "by"));
    }

    private void answer(int ping, String stream) {
        rig.gate.presence().answered(rig.pings.get(ping).split(" ")[1], stream);
        rig.run();
    }

    /** The receipt for what was sent last, which the component need not be shown. */
    private void confirm(String text) {
        assertEquals(Gate.Decision.PASS, rig.confirm(BOB, "alice@example.org/phone", "id-" + text, false));
    }

    private void routed() {
        rig.gate.presence().bound("s2", "alice@example.org/phone");
        rig.enable("c", new Command("enable").with("receipts", "routed"));
    }

    @Test @DisplayName("16: a client that returns receipts is asked for no other proof, but for what it does not confirm in time")
    void confirms() {
        managed = false;
        routed();
        send("one");
        assertEquals(1, rig.pings.size(), "nothing is known of it yet");
        answer(0, "s1");
        confirm("one");
        for (String text : new String[] {"two", "three"}) {
            send(text);
            rig.wait(200);
            confirm(text);
        }
        rig.wait(1000);
        assertEquals(1, rig.pings.size());
        send("four");
        rig.wait(100);
        send("five");
        rig.wait(100);
        confirm("five");
        assertEquals(1, rig.pings.size());
        rig.wait(50);
        assertEquals(2, rig.pings.size(), "of the one that is open, and not of the one before");
        answer(1, "s1");
        assertEquals("ping", Rig.attribute(rig.events("c", "has").get(rig.events("c", "has").size() - 1), "by"));
        send("six");
        assertEquals(3, rig.pings.size(), "at once again");
    }

    @Test @DisplayName("16: the same of a client with stream management, which is asked for an acknowledgement first")
    void confirmsManaged() {
        routed();
        send("one");
        assertEquals(1, rig.requests.size());
        confirm("one");
        rig.gate.presence().acknowledged("s1", null);
        send("two");
        confirm("two");
        rig.wait(1000);
        assertEquals(1, rig.requests.size());
        send("three");
        rig.wait(250);
        assertEquals(2, rig.requests.size());
        assertEquals(0, rig.pings.size());
        rig.wait(250);
        assertEquals(1, rig.pings.size());
    }

    @Test @DisplayName("16: what a client does not confirm that confirms others all the time is asked for by an acknowledgement, then by a ping")
    void confirmsSome() {
        routed();
        send("one");
        confirm("one");
        rig.gate.presence().acknowledged("s1", null);
        send("open");
        for (int i = 0; i < 8; i++) {
            send("t" + i);
            rig.wait(50);
            confirm("t" + i);
            rig.wait(50);
            if (i == 1) assertEquals(1, rig.requests.size(), "it has its time");
        }
        assertEquals(2, rig.requests.size());
        assertEquals(1, rig.pings.size());
    }

    @Test @DisplayName("16: for a message that asks for no receipt a client is asked at once, whatever it confirms")
    void asksForNone() {
        managed = false;
        routed();
        send("one");
        answer(0, "s1");
        confirm("one");
        rig.gate.offer(new Stanza("two", "alice@example.org/phone", "bob@example.org", "id-two", false, true, java.util.Collections.emptyList(), false, true, 0), true, "<message/>");
        rig.run();
        rig.stored("c", rig.shown("c").get(rig.shown("c").size() - 1));
        assertEquals(2, rig.pings.size());
        answer(1, "s1");
        send("three");
        confirm("three");
        rig.wait(1000);
        assertEquals(2, rig.pings.size());
    }

    @Test @DisplayName("16: a ping that was answered is not followed by another one for what is younger, where that is confirmed")
    void confirmsMeanwhile() {
        managed = false;
        routed();
        send("one");
        send("two");
        confirm("one");
        answer(0, "s1");
        rig.wait(100);
        confirm("two");
        rig.wait(1000);
        assertEquals(1, rig.pings.size());
        send("three");
        rig.wait(250);
        assertEquals(2, rig.pings.size());
    }

    @Test @DisplayName("16: a client whose session is detached is asked when that is resumed")
    void confirmsAfterResuming() {
        routed();
        send("one");
        confirm("one");
        rig.gate.presence().acknowledged("s1", null);
        send("two");
        rig.gate.presence().detached("s1");
        rig.wait(1000);
        assertEquals(1, rig.requests.size());
        rig.gate.presence().resumed("s1", true);
        rig.wait(200);
        assertEquals(1, rig.requests.size());
        rig.wait(50);
        assertEquals(2, rig.requests.size());
        rig.wait(250);
        assertEquals(1, rig.pings.size());
    }

    @Test @DisplayName("16: of two devices that both return a receipt neither is asked")
    void twoDevicesConfirm() {
        managed = false;
        routed();
        rig.gate.presence().bound("s3", "bob@example.org/desk");
        rig.server = entry -> {
            if (entry.packet.toString().startsWith("receipt")) return new Outcome();
            rig.gate.presence().sent(entry.known, 1, "s1", false);
            rig.gate.presence().sent(entry.known, 1, "s3", false);
            return new Outcome().sent("s1", BOB).sent("s3", "bob@example.org/desk");
        };
        send("one");
        for (String device : new String[] {"phone", "desk"}) {
            String before = rig.shown("c").toString();
            rig.confirm("bob@example.org/" + device, "alice@example.org/phone", "id-one", false);
            if (!rig.shown("c").toString().equals(before)) rig.say("c", new Command("pass").with("n", rig.shown("c").get(rig.shown("c").size() - 1)));
        }
        answer(0, "s1");
        answer(1, "s3");
        rig.pings.clear();
        send("two");
        rig.confirm(BOB, "alice@example.org/phone", "id-two", false);
        rig.confirm("bob@example.org/desk", "alice@example.org/phone", "id-two", false);
        rig.say("c", new Command("pass").with("n", rig.shown("c").get(rig.shown("c").size() - 1)));
        rig.wait(1000);
        assertEquals(emptyList(), rig.pings);
    }

    @Test @DisplayName("16: nobody is asked for what the component has forgotten, as when it was shown the receipt")
    void forgotten() {
        managed = false;
        send("one");
        answer(0, "s1");
        rig.confirm(BOB, "alice@example.org/phone", "id-one", false);
        String two = send("two");
        rig.say("c", new Command("forget").with("n", two));
        rig.wait(1000);
        assertEquals(1, rig.pings.size());
        send("three");
        rig.wait(300);
        assertEquals(2, rig.pings.size());
    }

    @Test @DisplayName("16: mallory-answers-no-has, and iq-blocked-no-has: an answer of another session or of the server proves nothing")
    void notTheClient() {
        managed = false;
        rig.gate.presence().bound("s9", "mallory@example.org/x");
        send("one");
        answer(0, "s9");
        rig.gate.presence().answered("guessed", "s1");
        rig.run();
        assertEquals(emptyList(), rig.events("c", "has"));
        rig.gate.presence().unreliable(rig.pings.get(0).split(" ")[1]);
        answer(0, "s1");
        assertEquals(emptyList(), rig.events("c", "has"));
        send("two");
        assertEquals(1, rig.pings.size(), "such a client is not pinged again");
    }

    @Test @DisplayName("16: a client with stream management is asked first, and pinged when nothing follows the message")
    void managedClient() {
        send("one");
        assertEquals(asList("s1"), rig.requests);
        assertEquals(emptyList(), rig.pings);
        rig.wait(400);
        assertEquals(1, rig.pings.size());
        answer(0, "s1");
        assertEquals(1, rig.events("c", "has").size());
    }

    @Test @DisplayName("17: 10,001-unacked: all that a session has not proved is returned when it is gone")
    void manyUnacked() {
        for (int i = 0; i < 10_001; i++) send("m" + i);
        rig.gate.presence().gone("s1");
        rig.run();
        assertEquals(10_001, rig.events("c", "returned").size());
        assertEquals("gone", Rig.attribute(last("session"), "state"));
    }

    @Test @DisplayName("17, 19: replaced-while-detached, same-resource-replaced: the session before has ended, and its stream is named")
    void replaced() {
        String n = send("one");
        rig.gate.presence().detached("s1");
        rig.gate.presence().bound("s2", BOB);
        rig.run();
        assertEquals("returned n=\"" + n + "\" jid=\"" + BOB + "\" session=\"s1\"", rig.events("c", "returned").get(0));
        rig.gate.presence().gone("s1");
        rig.run();
        assertEquals(1, rig.events("c", "returned").size());
        assertEquals("bound", Rig.attribute(last("session"), "state"));
        assertEquals("s2", Rig.attribute(last("session"), "id"));
    }

    private String last(String event) {
        return rig.events("c", event).get(rig.events("c", event).size() - 1);
    }

    @Test @DisplayName("17: what a session has proved is not returned with it; the server's re-route names the message once")
    void proved() {
        managed = false;
        String one = send("one");
        answer(0, "s1");
        send("two");
        rig.gate.presence().returned(known, "s1");
        rig.gate.presence().gone("s1");
        rig.run();
        assertEquals(1, rig.events("c", "returned").size());
        assertNotEquals(one, Rig.attribute(rig.events("c", "returned").get(0), "n"));
    }

    @Test @DisplayName("19: priority-raised")
    void priority() {
        rig.gate.presence().changed("s1", "available", 0, true);
        rig.gate.presence().changed("s1", "available", 0, true);
        rig.gate.presence().changed("s1", "available", 5, true);
        rig.run();
        assertEquals(3, rig.events("c", "session").size());
        assertEquals("5", Rig.attribute(last("session"), "priority"));
    }

    @Test @DisplayName("20: what the server kept is recognised when it is sent, and proved")
    void flushed() {
        rig.gate.presence().stored(null == known ? stored() : known, "print");
        assertNull(rig.gate.presence().unstored("other", null, "s1").known());
        Known of = rig.gate.presence().unstored("print", null, "s1").known();
        rig.gate.presence().flushed(of, "s1", false);
        rig.run();
        assertEquals(1, rig.events("c", "flushed").size());
        answer(0, "s1");
        assertEquals(1, rig.events("c", "has").size());
        assertNull(rig.gate.presence().unstored("print", null, "s1").known());
    }

    @Test @DisplayName("20: what stayed in the server's storage is not written when a client has proved a copy of it, also one that is forgotten")
    void keptAndCopied() {
        Known kept = stored();
        rig.gate.presence().stored(kept, "print");
        rig.server = entry -> {
            rig.gate.presence().sent(entry.known, entry.copy, "s1", false);
            return new Outcome().sent("s1", BOB);
        };
        rig.say("c", Rig.deliver(kept.n, 2, BOB, "one"));
        Flush flush = rig.gate.presence().unstored("print", null, "s1");
        assertSame(kept, flush.known(), "nobody has it for sure");
        rig.gate.presence().stored(kept, "print");
        answer(0, "s1");
        rig.say("c", new Command("forget").with("n", kept.n));
        assertNull(rig.gate.presence().unstored("print", null, "s1"));
    }

    @Test @DisplayName("20: what the component wants no more is the server's, which keeps it again when the session ends without it")
    void keptAndForgotten() {
        Known kept = stored();
        rig.gate.presence().stored(kept, "print");
        rig.say("c", new Command("forget").with("n", kept.n));
        Flush flush = rig.gate.presence().unstored("print", "likeness", "s1");
        assertTrue(flush.known().isNoted());
        rig.gate.presence().stored(kept, "print");
        assertNull(rig.gate.presence().unstored("print", null, "s1").known());
    }

    @Test @DisplayName("20: nor when its client has confirmed that copy, and the component tells the receipt itself and needs no other proof")
    void keptAndConfirmed() {
        Known kept = stored();
        rig.gate.presence().stored(kept, "print");
        rig.server = entry -> {
            rig.gate.presence().sent(entry.known, entry.copy, "s1", false);
            return new Outcome().sent("s1", BOB);
        };
        for (String id : new String[] {"id-before", "id-one"}) {
            if (id.equals("id-one")) rig.say("c", Rig.deliver(kept.n, 2, BOB, "one"));
            assertEquals(Gate.Decision.TAKEN, rig.confirm(BOB, "alice@example.org/phone", id, false));
            rig.say("c", new Command("drop").with("n", rig.shown("c").get(rig.shown("c").size() - 1)));
        }
        rig.say("c", new Command("forget").with("n", kept.n));
        rig.wait(1000);
        assertEquals(emptyList(), rig.pings);
        assertNull(rig.gate.presence().unstored("print", null, "s1"));
    }

    @Test @DisplayName("20: what one device has proved, and the server stored for another, is written to that")
    void keptForAnother() {
        send("one");
        rig.gate.presence().stored(known, "print");
        Acks acks = new Acks();
        rig.gate.presence().acknowledged("s1", acks.covered(known));
        rig.gate.presence().acknowledged("s1", acks.covered(null));
        rig.run();
        assertEquals(1, rig.events("c", "has").size());
        assertSame(known, rig.gate.presence().unstored("print", null, "s1").known());
    }

    private Known stored() {
        rig.server = entry -> {
            known = entry.known;
            return new Outcome().offline();
        };
        send("one");
        return known;
    }

    @Test @DisplayName("21: detached-once, frozen-then-resumed-five-lines: a session is not given again what it has not acknowledged")
    void waits() {
        String n = send("one");
        rig.gate.presence().detached("s1");
        rig.say("c", Rig.deliver(n, 2, BOB, "one"));
        assertEquals("waits", Rig.attribute(last("outcome"), "state"));
        rig.gate.presence().resumed("s1", true);
        rig.say("c", Rig.deliver(n, 3, BOB, "one"));
        assertEquals("waits", Rig.attribute(last("outcome"), "state"));
        rig.gate.presence().gone("s1");
        rig.gate.presence().bound("s1", BOB);
        rig.say("c", Rig.deliver(n, 4, BOB, "one"));
        assertEquals("sent", Rig.attribute(last("outcome"), "state"));
        assertEquals("4", Rig.attribute(last("outcome"), "copy"));
    }

    @Test @DisplayName("15: tell-with-body-refused, deliver-to-third-party-refused")
    void refused() {
        rig.gate.presence().bound("s3", "carol@example.org/x");
        String n = send("one");
        int routed = rig.routed.size();
        rig.say("c", Rig.deliver(n, 2, "carol@example.org/x", "stolen"), Rig.deliver(n, 2, "bob@example.org", "bare"), Rig.deliver("n", 2, "bob@example.org/away", "away"));
        rig.say("c", tell("bob@example.org/phone", true, false), tell("bob@elsewhere.example/x", false, false));
        assertEquals(routed, rig.routed.size());
        String text = Rig.of(rig.answers, "c").toString();
        for (String reason : asList("not-addressee", "malformed", "no-session", "forbidden")) assertTrue(text.contains(reason), reason);
        rig.say("c", tell("bob@example.org/phone", false, false), tell("bob@example.org", true, true));
        assertEquals(routed + 2, rig.routed.size());
    }

    private static Command tell(String from, boolean body, boolean error) {
        return new Command("tell").with(new Stanza("told", from, "alice@example.org/phone", "r-1", error, body));
    }

    @Test @DisplayName("4: forget ends what is told of a message")
    void forget() {
        String n = send("one");
        rig.say("c", new Command("forget").with("n", n));
        rig.gate.presence().gone("s1");
        rig.run();
        assertEquals(emptyList(), rig.events("c", "returned"));
        assertEquals(0, rig.gate.counts().remembered);
    }

    @Test @DisplayName("21: available-while-routed: who logs in while the server routes a message, and is given nothing, is named")
    void missed() {
        bind("early", 0);
        rig.now += 10_000;
        bind("given", 0);
        rig.server = entry -> {
            bind("late", 0);
            bind("silent", -1);
            bind("carbon", 0);
            Outcome seen = new Outcome().sent("s1", BOB).sent("given", "bob@example.org/given");
            seen.other("carbon");
            return seen;
        };
        send("one");
        bind("later", 0);
        assertEquals(1, rig.outcomes.size());
        String outcome = rig.outcomes.get(0);
        assertTrue(outcome.endsWith("<missed jid=\"bob@example.org/late\" id=\"late\"/></outcome>"), outcome);
        assertEquals(1, outcome.split("<missed").length - 1, outcome);
    }

    private void bind(String name, int priority) {
        rig.gate.presence().bound(name, "bob@example.org/" + name);
        rig.gate.presence().changed(name, "available", priority, true);
    }

    @Test @DisplayName("20: deleted-account: each process is told, and whoever begins within ten minutes")
    void deletedAccount() {
        rig.enable("d");
        rig.gate.deleted("bob@example.org");
        rig.run();
        assertEquals(1, rig.events("c", "deleted").size());
        assertEquals(1, rig.events("d", "deleted").size());
        rig.now += 5;
        rig.enable("e");
        assertEquals("bob@example.org", Rig.attribute(rig.events("e", "deleted").get(0), "jid"));
        assertEquals("5", Rig.attribute(rig.events("e", "deleted").get(0), "ago"));
        rig.now += 600_001;
        rig.enable("f");
        assertEquals(0, rig.events("f", "deleted").size());
    }
}
