package org.jivesoftware.openfire.nio;

import io.netty.channel.ChannelInboundHandlerAdapter;

/** Stands for org.jivesoftware.openfire.nio.NettyXMPPDecoder: only what the plugin uses. */
public class NettyXMPPDecoder extends ChannelInboundHandlerAdapter {
}
