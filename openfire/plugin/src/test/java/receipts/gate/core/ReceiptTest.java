package receipts.gate.core;

import static java.util.Collections.emptyList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Receipts and markers that are routed, and not told by the component. */
class ReceiptTest {
    private static final String ALICE = "alice@example.org/phone";
    private static final String DESK = "bob@example.org/desk";
    private static final String BOB = "bob@example.org/phone";
    private final Rig rig = new Rig();

    @BeforeEach void enabled() {
        rig.enable("c");
        rig.gate.presence().bound("s1", BOB);
        rig.server = entry -> new Outcome().sent("s1", BOB);
    }

    private String send(String text) {
        rig.write("alice", "bob", text);
        String n = newest();
        rig.stored("c", n);
        return n;
    }

    private String newest() {
        return rig.shown("c").get(rig.shown("c").size() - 1);
    }

    /** By what is proved, and of which message. */
    private List<String> has(Object connection) {
        return has(rig, connection);
    }

    private static List<String> has(Rig rig, Object connection) {
        List<String> all = new ArrayList<>();
        for (String event : rig.events(connection, "has")) all.add(Rig.attribute(event, "by") + " " + Rig.attribute(event, "n"));
        return all;
    }

    private List<String> repeated(Object connection) {
        rig.enable(connection);
        List<String> all = has(connection);
        rig.say(connection, new Command("disable"));
        return all;
    }

    @Test @DisplayName("one that passes while nobody holds is said at each enable, once, until it is forgotten")
    void unheld() {
        String n = send("one");
        rig.say("c", new Command("disable"));
        assertEquals(Gate.Decision.PASS, rig.confirm(BOB, ALICE, "id-one", false));
        rig.confirm(BOB, ALICE, "id-one", false);
        for (String connection : new String[] {"d", "e"}) assertEquals(Arrays.asList("receipt " + n), repeated(connection));
        String event = rig.events("e", "has").get(0);
        assertEquals("has n=\"" + n + "\" jid=\"" + BOB + "\" session=\"s1\" by=\"receipt\" id=\"id-one\" to=\"" + ALICE + "\"", event);
        rig.enable("f");
        rig.say("f", new Command("forget").with("n", n), new Command("disable"));
        assertEquals(emptyList(), repeated("g"));
        rig.confirm(BOB, ALICE, "id-one", false);
        assertEquals(emptyList(), repeated("h"));
    }

    @Test @DisplayName("one that is held counts by what becomes of it: not when it is dropped")
    void held() {
        send("one");
        String two = send("two");
        String three = send("three");
        rig.confirm(BOB, ALICE, "id-one", false);
        rig.say("c", new Command("drop").with("n", newest()));
        assertEquals(emptyList(), has("c"));
        rig.confirm(BOB, ALICE, "id-two", false);
        rig.say("c", new Command("pass").with("n", newest()));
        assertEquals(Arrays.asList("receipt " + two), has("c"));
        rig.confirm(BOB, ALICE, "id-three", false);
        rig.say("c", new Command("disable"));
        assertEquals(Arrays.asList("receipt " + two, "receipt " + three), repeated("d"));
    }

    @Test @DisplayName("a marker counts, nobody else's receipt does, nor one for what is not known")
    void whose() {
        String n = send("one");
        rig.gate.presence().bound("s2", "carol@example.org/web");
        rig.say("c", new Command("disable"));
        rig.confirm("carol@example.org/web", ALICE, "id-one", false);
        rig.confirm(BOB, "carol@example.org/web", "id-one", false);
        rig.confirm(BOB, ALICE, "unknown", false);
        assertEquals(emptyList(), repeated("d"));
        rig.confirm(BOB, "alice@example.org", "id-one", true);
        rig.confirm(BOB, ALICE, "id-one", false);
        assertEquals(Arrays.asList("marker " + n), repeated("e"));
    }

    @Test @DisplayName("of what was let go without a verdict, and of what another gate had numbered")
    void others() {
        rig.write("alice", "bob", "one");
        String n = newest();
        rig.say("c", new Command("disable"));
        rig.confirm(BOB, ALICE, "id-one", false);
        assertEquals(Arrays.asList("receipt " + n), repeated("d"));
        rig.enable("e");
        rig.say("e", new Command("forget").with("n", n), Rig.deliver("before-7", 2, BOB, "seven"), new Command("disable"));
        rig.confirm(BOB, ALICE, "id", false);
        assertEquals(Arrays.asList("receipt before-7"), repeated("f"));
    }

    @Test @DisplayName("a duplicate that is dropped is not what a receipt is for")
    void duplicate() {
        String n = send("one");
        rig.write("alice", "bob", "one");
        rig.say("c", new Command("drop").with("n", newest()), new Command("disable"));
        rig.confirm(BOB, ALICE, "id-one", false);
        assertEquals(Arrays.asList("receipt " + n), repeated("d"));
    }

    private Rig routing() {
        Rig routing = new Rig();
        routing.enable("c", new Command("enable").with("receipts", "routed"));
        routing.server = entry -> new Outcome().sent("s1", BOB);
        routing.gate.presence().bound("s1", BOB);
        routing.gate.presence().bound("s2", ALICE);
        return routing;
    }

    @Test @DisplayName("one that the component is told of passes without being shown, where that was asked for, in order")
    void routed() {
        Rig routing = routing();
        assertTrue(Rig.of(routing.answers, "c").get(0).contains(" receipts=\"routed\""));
        routing.write("alice", "bob", "one");
        String n = routing.shown("c").get(0);
        assertEquals(Gate.Decision.TAKEN, routing.confirm(BOB, ALICE, "id-one", false), "it is not known yet");
        routing.stored("c", n);
        routing.say("c", new Command("pass").with("n", routing.shown("c").get(1)));
        routing.write("alice", "bob", "two");
        routing.stored("c", routing.shown("c").get(2));
        routing.write("bob", "alice", "answer");
        assertEquals(Gate.Decision.TAKEN, routing.confirm(BOB, ALICE, "id-two", false));
        assertEquals(4, routing.shown("c").size(), "it waits behind the answer and is not shown");
        assertEquals("id-two", Rig.attribute(routing.events("c", "has").get(1), "id"));
        routing.stored("c", routing.shown("c").get(3));
        assertEquals("receipt for id-two", routing.routed.get(routing.routed.size() - 1));
        assertEquals(Gate.Decision.TAKEN, routing.confirm(BOB, ALICE, "id-two", false), "a second one is the component's to judge");
        assertEquals(5, routing.shown("c").size());
        assertEquals(0, routing.gate.counts().unheld);
    }

    @Test @DisplayName("one is shown all the same that is for somebody who is away or for a session that has ended, from an unknown session, or of two of which one is not known")
    void routedButShown() {
        Rig routing = routing();
        routing.write("alice", "bob", "one");
        routing.stored("c", routing.shown("c").get(0));
        List<Receipt> two = Arrays.asList(new Receipt("id-one", false), new Receipt("other", false));
        routing.gate.offer(new Stanza("two", BOB, ALICE, "r", false, false, two, true), true, "<message/>");
        List<Receipt> one = two.subList(0, 1);
        routing.gate.offer(new Stanza("with a text", BOB, ALICE, "r", false, true, one, false), true, "<message/>");
        routing.gate.offer(new Stanza("unknown", "bob@example.org/desk", ALICE, "r", false, false, one, true), true, "<message/>");
        routing.gate.presence().changed("s2", "available", 0, false);
        routing.gate.offer(new Stanza("ended", BOB, "alice@example.org/before", "r", false, false, one, true), true, "<message/>");
        routing.gate.presence().gone("s2");
        routing.gate.offer(new Stanza("away", BOB, ALICE, "r", false, false, one, true), true, "<message/>");
        routing.run();
        assertEquals(6, routing.shown("c").size());
    }

    @Test @DisplayName("FAIL=closed passes receipts: without one a message that was stored would be said to have failed")
    void failClosed() {
        Rig closed = new Rig(new Settings("example.org", "receipts.example.org", true, 3000, 10_000, 64 << 20, 1000));
        assertEquals(Gate.Decision.PASS, closed.confirm(BOB, ALICE, "id", false));
        assertEquals(Gate.Decision.REFUSED, closed.write("alice", "bob", "one"));
    }

    @Test @DisplayName("one receipt proves all numbers of its message, which was written several times while verdicts were lost")
    void severalNumbers() {
        rig.write("alice", "bob", "one");
        String passed = newest();
        rig.gate.closed("c");
        rig.run();
        rig.enable("d");
        rig.write("alice", "bob", "one");
        String again = rig.shown("d").get(0);
        rig.stored("d", again);
        rig.say("d", Rig.deliver("before-7", 2, BOB, "seven"), new Command("disable"));
        rig.confirm(BOB, ALICE, "id-one", false);
        rig.confirm(BOB, ALICE, "id-one", true);
        assertEquals(Arrays.asList("receipt " + passed, "receipt " + again), repeated("e"));
    }

    /** Written to that session, and seen to be. */
    private void goesTo(String stream, String jid) {
        rig.server = entry -> {
            rig.gate.presence().sent(entry.known, entry.copy, stream, true);
            return new Outcome().sent(stream, jid);
        };
    }

    private String again(String text) {
        rig.gate.offer(new Stanza(text, ALICE, "bob@example.org", "same", false, true, java.util.Collections.emptyList(), false, false, text.hashCode()), true, "<message/>");
        rig.run();
        return newest();
    }

    private String sendAgain(String text) {
        String n = again(text);
        rig.stored("c", n);
        return n;
    }

    @Test @DisplayName("of two messages of one id a receipt proves that which its session was given, whichever was first")
    void sameIdElsewhere() {
        for (String first : new String[] {"s1", "s2"}) {
            rig.gate.presence().bound("s2", DESK);
            goesTo(first, first.equals("s1") ? BOB : DESK);
            String one = sendAgain("one " + first);
            goesTo(first.equals("s1") ? "s2" : "s1", first.equals("s1") ? DESK : BOB);
            String two = sendAgain("two");
            rig.confirm(BOB, ALICE, "same", false);
            rig.say("c", new Command("pass").with("n", newest()));
            String own = first.equals("s1") ? one : two;
            assertEquals("receipt " + own, has("c").get(has("c").size() - 1));
            int said = has("c").size();
            // The same client says it once more, as who shows a message does by a marker.
            rig.confirm(BOB, ALICE, "same", true);
            rig.say("c", new Command("pass").with("n", newest()));
            rig.confirm(BOB, ALICE, "same", false);
            rig.say("c", new Command("pass").with("n", newest()));
            assertEquals(said, has("c").size());
            rig.say("c", new Command("forget").with("n", one), new Command("forget").with("n", two));
        }
    }

    @Test @DisplayName("a session that was given two of one id proves one with each receipt, in the order in which it was given them")
    void sameIdTwice() {
        goesTo("s1", BOB);
        String one = sendAgain("one");
        String two = sendAgain("two");
        rig.say("c", new Command("disable"));
        rig.confirm(BOB, ALICE, "same", false);
        rig.confirm(BOB, ALICE, "same", true);
        assertEquals(Arrays.asList("receipt " + one), repeated("d"));
        rig.confirm(BOB, ALICE, "same", false);
        assertEquals(Arrays.asList("receipt " + one, "receipt " + two), repeated("e"));
    }

    @Test @DisplayName("of two devices that were both given two of one id, each proves one with each receipt")
    void sameIdOfTwoDevices() {
        rig.gate.presence().bound("s2", DESK);
        rig.server = entry -> {
            for (String stream : new String[] {"s1", "s2"}) rig.gate.presence().sent(entry.known, entry.copy, stream, true);
            return new Outcome().sent("s1", BOB).sent("s2", DESK);
        };
        String one = sendAgain("one");
        String two = sendAgain("two");
        rig.say("c", new Command("disable"));
        rig.confirm(BOB, ALICE, "same", false);
        // It has not said that it has the second.
        rig.confirm(DESK, ALICE, "same", false);
        assertEquals(Arrays.asList("receipt " + one), repeated("d"));
        rig.confirm(DESK, ALICE, "same", false);
        assertEquals(Arrays.asList("receipt " + one, "receipt " + two), repeated("e"));
    }

    @Test @DisplayName("another message of the same id, where one was let go without a verdict, is not proved by the receipt for that")
    void sameIdPassed() {
        goesTo("s1", BOB);
        String passed = again("one");
        rig.gate.closed("c");
        rig.run();
        rig.enable("c");
        String two = sendAgain("two");
        rig.say("c", new Command("disable"));
        rig.confirm(BOB, ALICE, "same", false);
        assertEquals(Arrays.asList("receipt " + passed), repeated("d"));
        rig.confirm(BOB, ALICE, "same", false);
        assertEquals(Arrays.asList("receipt " + passed, "receipt " + two), repeated("e"));
    }

    @Test @DisplayName("who gives all his messages one id has receipts look at no more than some of them, and what they do not find is not confirmed")
    void sameIdAlways() {
        goesTo("s1", BOB);
        List<String> numbers = new ArrayList<>();
        int all = Memory.SAME_NAME + 1;
        for (int i = 0; i < all; i++) numbers.add(sendAgain("text " + i));
        rig.gate.presence().bound("s2", DESK);
        goesTo("s2", DESK);
        sendAgain("the last");
        rig.say("c", new Command("disable"));
        // It was given another one.
        rig.confirm(DESK, ALICE, "same", false);
        assertEquals(emptyList(), repeated("d"));
        for (int i = 0; i < all; i++) rig.confirm(BOB, ALICE, "same", false);
        List<String> proved = new ArrayList<>();
        for (String n : numbers.subList(0, Memory.SAME_NAME)) proved.add("receipt " + n);
        assertEquals(proved, repeated("e"));
        // Those are forgotten, and others found.
        rig.enable("f");
        for (String n : numbers) rig.say("f", new Command("forget").with("n", n));
        goesTo("s1", BOB);
        again("next");
        String next = rig.shown("f").get(0);
        rig.stored("f", next);
        rig.say("f", new Command("disable"));
        rig.confirm(BOB, ALICE, "same", false);
        assertEquals(Arrays.asList("receipt " + next), repeated("g"));
    }

    @Test @DisplayName("what need not be shown is only what the session that says it was given, and has not said before")
    void sameIdShown() {
        Rig routing = routing();
        routing.gate.presence().bound("s3", DESK);
        routing.server = entry -> {
            boolean first = entry.packet.equals("one");
            routing.gate.presence().sent(entry.known, entry.copy, first ? "s1" : "s3", true);
            return new Outcome().sent(first ? "s1" : "s3", first ? BOB : DESK);
        };
        for (String text : new String[] {"one", "two"}) {
            routing.gate.offer(new Stanza(text, ALICE, "bob@example.org", "same", false, true), true, "<message/>");
            routing.run();
            routing.stored("c", routing.shown("c").get(routing.shown("c").size() - 1));
        }
        routing.confirm(BOB, ALICE, "same", false);
        assertEquals(2, routing.shown("c").size());
        routing.confirm(BOB, ALICE, "same", false);
        assertEquals(3, routing.shown("c").size());
        routing.confirm(DESK, ALICE, "same", false);
        assertEquals(3, routing.shown("c").size());
    }

    private static Stanza written(String text, String to) {
        return new Stanza(text, ALICE, to, "same", false, true, emptyList(), false, false, text.hashCode());
    }

    private static Stanza receipt(String from) {
        return new Stanza("receipt", from, ALICE, "r", false, false, Arrays.asList(new Receipt("same", false)), true);
    }

    /** Alice writes two of one id, each to another session; the second is confirmed while the server still routes it. */
    private static List<String> confirmedEarly(Rig rig, Runnable confirms) {
        rig.gate.presence().bound("s3", DESK);
        rig.server = entry -> {
            boolean first = entry.packet.equals("one");
            if (!first) confirms.run();
            rig.gate.presence().sent(entry.known, entry.copy, first ? "s1" : "s3", true);
            return new Outcome().sent(first ? "s1" : "s3", first ? BOB : DESK);
        };
        for (String text : new String[] {"one", "two"}) {
            rig.gate.offer(written(text, text.equals("one") ? BOB : DESK), true, "<message/>");
            rig.run();
            rig.stored("c", rig.shown("c").get(rig.shown("c").size() - 1));
        }
        return rig.shown("c");
    }

    @Test @DisplayName("a client is faster than the server that gives it the second of two messages of one id: its receipt is not for the first, and the component decides")
    void sameIdFaster() {
        Rig routing = routing();
        List<Gate.Decision> taken = new ArrayList<>();
        confirmedEarly(routing, () -> taken.add(routing.gate.offer(receipt(DESK), true, "<message/>")));
        assertEquals(Arrays.asList(Gate.Decision.TAKEN), taken);
        assertEquals(3, routing.shown("c").size());
        assertEquals(emptyList(), routing.events("c", "has"));
        // It is known now.
        routing.gate.offer(receipt(DESK), true, "<message/>");
        routing.run();
        assertEquals(3, routing.shown("c").size());
        assertEquals(Arrays.asList("receipt " + routing.shown("c").get(1)), has(routing, "c"));
    }

    @Test @DisplayName("the same where that receipt is not held, since too many are: it is for the second")
    void sameIdFasterUnheld() {
        Rig full = new Rig(new Settings("example.org", "receipts.example.org", false, 3000, 10_000, 200, 1000));
        full.enable("c");
        full.gate.presence().bound("s1", BOB);
        List<String> numbers = confirmedEarly(full, () -> full.gate.offer(receipt(DESK), true, "<message>" + String.join("", java.util.Collections.nCopies(200, "x")) + "</message>"));
        assertEquals(2, numbers.size());
        assertEquals(Arrays.asList("receipt " + numbers.get(1)), has(full, "c"));
    }

    @Test @DisplayName("the same of a copy: of two whose sessions have ended, a receipt for the copy of the second is not for the first")
    void sameIdFasterThanCopy() {
        Rig routing = routing();
        confirmedEarly(routing, () -> { });
        String two = routing.shown("c").get(1);
        for (String stream : new String[] {"s1", "s3"}) routing.gate.presence().gone(stream);
        String tablet = "bob@example.org/tablet";
        routing.gate.presence().bound("s4", tablet);
        routing.server = entry -> {
            routing.gate.offer(receipt(tablet), true, "<message/>");
            routing.gate.presence().sent(entry.known, entry.copy, "s4", true);
            return new Outcome().sent("s4", tablet);
        };
        routing.say("c", Rig.deliver(two, 2, tablet, "two"));
        assertEquals(3, routing.shown("c").size());
        assertEquals(emptyList(), has(routing, "c"));
    }

    @Test @DisplayName("what is not sent after all is found by no receipt")
    void copyFails() {
        rig.server = entry -> new Outcome().failed("no-session");
        rig.say("c", Rig.deliver("before-7", 2, BOB, "seven"), new Command("disable"));
        rig.confirm(BOB, ALICE, "id", false);
        assertEquals(emptyList(), repeated("d"));
    }

    @Test @DisplayName("what was let go without a verdict was given to the session that it names, or to those that were there: a receipt of another's is not for it")
    void sameIdPassedElsewhere() {
        for (String to : new String[] {BOB, "bob@example.org"}) {
            Rig rig = new Rig();
            rig.enable("c");
            rig.gate.presence().bound("s1", BOB);
            rig.gate.presence().changed("s1", "available", 0, true);
            if (to.equals(BOB)) desk(rig);
            rig.gate.offer(written("one", to), true, "<message/>");
            rig.run();
            rig.gate.closed("c");
            rig.run();
            if (!to.equals(BOB)) desk(rig);
            rig.enable("c");
            assertTrue(rig.outcomes.get(0).contains("\"s1\"") && !rig.outcomes.get(0).contains("\"s3\""), rig.outcomes.get(0));
            rig.server = entry -> {
                rig.gate.presence().sent(entry.known, entry.copy, "s3", true);
                return new Outcome().sent("s3", DESK);
            };
            rig.gate.offer(written("two", DESK), true, "<message/>");
            rig.run();
            List<String> numbers = rig.shown("c");
            rig.stored("c", numbers.get(1));
            rig.say("c", new Command("disable"));
            rig.confirm(DESK, ALICE, "same", false);
            rig.enable("c");
            assertEquals(Arrays.asList("receipt " + numbers.get(1)), has(rig, "c"));
        }
    }

    private static void desk(Rig rig) {
        rig.gate.presence().bound("s3", DESK);
        rig.gate.presence().changed("s3", "available", 0, true);
    }

    @Test @DisplayName("the other numbers of a message are found when one of them is forgotten, whichever it is")
    void oneOfSeveralIsForgotten() {
        for (int gone = 0; gone < 3; gone++) {
            List<String> numbers = new ArrayList<>();
            String text = "text" + gone;
            for (int i = 0; i < 3; i++) numbers.add(send(text));
            rig.say("c", new Command("forget").with("n", numbers.remove(gone)));
            for (int i = 0; i < 2; i++) {
                rig.confirm(BOB, ALICE, "id-" + text, false);
                rig.say("c", new Command("pass").with("n", newest()));
            }
            List<String> proved = new ArrayList<>();
            for (String event : rig.events("c", "has")) if (("id-" + text).equals(Rig.attribute(event, "id"))) proved.add(Rig.attribute(event, "n"));
            assertEquals(new java.util.HashSet<>(numbers), new java.util.HashSet<>(proved));
        }
    }

    @Test @DisplayName("names are remembered no longer than outcomes")
    void bounded() {
        Settings few = new Settings("example.org", "receipts.example.org", false, 3000, 10_000, 64L << 20, 2);
        Rig small = new Rig(few);
        small.enable("c");
        small.gate.presence().bound("s1", BOB);
        small.server = entry -> new Outcome().sent("s1", BOB);
        for (String text : new String[] {"one", "two", "three"}) {
            small.write("alice", "bob", text);
            small.stored("c", small.shown("c").get(small.shown("c").size() - 1));
        }
        small.say("c", new Command("disable"));
        for (String text : new String[] {"one", "two", "three"}) small.confirm(BOB, ALICE, "id-" + text, false);
        small.enable("d");
        assertEquals(2, small.events("d", "has").size());
    }
}
