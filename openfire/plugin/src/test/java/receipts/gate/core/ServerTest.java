package receipts.gate.core;

import static java.util.Arrays.asList;
import static java.util.Collections.emptyList;
import static org.junit.jupiter.api.Assertions.*;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the gate may do to the server that it is in: rules 8 and 9. */
class ServerTest {
    @Test @DisplayName("8: lock-probe: no callback of the server routes, writes or drains; all waits for the gate's own threads")
    void callbacks() {
        callbacks(new Rig(), 0);
    }

    @Test @DisplayName("8: lock-probe: where writes neither wait nor close, a lone message alone is written in its callback")
    void writingCallbacks() {
        Rig rig = new Rig();
        rig.writesInCallbacks = true;
        callbacks(rig, 1);
    }

    private static void callbacks(Rig rig, int shown) {
        rig.enable("c");
        rig.gate.presence().bound("s1", "bob@example.org/phone");
        rig.write("alice", "bob", "one");
        rig.gate.request(rig.token("c"), "r", asList(new Command("stored").with("n", rig.shown("c").get(0))));
        int written = Rig.of(rig.written, "c").size();
        int answered = Rig.of(rig.answers, "c").size();
        Stanza another = new Stanza("two", "alice@example.org/phone", "bob@example.org", "id", false, true);
        assertEquals(Gate.Decision.TAKEN, rig.gate.offer(another, true, "<message/>"));
        rig.gate.presence().detached("s1");
        rig.gate.presence().resumed("s1", true);
        rig.gate.presence().gone("s1");
        rig.now += 60_000;
        rig.gate.tick();
        rig.gate.closed("c");
        rig.gate.unload();
        assertEquals(emptyList(), rig.routed);
        assertEquals(emptyList(), rig.closed);
        assertEquals(written + shown, Rig.of(rig.written, "c").size());
        assertEquals(1 + shown, rig.shown("c").size());
        assertEquals(answered, Rig.of(rig.answers, "c").size());
        rig.run();
        assertEquals(2, rig.routed.size());
    }

    @Test @DisplayName("no message body in the gate’s log, where another plugin fails with a text that quotes one")
    void log() {
        Rig rig = new Rig();
        rig.enable("c");
        rig.server = entry -> { throw new IllegalStateException("Not taken: " + entry.packet); };
        rig.write("alice", "bob", "A secret");
        rig.stored("c", rig.shown("c").get(0));
        rig.server = entry -> { throw new NoSuchMethodError("Not taken: " + entry.packet); };
        rig.write("alice", "bob", "Another secret");
        rig.stored("c", rig.shown("c").get(1));
        assertEquals(2, rig.warned.size());
        assertTrue(rig.warned.get(0).startsWith("A stanza could not be routed: java.lang.IllegalStateException at receipts.gate.core.ServerTest."), rig.warned.get(0));
        for (String line : rig.warned) assertFalse(line.contains("secret"), line);
    }

    @Test @DisplayName("8: as many threads route as there are processors, and one more at each tick while something waits for one")
    void threads() {
        Rig rig = new Rig();
        rig.enable("c");
        int users = 2 * Gate.ROUTING_THREADS + Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < users; i++) rig.write("alice", "user" + i, "text" + i);
        List<Command> all = new ArrayList<>();
        for (String n : rig.shown("c")) all.add(new Command("stored").with("n", n));
        rig.gate.request(rig.token("c"), "r", all);
        // None of them runs: the server keeps each waiting. One is the answer to the component.
        int usual = rig.tasks.size() - 1;
        assertTrue(usual >= 2 && usual <= Gate.ROUTING_THREADS, usual + " threads");
        rig.gate.tick();
        assertEquals(usual, rig.tasks.size() - 1);
        for (int more = 1; usual + more <= Gate.ROUTING_THREADS; more++) {
            rig.gate.tick();
            assertEquals(usual + more, rig.tasks.size() - 1);
        }
        rig.gate.tick();
        assertEquals(Gate.ROUTING_THREADS, rig.tasks.size() - 1);
        rig.run();
        assertEquals(users, rig.routed.size());
        // Those that have ended count no more.
        rig.write("alice", "bob", "last");
        rig.stored("c", rig.shown("c").get(users));
        assertEquals(users + 1, rig.routed.size());
    }

    /** A server with threads, in which routing to `slow` waits for the test. */
    private static final class Threads implements Host {
        final ScheduledExecutorService writing = Executors.newSingleThreadScheduledExecutor();
        final ExecutorService routing = Executors.newFixedThreadPool(2);
        final CountDownLatch slow = new CountDownLatch(1);
        final ConcurrentLinkedQueue<String> routed = new ConcurrentLinkedQueue<>();
        final ConcurrentLinkedQueue<String> written = new ConcurrentLinkedQueue<>();
        final ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();
        final Gate gate = new Gate(Settings.defaults("example.org"), this, System::currentTimeMillis);
        final AtomicBoolean busy = new AtomicBoolean();
        final ConcurrentLinkedQueue<String> warned = new ConcurrentLinkedQueue<>();
        volatile String token;

        @Override public void execute(Runnable task) { writing.execute(task); }
        @Override public void route(Runnable task) { routing.execute(task); }
        @Override public void later(long delay, Runnable task) { writing.schedule(task, delay, TimeUnit.MILLISECONDS); }
        @Override public Outcome carryOut(Entry entry) throws Exception {
            if (entry.packet.toString().startsWith("slow")) slow.await();
            routed.add(entry.packet.toString());
            return new Outcome();
        }
        @Override public boolean writesInCallbacks() { return true; }
        @Override public void write(Object connection, String xml) {
            assertTrue(busy.compareAndSet(false, true), "two threads write at once");
            written.add(xml);
            Thread.yield();
            busy.set(false);
        }
        @Override public void answer(Object connection, Object request, String tokenOf, String inner) {
            token = tokenOf;
            answers.add(inner);
        }
        @Override public void ask(Object connection, String id) { }
        @Override public void close(Object connection) { }
        @Override public void ping(String stream, String jid, String id) { }
        @Override public void request(String stream, String jid) { }
        @Override public void log(String text) { }
        @Override public void warn(String text) { warned.add(text); }

        /** What was written so far, when all before it is done. */
        String drained() throws Exception {
            Future<?> done = writing.submit(() -> { });
            done.get();
            return String.join("", written);
        }

        void offer(String to, String text) {
            Stanza stanza = new Stanza(text, "alice@example.org/x", to + "@example.org", text, false, true);
            assertEquals(Gate.Decision.TAKEN, gate.offer(stanza, true, "<message id='" + text + "'/>"));
        }

        void store(String... texts) throws Exception {
            String all = drained();
            List<Command> verdicts = new ArrayList<>();
            for (String text : texts) {
                String before = all.substring(0, all.indexOf("id='" + text + "'"));
                String n = before.substring(before.lastIndexOf("<held n=\"") + 9);
                verdicts.add(new Command("stored").with("n", n.substring(0, n.indexOf('"'))));
            }
            assertTrue(gate.request(token, "r", verdicts));
        }
    }

    @Test @DisplayName("8: slow-offline-sql: one recipient whose storage is slow keeps no other waiting, and several keep the component from nothing")
    void slow() throws Exception {
        Threads server = new Threads();
        server.gate.enable("c", new Command("enable"), "r", "0", "test", "");
        server.drained();
        server.offer("bob", "slow1");
        server.store("slow1");
        server.offer("carol", "one");
        server.store("one");
        while (!server.routed.contains("one")) Thread.sleep(1);
        server.offer("dave", "slow2");
        server.store("slow2");
        server.offer("erin", "two");
        assertTrue(server.drained().contains("id='two'"), "it is shown all the same");
        server.store("two");
        while (server.answers.size() < 5) Thread.sleep(1);
        int answers = server.answers.size();
        assertTrue(server.gate.request(server.token, "r", asList(new Command("renew"))));
        while (server.answers.size() < answers + 1) Thread.sleep(1);
        assertEquals(asList("one"), new ArrayList<>(server.routed));
        server.slow.countDown();
        while (server.routed.size() < 4) Thread.sleep(1);
        server.routing.shutdown();
        server.writing.shutdown();
        assertTrue(server.routing.awaitTermination(60, TimeUnit.SECONDS));
    }

    @Test @Timeout(60) @DisplayName("messages that several threads bring, lone or not, are shown one after the other, by one thread at a time")
    void bringers() throws Exception {
        int some = 300;
        Threads server = new Threads();
        server.gate.enable("c", new Command("enable"), "r", "0", "test", "");
        server.drained();
        for (String sender : asList("alice", "carol", "dave")) {
            new Thread(() -> {
                for (int i = 0; i < some; i++) server.gate.offer(new Stanza(sender + i, sender + "@example.org/x", "bob@example.org", "id", false, true), true, "<message/>");
            }).start();
        }
        List<String> shown = new ArrayList<>();
        int stored = 0;
        while (stored < 3 * some) {
            for (String xml = server.written.poll(); xml != null; xml = server.written.poll()) {
                Matcher event = Pattern.compile("<held n=\"([^\"]+)\"").matcher(xml);
                while (event.find()) shown.add(event.group(1));
            }
            for (; stored < shown.size(); stored++) server.gate.request(server.token, "r", asList(new Command("stored").with("n", shown.get(stored))));
        }
        List<String> inOrder = new ArrayList<>();
        for (int n = 1; n <= 3 * some; n++) inOrder.add(server.gate.epoch + '-' + n);
        assertEquals(inOrder, shown);
        assertEquals(emptyList(), new ArrayList<>(server.warned));
        server.routing.shutdown();
        server.writing.shutdown();
    }

    @Test @DisplayName("9: what a held message takes is bounded: its packet, and less than 1,500 bytes of the gate's own")
    void memory() {
        int some = 10_000;
        Rig rig = new Rig();
        rig.enable("c");
        String text = new String(new char[1000]).replace('\0', 'x');
        long before = used();
        for (int i = 0; i < some; i++) {
            Stanza stanza = new Stanza("packet", "user" + i % 20 + "@example.org/x", "bob@example.org", "id", false, true);
            assertEquals(Gate.Decision.TAKEN, rig.gate.offer(stanza, true, "<message><body>" + text + "</body></message>"));
            // The component reads it; the test keeps nothing of it.
            rig.run();
            rig.written.clear();
            rig.shown("c").clear();
        }
        assertEquals(some, rig.gate.counts().held);
        long each = (used() - before) / some;
        assertTrue(each < 1500, each + " bytes each");
    }

    private static long used() {
        Runtime runtime = Runtime.getRuntime();
        for (int i = 0; i < 3; i++) System.gc();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
