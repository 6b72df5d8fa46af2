package receipts.smack;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.StanzaBuilder;
import org.jxmpp.jid.Jid;

/**
 * Reliable chat on a Smack connection: a list of what was sent and is not acknowledged, and a list of what was received and is
 * owed a receipt, both in a {@link Store}. Create it before {@code connection.connect()}, so that nothing is missed. It takes the
 * place of {@code DeliveryReceiptManager}'s automatic receipts, which it switches off for this connection.
 */
public final class Receipts implements AutoCloseable {
    private final XMPPConnection connection;
    private final Core core;
    private final Attachment attachment;

    private Receipts(XMPPConnection connection, Store store, Options options) {
        this.connection = connection;
        core = new Core(connection, store, options);
        attachment = new Attachment(connection, options.batch, core);
        attachment.attach();
        if (connection.isAuthenticated()) attachment.authenticated(connection, false);
    }

    /**
     * The library on a connection.
     *
     * @param store for this account alone
     */
    public static Receipts on(XMPPConnection connection, Store store) {
        return on(connection, store, new Options());
    }

    /**
     * The same with options of one's own.
     *
     * @param store for this account alone
     * @param options are not to be changed afterwards
     */
    public static Receipts on(XMPPConnection connection, Store store, Options options) {
        return new Receipts(connection, store, options);
    }

    /**
     * Sends a text, now or when there is a stream. When it returns, the message is in the store: it is sent even if the program ends
     * now. It waits for the store, and not for the network.
     *
     * @return its id, by which the listeners name it
     * @throws SendException if it cannot be sent, or the store did not keep it
     */
    public String send(Jid to, String body) throws SendException {
        return send(StanzaBuilder.buildMessage(UUID.randomUUID().toString())
            .to(to).ofType(Message.Type.chat).setBody(Stanzas.clean(body)).build());
    }

    /**
     * The same for a message of type chat or normal with whatever is in it. Its id names it for good: one that was used before is
     * refused.
     *
     * @return its id
     * @throws SendException if it cannot be sent, or the store did not keep it
     */
    public String send(Message message) throws SendException {
        String id = message.getStanzaId();
        String text = Sender.prepare(message);
        CompletableFuture<Failure> kept = core.loop.call(() -> core.sender.send(id, message.getTo().toString(), text));
        try {
            Failure failure = kept.get();
            if (failure != null) throw new SendException(failure);
        } catch (InterruptedException interrupted) {
            // It is in the list all the same, and will be kept.
            Thread.currentThread().interrupt();
        } catch (ExecutionException never) {
            throw new IllegalStateException(never);
        }
        return id;
    }

    /** Sets who takes the messages that come. Until then they wait, without a receipt. */
    public void setMessageHandler(MessageHandler handler) {
        core.loop.execute(() -> core.receiver.handle(handler));
    }

    /** Tells when a message is stored. */
    public void addStoredListener(StoredListener listener) {
        core.events.stored.add(listener);
    }

    /** Tells when the recipient has a message. */
    public void addDeliveredListener(DeliveredListener listener) {
        core.events.delivered.add(listener);
    }

    /** Tells when a message failed. */
    public void addFailedListener(FailedListener listener) {
        core.events.failed.add(listener);
    }

    /** Tells of every change of a message's state. */
    public void addStateListener(StateListener listener) {
        core.events.state.add(listener);
    }

    /** Tells when a message was written again. */
    public void addResendListener(StateListener listener) {
        core.events.resent.add(listener);
    }

    /** Tells what did not work. */
    public void addProblemListener(ProblemListener listener) {
        core.events.addProblemListener(listener);
    }

    /** What is known of a message that was sent; null if nothing. */
    public Tracked get(String id) {
        return core.loop.call(() -> {
            Item item = core.queue.get(id);
            return item == null ? null : new Tracked(item);
        });
    }

    /** The first list: all that have not ended, in the order of sending. */
    public List<Tracked> pending() {
        return core.loop.call(() -> {
            List<Tracked> pending = new ArrayList<>();
            for (Item item : core.queue.pending()) pending.add(new Tracked(item));
            return pending;
        });
    }

    /** The second list: how many receipts are owed and not written. */
    public int owedReceipts() {
        return core.loop.call(() -> core.seen.owed().size());
    }

    /** The component's domain, if one was given or found; else null. */
    public String component() {
        return core.peers.component;
    }

    /** Lets go of the connection, which goes on, and closes the store, in which everything is that is not done. */
    @Override
    public void close() {
        attachment.detach();
        core.loop.call(() -> {
            core.close();
            return null;
        });
        core.loop.end();
        core.events.end();
    }
}
