package org.jivesoftware.openfire.spi;

import org.jivesoftware.openfire.nio.NettyChannelHandlerFactory;

/** Stands for org.jivesoftware.openfire.spi.NettyConnectionAcceptor: only what the plugin uses. */
public class NettyConnectionAcceptor extends ConnectionAcceptor {
    public void addChannelHandler(NettyChannelHandlerFactory factory) {
        throw new UnsupportedOperationException();
    }

    public void removeChannelHandler(NettyChannelHandlerFactory factory) {
        throw new UnsupportedOperationException();
    }
}
