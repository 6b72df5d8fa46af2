package receipts.gate.openfire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jivesoftware.openfire.Connection;
import org.jivesoftware.openfire.SessionManager;
import org.jivesoftware.openfire.XMPPServer;
import org.jivesoftware.openfire.auth.AuthToken;
import org.jivesoftware.openfire.nio.NettyConnection;
import org.jivesoftware.openfire.nio.NettyConnectionHandler;
import org.jivesoftware.openfire.session.ClientSession;
import org.jivesoftware.openfire.session.LocalClientSession;
import org.jivesoftware.openfire.session.LocalSession;
import org.xmpp.packet.JID;
import receipts.gate.core.Resumption;

/**
 * One connection. When its client resumes a session (XEP-0198 section 5) whose former connection still stands, as after a change of
 * networks, that one is ended first, as one that is lost. Openfire 5 ends it for an error of its stream, and takes that for the end of the
 * session, to which it has just given the new connection: others see its user leave, and nothing more reaches the client.
 */
final class TakeOver extends ChannelInboundHandlerAdapter {
    private static final String CONFLICT =
        "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";
    private static final int LOOK_AGAIN_MS = 5;
    /** After as many looks the server does what it does without us. */
    private static final int LOOKS = 400;
    /** After as many the former connection is ended beneath TLS, which waits for 3 s for what nobody reads any more. */
    private static final int LOOKS_AT_TLS = 50;

    private final BooleanSupplier isHolding;
    /** Has the gate look which sessions are detached, and goes on then. */
    private final Consumer<Runnable> look;
    /** Of all connections that have said something. */
    private final Map<Connection, Channel> channels;
    private NettyConnection connection;
    /** What came since the request to resume, while the former connection ends. */
    private Queue<Object> waiting;

    TakeOver(BooleanSupplier isHolding, Consumer<Runnable> look, Map<Connection, Channel> channels) {
        this.isHolding = isHolding;
        this.look = look;
        this.channels = channels;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object stanza) throws Exception {
        if (waiting != null) {
            waiting.add(stanza);
            return;
        }
        if (connection == null) isKnown(context);
        LocalSession session = stanza instanceof String ? live((String) stanza) : null;
        Channel former = session == null ? null : channels.get(session.getConnection());
        if (former == null) {
            context.fireChannelRead(stanza);
            return;
        }
        waiting = new ArrayDeque<>();
        waiting.add(stanza);
        former.writeAndFlush(CONFLICT);
        former.close();
        awaitEnd(context, session, former, LOOKS);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        if (connection != null) channels.remove(connection);
        super.channelInactive(context);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        if (connection != null) channels.remove(connection);
        goOn(context);
    }

    private void isKnown(ChannelHandlerContext context) {
        connection = context.channel().attr(NettyConnectionHandler.CONNECTION).get();
        if (connection != null) channels.put(connection, context.channel());
    }

    /** The session that this is to resume, if it can be, is its own user's, and has a connection. */
    private LocalSession live(String stanza) {
        Resumption wanted = Resumption.of(stanza);
        if (wanted == null || connection == null || !isHolding.getAsBoolean()) return null;
        try {
            LocalSession own = connection.getSession();
            AuthToken user = own instanceof LocalClientSession ? ((LocalClientSession) own).getAuthToken() : null;
            if (user == null || user.getUsername() == null) return null;
            String domain = XMPPServer.getInstance().getServerInfo().getXMPPDomain();
            ClientSession other = SessionManager.getInstance().getSession(new JID(user.getUsername() + '@' + domain + '/' + wanted.resource));
            if (!(other instanceof LocalSession) || !other.getStreamID().getID().equals(wanted.stream)) return null;
            LocalSession session = (LocalSession) other;
            return session.isDetached() || !session.getStreamManager().getResume() ? null : session;
        } catch (LinkageError | RuntimeException different) {
            // This Openfire is another one, and does what it does without us.
            return null;
        }
    }

    private void awaitEnd(ChannelHandlerContext context, LocalSession session, Channel former, int looks) {
        if (session.isDetached()) {
            look.accept(() -> context.executor().execute(() -> goOn(context)));
            return;
        }
        if (looks == 0) {
            goOn(context);
            return;
        }
        if (looks == LOOKS - LOOKS_AT_TLS) endBeneath(former);
        context.executor().schedule(() -> awaitEnd(context, session, former, looks - 1), LOOK_AGAIN_MS, TimeUnit.MILLISECONDS);
    }

    /** Past all handlers: that of TLS is the first. */
    private static void endBeneath(Channel channel) {
        ChannelHandlerContext first = channel.pipeline().firstContext();
        if (first != null) first.close();
    }

    private void goOn(ChannelHandlerContext context) {
        if (waiting == null) return;
        Queue<Object> stanzas = waiting;
        waiting = null;
        stanzas.forEach(context::fireChannelRead);
    }
}
