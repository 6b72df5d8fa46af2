package io.netty.channel;

/** Stands for io.netty.channel.ChannelInboundHandlerAdapter: only what the plugin uses. */
public class ChannelInboundHandlerAdapter implements ChannelHandler {
    public void handlerRemoved(ChannelHandlerContext context) throws Exception {
        throw new UnsupportedOperationException();
    }

    public void channelInactive(ChannelHandlerContext context) throws Exception {
        throw new UnsupportedOperationException();
    }

    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        throw new UnsupportedOperationException();
    }

    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) throws Exception {
        throw new UnsupportedOperationException();
    }
}
