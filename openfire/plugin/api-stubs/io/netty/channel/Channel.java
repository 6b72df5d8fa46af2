package io.netty.channel;

import io.netty.util.AttributeMap;

/** Stands for io.netty.channel.Channel: only what the plugin uses. */
public interface Channel extends AttributeMap {
    ChannelPipeline pipeline();

    ChannelFuture writeAndFlush(Object message);

    ChannelFuture close();
}
