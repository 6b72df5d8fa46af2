package receipts.smack;

import java.util.ArrayList;
import java.util.List;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.packet.Message;

/** The two lists and the sessions of a connection. All is called on the loop. */
final class Core {
    /** ms between checks for messages to give up, and for endings whose notification got lost. */
    private static final long CHECK_INTERVAL = 600_000;

    final Loop loop;
    final Events events = new Events();
    final OutgoingQueue queue;
    final SeenMessages seen;
    final Peers peers = new Peers();
    final Sender sender;
    final Receiver receiver;
    private final Options options;
    private final Persistence persistence;
    private final Discovery discovery;
    private final LaterQuestions later;
    private boolean discovering;
    /** A count of sessions: work that an earlier session began stops when it differs. */
    private int session;
    private boolean online;
    /** ms since 1970; 0 before the first session. */
    private long lastOnline;
    private boolean closed;

    Core(XMPPConnection connection, Store store, Options options) {
        this(connection, store, options, new Loop("receipts"));
    }

    private Core(XMPPConnection connection, Store store, Options options, Loop loop) {
        this(connection, store, options, loop, new Discovery(connection, loop));
    }

    Core(XMPPConnection connection, Store store, Options options, Loop loop, Discovery discovery) {
        this.options = options;
        this.loop = loop;
        this.discovery = discovery;
        persistence = new Persistence(store, loop, events);
        Backoff backoff = new Backoff(options.resendAfter, options.resendAtMost, 0.8 + Math.random() * 0.4);
        queue = new OutgoingQueue(options.maxInFlight, backoff, options.giveUpAfter, options.remember);
        seen = new SeenMessages(options.remember);
        sender = new Sender(connection, loop, events, persistence, queue, peers, discovery, options.batch);
        receiver = new Receiver(connection, loop, events, persistence, seen, peers, options.autoReceipt);
        later = new LaterQuestions(loop, ids -> {
            if (online) sender.ask(true, ids::contains, () -> {});
        });
        peers.component = options.component == null ? null : Jids.bare(options.component);
        discovering = options.component == null && options.discover;
        loop.execute(this::load);
        loop.every(Math.min(CHECK_INTERVAL, options.giveUpAfter), () -> {
            sender.giveUp();
            if (online) sender.ask(true, () -> {});
        });
    }

    void close() {
        if (closed) return;
        closed = true;
        session += 1;
        sender.close();
        later.end();
        receiver.close();
        persistence.close();
    }

    private void load() {
        persistence.load();
        queue.restore(persistence.out);
        seen.restore(persistence.seen);
        if (discovering && persistence.component != null) setComponent(persistence.component);
    }

    private void setComponent(String component) {
        peers.component = component;
        discovering = false;
    }

    /** @param resumed whether the last session goes on (XEP-0198) */
    void online(String own, boolean resumed) {
        session += 1;
        online = true;
        long now = System.currentTimeMillis();
        boolean away = lastOnline == 0 || now - lastOnline > options.askAfter;
        peers.own = own;
        claimStore(own);
        if (resumed) queue.resume(now);
        else queue.restart();
        receiver.online();
        String server = Jids.domain(own);
        Runnable open = inSession(() -> {
            lastOnline = now;
            sender.giveUp();
            if (!resumed) later.begin(queue.inDoubt());
            sender.open();
            // Notifications at the very end of the last session may be lost.
            if (!resumed && !away) sender.ask(true, () -> {});
        });
        Runnable known = inSession(() -> {
            receiver.discovered();
            if (!resumed && away) sender.ask(false, open);
            else open.run();
        });
        discover(server, inSession(() -> {
            if (resumed) known.run();
            else readFeatures(server, known);
        }));
    }

    /** Does nothing when the session is another one by then. */
    private Runnable inSession(Runnable work) {
        int present = session;
        return () -> {
            if (session == present) work.run();
        };
    }

    void offline() {
        session += 1;
        if (online) lastOnline = System.currentTimeMillis();
        online = false;
        receiver.offline();
        sender.close();
    }

    /** Messages of another account stay in the store, and are not sent from this one. */
    private void claimStore(String own) {
        List<Item> claimed = new ArrayList<>();
        int others = queue.claimFor(own, claimed);
        for (Item item : claimed) persistence.save(Entries.OUT + item.id, Entries.write(item));
        if (others == 0) return;
        events.problem(Problem.Kind.ACCOUNT, new IllegalStateException(others + " messages of another account than " + own));
    }

    private void discover(String server, Runnable then) {
        if (!discovering) {
            then.run();
            return;
        }
        discovery.findComponent(server, found -> {
            if (found != null && discovering) {
                setComponent(found);
                persistence.save(Entries.COMPONENT, found);
            }
            then.run();
        });
    }

    /** The component is asked in each session whether it takes batches, and whether a gate holds messages for it. */
    private void readFeatures(String server, Runnable then) {
        if (peers.component == null) {
            then.run();
            return;
        }
        discovery.features(peers.component, features -> {
            receiver.batch = options.batch && features.contains(Names.BATCH_FEATURE);
            peers.heldDomain = features.contains(Names.TRANSPARENT_FEATURE) ? server : null;
            then.run();
        });
    }

    /** A message that came. */
    void message(Message message) {
        if (message.getType() == Message.Type.error) {
            sender.error(message);
            return;
        }
        Notices parsed = new Notices(message, peers.component);
        // The gate holds again what passed unheld before.
        if (peers.own != null && Jids.bare(message.getFrom().toString()).equals(peers.component))
            for (StatusUpdate one : parsed.updates)
                if (one.state.equals("pending") && one.to != null && Jids.domain(one.to).equals(Jids.domain(peers.own)))
                    peers.heldDomain = Jids.domain(peers.own);
        sender.update(parsed.updates);
        if (parsed.content) receiver.take(message, parsed.asksReceipt);
    }
}
