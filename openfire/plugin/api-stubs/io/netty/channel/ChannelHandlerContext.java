package io.netty.channel;

import io.netty.util.concurrent.EventExecutor;

/** Stands for io.netty.channel.ChannelHandlerContext: only what the plugin uses. */
public interface ChannelHandlerContext {
    String name();

    Channel channel();

    EventExecutor executor();

    ChannelHandlerContext fireChannelRead(Object message);

    ChannelFuture close();
}
