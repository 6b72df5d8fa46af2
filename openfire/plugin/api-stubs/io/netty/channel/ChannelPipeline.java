package io.netty.channel;

/** Stands for io.netty.channel.ChannelPipeline: only what the plugin uses. */
public interface ChannelPipeline {
    ChannelHandler get(String name);

    ChannelHandlerContext firstContext();

    ChannelHandlerContext context(Class<? extends ChannelHandler> type);

    ChannelPipeline addBefore(String before, String name, ChannelHandler handler);

    ChannelPipeline addAfter(String before, String name, ChannelHandler handler);

    ChannelHandler remove(String name);
}
