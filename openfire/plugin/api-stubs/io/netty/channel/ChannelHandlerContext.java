package io.netty.channel;

/** Stands for io.netty.channel.ChannelHandlerContext: only what the plugin uses. */
public interface ChannelHandlerContext {
    String name();

    ChannelFuture close();
}
