package org.jivesoftware.openfire.nio;

import io.netty.util.AttributeKey;

/** Stands for org.jivesoftware.openfire.nio.NettyConnectionHandler: only what the plugin uses. */
public abstract class NettyConnectionHandler {
    public static final AttributeKey<NettyConnection> CONNECTION = null;
}
