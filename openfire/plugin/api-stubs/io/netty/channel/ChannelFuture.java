package io.netty.channel;

/** Stands for io.netty.channel.ChannelFuture: only what the plugin uses. */
public interface ChannelFuture {
}
