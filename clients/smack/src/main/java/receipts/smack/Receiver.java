package receipts.smack;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.MessageBuilder;
import org.jivesoftware.smack.roster.Roster;
import org.jivesoftware.smackx.delay.packet.DelayInformation;
import org.jivesoftware.smackx.receipts.DeliveryReceipt;
import org.jxmpp.jid.Jid;
import org.jxmpp.jid.impl.JidCreate;

/** What I received: each message once to the application, and a receipt for it when the application has it. Used on the loop. */
final class Receiver {
    /** ms that a receipt waits for others. */
    private static final long MAX_RECEIPT_DELAY = 200;
    /** How many stanzas with receipts are remembered, in case stream management gives them up. */
    private static final int MAX_WRITTEN = 1000;

    private final XMPPConnection connection;
    private final Loop loop;
    private final Events events;
    private final Persistence persistence;
    private final SeenMessages seen;
    private final Peers peers;
    private final AutoReceipt autoReceipt;
    private final Loop handlers = new Loop("receipts handler");
    /** The keys of the messages that the handler has at the moment. */
    private final Set<String> handling = new HashSet<>();
    /** What came before there was a handler, and before it was known which addresses are behind the component. */
    private final Queue<Runnable> early = new ArrayDeque<>();
    /** Receipts that wait for others, by the address that they go to: keys of messages and the receipts. */
    private final Map<String, Map<String, DueReceipt>> batches = new LinkedHashMap<>();
    /** The receipts in each stanza that was written, by its id. */
    private final Map<String, Map<String, DueReceipt>> written = new LinkedHashMap<>();
    /** Whether receipts to addresses of the component's domain may share a stanza. */
    boolean batch;
    private MessageHandler handler;
    private boolean discovered;
    private boolean online;
    private volatile boolean closed;

    Receiver(XMPPConnection connection, Loop loop, Events events, Persistence persistence, SeenMessages seen, Peers peers,
        AutoReceipt autoReceipt) {
        this.connection = connection;
        this.loop = loop;
        this.events = events;
        this.persistence = persistence;
        this.seen = seen;
        this.peers = peers;
        this.autoReceipt = autoReceipt;
    }

    /** Sets who takes messages. What came before waits for it, without a receipt. */
    void handle(MessageHandler taker) {
        handler = taker;
        begin();
    }

    /** It is known which addresses are behind the component. */
    void discovered() {
        discovered = true;
        begin();
    }

    void close() {
        sendBatches();
        closed = true;
        handlers.end();
    }

    /** A message with content. */
    void take(Message stanza, boolean asksReceipt) {
        DelayInformation delay = DelayInformation.from(stanza);
        Date sentAt = delay == null ? null : delay.getStamp();
        long at = sentAt == null ? System.currentTimeMillis() : sentAt.getTime();
        String origin = Stanzas.attribute(stanza, "origin-id", Names.SID, "id");
        String key = SeenMessages.key(stanza.getFrom().toString(), stanza.getStanzaId(), origin, Stanzas.payload(stanza), at,
            one -> seen.get(one) != null || handling.contains(one));
        if (key != null) {
            SeenEntry known = seen.get(key);
            if (known != null) {
                // Its receipt got lost, or the copy was on its way already.
                if (known.confirmed && asksReceipt) confirm(stanza, key);
                return;
            }
            if (!handling.add(key)) return;
        }
        early.add(() -> handlers.execute(() -> give(stanza, key, sentAt, asksReceipt)));
        begin();
    }

    /** The stream is usable: receipts that are due are written. */
    void online() {
        online = true;
        seen.owed().forEach(this::enqueue);
    }

    void offline() {
        online = false;
    }

    /** Stream management acknowledged a stanza, or gave it up. */
    void acknowledged(String stanzaId) {
        written.remove(stanzaId);
    }

    void lost(String stanzaId) {
        markDue(written.remove(stanzaId));
    }

    boolean wrote(String stanzaId) {
        return written.containsKey(stanzaId);
    }

    private void begin() {
        while (handler != null && discovered && !early.isEmpty()) early.remove().run();
    }

    /** On the handler's thread. */
    private void give(Message stanza, String key, Date sentAt, boolean asksReceipt) {
        if (closed) return;
        String from = stanza.getFrom().toString();
        Runnable confirm = () -> loop.execute(() -> {
            if (!asksReceipt || key == null) return;
            save(key, new SeenEntry(System.currentTimeMillis(), true, null), () -> confirm(stanza, key));
        });
        boolean proxied = loop.call(() -> peers.proxied(from));
        try {
            handler.take(new IncomingMessage(key, stanza, sentAt, proxied, confirm));
        } catch (Exception error) {
            // Without a receipt the message comes again.
            loop.execute(() -> handling.remove(key));
            events.problem(Problem.Kind.HANDLER, error);
            return;
        }
        boolean confirmed = asksReceipt && returnsReceiptTo(stanza.getFrom(), proxied);
        loop.execute(() -> taken(stanza, key, confirmed));
    }

    private void taken(Message stanza, String key, boolean confirmed) {
        if (closed || key == null) return;
        // In disabled mode the application may have confirmed it before it was done.
        SeenEntry entry = seen.get(key);
        if (entry == null) entry = new SeenEntry(System.currentTimeMillis(), confirmed, null);
        handling.remove(key);
        // The key is stored before the receipt goes: else a copy of the message could be shown.
        save(key, entry, () -> {
            if (confirmed) confirm(stanza, key);
        });
        for (String one : seen.evict()) persistence.save(Entries.SEEN + one, null);
    }

    private boolean returnsReceiptTo(Jid from, boolean proxied) {
        AutoReceipt mode = autoReceipt;
        if (mode == null) mode = proxied ? AutoReceipt.ALWAYS : AutoReceipt.SUBSCRIBED;
        if (mode != AutoReceipt.SUBSCRIBED) return mode == AutoReceipt.ALWAYS;
        try {
            Roster roster = Roster.getInstanceFor(connection);
            if (!roster.isLoaded()) roster.reloadAndWait();
            return roster.isSubscribedToMyPresence(from);
        } catch (Exception unknown) {
            return false;
        }
    }

    private void confirm(Message stanza, String key) {
        if (stanza.getStanzaId() == null) return;
        String type = stanza.getType().toString();
        enqueue(key, new DueReceipt(stanza.getFrom().toString(), stanza.getStanzaId(), type));
    }

    private void enqueue(String key, DueReceipt owed) {
        boolean first = batches.isEmpty();
        Map<String, DueReceipt> waiting = batches.computeIfAbsent(owed.to, to -> new LinkedHashMap<>());
        waiting.put(key, owed);
        // One timer at a time: receipts that came after it was set go a little earlier than they must.
        if (!batch || !peers.atComponent(owed.to) || waiting.size() >= Names.MAX_RECEIPTS) sendBatches();
        else if (first) loop.after(MAX_RECEIPT_DELAY, this::sendBatches);
    }

    private void sendBatches() {
        List<Map<String, DueReceipt>> all = new ArrayList<>(batches.values());
        batches.clear();
        for (Map<String, DueReceipt> receipts : all) {
            if (batch && peers.atComponent(receipts.values().iterator().next().to)) write(receipts);
            else receipts.forEach((key, owed) -> write(Collections.singletonMap(key, owed)));
        }
    }

    private void write(Map<String, DueReceipt> receipts) {
        Collection<DueReceipt> owed = receipts.values();
        DueReceipt first = owed.iterator().next();
        try {
            if (!online) throw new IllegalStateException("No stream");
            MessageBuilder stanza = connection.getStanzaFactory().buildMessageStanza()
                .to(JidCreate.from(first.to)).ofType(Message.Type.fromString(first.type));
            for (DueReceipt one : owed) stanza.addExtension(new DeliveryReceipt(one.id));
            Message message = stanza.build();
            written.put(message.getStanzaId(), receipts);
            SeenMessages.evictOldest(written, MAX_WRITTEN);
            connection.sendStanza(message);
        } catch (Exception gone) {
            markDue(receipts);
            return;
        }
        for (String key : receipts.keySet()) {
            SeenEntry entry = seen.get(key);
            if (entry != null && entry.owed != null) save(key, new SeenEntry(entry.at, true, null), () -> {});
        }
    }

    private void markDue(Map<String, DueReceipt> receipts) {
        if (receipts == null || closed) return;
        receipts.forEach((key, owed) -> {
            SeenEntry entry = seen.get(key);
            if (entry != null) save(key, new SeenEntry(entry.at, true, owed), () -> {});
        });
    }

    private void save(String key, SeenEntry entry, Runnable then) {
        seen.put(key, entry);
        persistence.save(Entries.SEEN + key, Entries.write(entry), then);
    }
}
