package receipts.gate.openfire;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.util.concurrent.EventExecutorGroup;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.BooleanSupplier;
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
 * known when it resumes; else it would be in doubt, and come once more. Only where connections are Netty's (Openfire 4.8 and newer).
 */
final class ResetWatch implements NettyChannelHandlerFactory, ConnectionListener.SocketAcceptorEventListener {
    private static final String NAME = "receipts-gate-reset";

    private final BooleanSupplier isHolding;

    private ResetWatch(BooleanSupplier isHolding) {
        this.isHolding = isHolding;
    }

    /**
     * @param isHolding without a component all is as without the plugin
     * @return what ends it; throws where this Openfire's connections are not as these
     */
    static Runnable begin(BooleanSupplier isHolding) {
        ResetWatch watch = new ResetWatch(isHolding);
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
        unlessItEnds(() -> pipeline.addBefore(decoder.name(), NAME, new Handler(isHolding)));
    }

    /** Openfire 5.1 has this one as well, and is to drop the other. */
    @Override
    public void addNewHandlerTo(ChannelPipeline pipeline, EventExecutorGroup executor) {
        addNewHandlerTo(pipeline);
    }

    @Override
    public void removeHandlerFrom(ChannelPipeline pipeline) {
        if (pipeline.get(NAME) != null) unlessItEnds(() -> pipeline.remove(NAME));
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
