package org.jivesoftware.openfire.nio;

import io.netty.channel.ChannelPipeline;
import io.netty.util.concurrent.EventExecutorGroup;

/** Stands for org.jivesoftware.openfire.nio.NettyChannelHandlerFactory: only what the plugin uses. */
public interface NettyChannelHandlerFactory {
    void addNewHandlerTo(ChannelPipeline pipeline);

    void addNewHandlerTo(ChannelPipeline pipeline, EventExecutorGroup executor);

    void removeHandlerFrom(ChannelPipeline pipeline);
}
