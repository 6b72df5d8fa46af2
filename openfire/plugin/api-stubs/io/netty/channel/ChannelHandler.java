package io.netty.channel;

/** Stands for io.netty.channel.ChannelHandler: only what the plugin uses. */
public interface ChannelHandler {
}
