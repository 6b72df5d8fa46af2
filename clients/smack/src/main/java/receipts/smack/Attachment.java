package receipts.smack;

import org.jivesoftware.smack.ConnectionListener;
import org.jivesoftware.smack.SmackException.NotConnectedException;
import org.jivesoftware.smack.StanzaListener;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.filter.StanzaTypeFilter;
import org.jivesoftware.smack.iqrequest.AbstractIqRequestHandler;
import org.jivesoftware.smack.iqrequest.IQRequestHandler;
import org.jivesoftware.smack.packet.IQ;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Stanza;
import org.jivesoftware.smack.packet.StanzaError;
import org.jivesoftware.smack.provider.ProviderManager;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;
import org.jivesoftware.smackx.receipts.DeliveryReceiptManager;

/** What the connection tells, on its own threads. */
final class Attachment extends AbstractIqRequestHandler implements ConnectionListener {
    private final StanzaListener messages = this::message;
    private final StanzaListener acknowledged = this::acknowledged;
    private final StanzaListener dropped = this::dropped;
    private final XMPPConnection connection;
    private final boolean batch;
    private final Core core;
    private IQRequestHandler replaced;

    Attachment(XMPPConnection connection, boolean batch, Core core) {
        super(Names.STATUS, Names.OWN, IQ.Type.set, Mode.sync);
        this.connection = connection;
        this.batch = batch;
        this.core = core;
    }

    void attach() {
        ProviderManager.addIQProvider(Names.STATUS, Names.OWN, new StatusIq.Provider());
        DeliveryReceiptManager.getInstanceFor(connection)
            .setAutoReceiptMode(DeliveryReceiptManager.AutoReceiptMode.disabled);
        connection.addConnectionListener(this);
        connection.addSyncStanzaListener(messages, StanzaTypeFilter.MESSAGE);
        if (batch) replaced = connection.registerIQRequestHandler(this);
        if (!(connection instanceof XMPPTCPConnection)) return;
        ((XMPPTCPConnection) connection).addStanzaAcknowledgedListener(acknowledged);
        ((XMPPTCPConnection) connection).addStanzaDroppedListener(dropped);
    }

    void detach() {
        connection.removeConnectionListener(this);
        connection.removeSyncStanzaListener(messages);
        if (batch) connection.unregisterIQRequestHandler(this);
        if (replaced != null) connection.registerIQRequestHandler(replaced);
        if (!(connection instanceof XMPPTCPConnection)) return;
        ((XMPPTCPConnection) connection).removeStanzaAcknowledgedListener(acknowledged);
        ((XMPPTCPConnection) connection).removeStanzaDroppedListener(dropped);
    }

    @Override
    public void authenticated(XMPPConnection authenticated, boolean resumed) {
        String own = Jids.bare(authenticated.getUser().toString());
        core.loop.execute(() -> core.online(own, resumed));
    }

    @Override
    public void connectionClosed() {
        core.loop.execute(core::offline);
    }

    @Override
    public void connectionClosedOnError(Exception error) {
        core.loop.execute(core::offline);
    }

    @Override
    public IQ handleIQRequest(IQ request) {
        String from = request.getFrom() == null ? "" : Jids.bare(request.getFrom().toString());
        if (!(request instanceof StatusIq) || !from.equals(core.peers.component))
            return IQ.createErrorResponse(request, StanzaError.Condition.service_unavailable);
        core.loop.execute(() -> core.sender.update(((StatusIq) request).messages));
        return IQ.createResultIQ(request);
    }

    private void message(Stanza stanza) {
        if (stanza.getFrom() != null) core.loop.execute(() -> core.message((Message) stanza));
    }

    private void acknowledged(Stanza stanza) {
        core.loop.execute(() -> {
            core.receiver.acknowledged(stanza.getStanzaId());
            if (stanza.getElementName().equals(Message.ELEMENT)) core.sender.serverAck(stanza.getStanzaId());
        });
    }

    /** What the server has not acknowledged in a session that could not be resumed. */
    private void dropped(Stanza stanza) throws NotConnectedException, InterruptedException {
        boolean ours = core.loop.call(() -> {
            boolean receipts = core.receiver.wrote(stanza.getStanzaId());
            if (receipts) core.receiver.lost(stanza.getStanzaId());
            // Messages of the queue are due in the new session.
            return receipts || core.queue.get(String.valueOf(stanza.getStanzaId())) != null;
        });
        // Smack sends it again only if nobody listens.
        if (!ours) connection.sendStanza(stanza);
    }
}
