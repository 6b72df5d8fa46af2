package receipts.gate.openfire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.util.concurrent.EventExecutorGroup;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jivesoftware.openfire.Connection;
import org.jivesoftware.openfire.XMPPServer;
import org.jivesoftware.openfire.nio.NettyChannelHandlerFactory;
import org.jivesoftware.openfire.nio.NettyXMPPDecoder;
import org.jivesoftware.openfire.spi.ConnectionAcceptor;
import org.jivesoftware.openfire.spi.ConnectionListener;
import org.jivesoftware.openfire.spi.ConnectionManagerImpl;
import org.jivesoftware.openfire.spi.ConnectionType;
import org.jivesoftware.openfire.spi.NettyConnectionAcceptor;
import receipts.gate.core.Losses;

/**
 * Keeps a session whose connection is reset, or found dead, resumable (XEP-0198 section 5), as one is whose connection is closed. Openfire
 * 5's decoder takes a reset for an error in what the client has sent, for which a stream is ended for good. What the client had is
 * known when it resumes; else it would be in doubt, and come once more. The same for one whose client resumes it while its old
 * connection stands: {@link TakeOver}. Only where connections are Netty's (Openfire 4.8 and newer).
 */
final class ResetWatch implements NettyChannelHandlerFactory, ConnectionListener.SocketAcceptorEventListener {
    private static final String NAME = "receipts-gate-reset";
    private static final String TAKE_OVER = "receipts-gate-take-over";

    private final BooleanSupplier isHolding;
    private final Consumer<Runnable> look;
    private final Map<Connection, Channel> channels = new ConcurrentHashMap<>();

    private ResetWatch(BooleanSupplier isHolding, Consumer<Runnable> look) {
        this.isHolding = isHolding;
        this.look = look;
    }

    /**
     * @param isHolding without a component all is as without the plugin
     * @param look has the gate look which sessions are detached, and goes on then
     * @return what ends it; throws where this Openfire's connections are not as these
     */
    static Runnable begin(BooleanSupplier isHolding, Consumer<Runnable> look) {
        ResetWatch watch = new ResetWatch(isHolding, look);
        Set<ConnectionListener> listeners = ((ConnectionManagerImpl) XMPPServer.getInstance().getConnectionManager()).getListeners(ConnectionType.SOCKET_C2S);
        for (ConnectionListener listener : listeners) {
            listener.add(watch);
            watch.acceptorStarting(listener.getConnectionAcceptor());
        }
        return () -> {
            for (ConnectionListener listener : listeners) {
                listener.remove(watch);
                watch.acceptorStopping(listener.getConnectionAcceptor());
            }
        };
    }

    @Override
    public void acceptorStarting(ConnectionAcceptor acceptor) {
        if (acceptor instanceof NettyConnectionAcceptor) ((NettyConnectionAcceptor) acceptor).addChannelHandler(this);
    }

    @Override
    public void acceptorStopping(ConnectionAcceptor acceptor) {
        if (acceptor instanceof NettyConnectionAcceptor) ((NettyConnectionAcceptor) acceptor).removeChannelHandler(this);
    }

    @Override
    public void addNewHandlerTo(ChannelPipeline pipeline) {
        ChannelHandlerContext decoder = pipeline.context(NettyXMPPDecoder.class);
        if (decoder == null || pipeline.get(NAME) != null) return;
        unlessItEnds(() -> {
            pipeline.addBefore(decoder.name(), NAME, new Handler(isHolding));
            pipeline.addAfter(decoder.name(), TAKE_OVER, new TakeOver(isHolding, look, channels));
        });
    }

    /** Openfire 5.1 has this one as well, and is to drop the other. */
    @Override
    public void addNewHandlerTo(ChannelPipeline pipeline, EventExecutorGroup executor) {
        addNewHandlerTo(pipeline);
    }

    @Override
    public void removeHandlerFrom(ChannelPipeline pipeline) {
        for (String name : new String[] {NAME, TAKE_OVER}) {
            if (pipeline.get(name) != null) unlessItEnds(() -> pipeline.remove(name));
        }
    }

    /** A connection that ends meanwhile takes its handlers away; and one that has just come is met twice. */
    private static void unlessItEnds(Runnable change) {
        try {
            change.run();
        } catch (NoSuchElementException | IllegalArgumentException changed) {
            // What is wanted is so, or of no use any more.
        }
    }

    /** It stands before the decoder, which hears no more of a reset. */
    private static final class Handler extends ChannelInboundHandlerAdapter {
        private final BooleanSupplier isHolding;

        Handler(BooleanSupplier isHolding) {
            this.isHolding = isHolding;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) throws Exception {
            if (Losses.isLoss(cause) && isHolding.getAsBoolean()) context.close();
            else super.exceptionCaught(context, cause);
        }
    }
}
