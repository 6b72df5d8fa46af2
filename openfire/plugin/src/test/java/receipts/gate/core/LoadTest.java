package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.*;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.ArrayList;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The same with threads: rules 5, 6 and 8. */
class LoadTest {
    private final ScheduledExecutorService pool = Executors.newScheduledThreadPool(4);
    private final ConcurrentLinkedQueue<String> routed = new ConcurrentLinkedQueue<>();
    private volatile Gate gate;
    private volatile String token;
    private volatile Object enabled;

    private final Host host = new Host() {
        @Override public void execute(Runnable task) { pool.execute(task); }
        @Override public void route(Runnable task) { pool.execute(task); }
        @Override public void later(long delay, Runnable task) { pool.schedule(task, delay, TimeUnit.MILLISECONDS); }
        @Override public Outcome carryOut(Entry entry) {
            assertFalse(Thread.holdsLock(gate.lock));
            routed.add((String) entry.packet);
            return new Outcome();
        }
        @Override public boolean writesInCallbacks() { return true; }

        @Override public void write(Object connection, String xml) {
            int at = 0;
            List<Command> verdicts = new ArrayList<>();
            while ((at = xml.indexOf("<held n=\"", at)) >= 0) {
                at += 9;
                verdicts.add(new Command("stored").with("n", xml.substring(at, xml.indexOf('"', at))));
            }
            if (!verdicts.isEmpty()) gate.request(token, "r", verdicts);
        }
        @Override public void answer(Object connection, Object request, String tokenOf, String inner) {
            if (inner.startsWith("<enabled ")) {
                token = tokenOf;
                enabled = connection;
            }
        }
        @Override public void ask(Object connection, String id) { }
        @Override public void close(Object connection) { }
        @Override public void ping(String stream, String jid, String id) { }
        @Override public void request(String stream, String jid) { }
        @Override public void log(String text) { }
        @Override public void warn(String text) { }
    };

    @Test @DisplayName("5, 6: toggle-under-load-none-held, unload-under-load, reload-no-duplicates: all once, in order")
    void toggles() throws Exception {
        int some = 5_000;
        gate = new Gate(Settings.defaults("example.org"), host, System::currentTimeMillis);
        List<Thread> senders = new ArrayList<>();
        for (String user : Arrays.asList("alice", "carol", "dave")) {
            Thread sender = new Thread(() -> {
                for (int i = 0; i < some; i++) {
                    String text = user + i;
                    Stanza stanza = new Stanza(text, user + "@example.org/x", "bob@example.org", text, false, true);
                    if (gate.offer(stanza, true, gate.isLeased() ? "<message/>" : null) == Gate.Decision.PASS) routed.add(text);
                }
            });
            senders.add(sender);
            sender.start();
        }
        for (int i = 0; senders.stream().anyMatch(Thread::isAlive); i++) {
            String connection = "c" + i;
            gate.enable(connection, new Command("enable").with("process", connection), "r", "0", "test", "");
            while (!connection.equals(enabled)) Thread.sleep(1);
            Thread.sleep(1);
            if (i % 2 == 0) gate.closed(connection);
            else gate.request(token, "off", Collections.singletonList(new Command("disable")));
            assertEquals(0, gate.connections().size());
        }
        for (Thread sender : senders) sender.join();
        gate.unload();
        for (int i = 0; i < 10_000 && !gate.isEmpty(); i++) Thread.sleep(1);
        assertTrue(gate.isEmpty());
        pool.shutdown();
        assertTrue(pool.awaitTermination(60, TimeUnit.SECONDS));
        assertEquals(3 * some, routed.size());
        for (String user : Arrays.asList("alice", "carol", "dave")) {
            int next = 0;
            for (String text : routed) if (text.startsWith(user)) assertEquals(user + next++, text);
            assertEquals(some, next);
        }
    }
}
