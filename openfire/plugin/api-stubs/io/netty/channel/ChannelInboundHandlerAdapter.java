package io.netty.channel;

/** Stands for io.netty.channel.ChannelInboundHandlerAdapter: only what the plugin uses. */
public class ChannelInboundHandlerAdapter implements ChannelHandler {
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) throws Exception {
        throw new UnsupportedOperationException();
    }
}
