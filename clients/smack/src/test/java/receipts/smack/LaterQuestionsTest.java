package receipts.smack;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jivesoftware.smack.XMPPConnection;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sessions of a program that was killed with what it had written on its way, and started again. */
class LaterQuestionsTest {
    private static final String ALICE = "alice@example.org";
    private static final String BOB = "bob@receipts.example.org";

    private final ManualLoop loop = new ManualLoop();
    private final MemoryStore store = new MemoryStore();
    private final Map<String, String> states = new LinkedHashMap<>();
    /** The ids in each question. */
    private final List<List<String>> asked = new ArrayList<>();
    private Core core;

    private final class Component extends Discovery {
        Component() {
            super(null, loop);
        }

        @Override
        void features(String jid, Consumer<Set<String>> then) {
            loop.execute(() -> then.accept(Collections.emptySet()));
        }

        @Override
        void states(String component, List<Item> messages, BiConsumer<List<StatusUpdate>, Boolean> then) {
            List<String> ids = new ArrayList<>();
            List<StatusUpdate> updates = new ArrayList<>();
            for (Item item : messages) {
                ids.add(item.id);
                updates.add(new StatusUpdate(item.id, item.to, states.get(item.id)));
            }
            if (!ids.isEmpty()) asked.add(ids);
            loop.execute(() -> {
                then.accept(updates, false);
                then.accept(Collections.emptyList(), true);
            });
        }
    }

    private void start() throws Exception {
        XMPPConnection connection = (XMPPConnection) Proxy.newProxyInstance(getClass().getClassLoader(),
            new Class<?>[] {XMPPConnection.class}, (self, method, arguments) -> null);
        Options options = new Options();
        options.component = "receipts.example.org";
        core = new Core(connection, store, options, loop, new Component());
        core.online(ALICE, false);
        loop.pass(0);
    }

    private void send(String id) throws Exception {
        String stanza = "<message xmlns='jabber:client' type='chat' id='" + id + "' to='" + BOB + "'><body>a</body></message>";
        core.sender.send(id, BOB, stanza);
        loop.pass(0);
    }

    private void stored(String id) throws Exception {
        core.sender.update(Arrays.asList(new StatusUpdate(id, BOB, "pending")));
        loop.pass(0);
    }

    private List<List<String>> during(long ms) throws Exception {
        asked.clear();
        loop.pass(ms);
        return new ArrayList<>(asked);
    }

    @SafeVarargs
    private static List<List<String>> questions(List<String>... questions) {
        return Arrays.asList(questions);
    }

    @BeforeEach
    void killedWithReceiptsOnTheirWay() throws Exception {
        start();
        send("stored");
        stored("stored");
        // That it was written is not in the store.
        send("doubtful");
        states.put("stored", "pending");
        states.put("doubtful", "pending");
        start();
        assertEquals(questions(Arrays.asList("stored", "doubtful")), asked);
    }

    @Test
    void aNewSessionAsksAfter10And70And310SecondsAboutWhatEarlierOnesWrote() throws Exception {
        send("of this session");
        stored("of this session");
        assertEquals(questions(), during(9_999));
        states.put("doubtful", "delivered");
        assertEquals(questions(Arrays.asList("stored", "doubtful")), during(1));
        assertEquals(State.DELIVERED, core.queue.get("doubtful").state);
        assertEquals(questions(), during(59_999));
        assertEquals(questions(Arrays.asList("stored")), during(1));
        assertEquals(questions(), during(239_999));
        assertEquals(questions(Arrays.asList("stored")), during(1));
        assertEquals(questions(), during(500_000));
    }

    @Test
    void aSessionThatWasResumedGoesOnAsking() throws Exception {
        core.offline();
        assertEquals(questions(), during(10_000));
        core.online(ALICE, true);
        assertEquals(questions(), during(59_999));
        assertEquals(questions(Arrays.asList("stored", "doubtful")), during(1));
    }

    @Test
    void eachNewSessionBeginsAgain() throws Exception {
        send("of a session before");
        stored("of a session before");
        states.put("of a session before", "pending");
        during(5_000);
        core.offline();
        core.online(ALICE, false);
        List<String> all = Arrays.asList("stored", "doubtful", "of a session before");
        assertEquals(questions(all), during(9_999));
        assertEquals(questions(all), during(1));
        core.close();
        assertEquals(questions(), during(500_000));
    }
}
