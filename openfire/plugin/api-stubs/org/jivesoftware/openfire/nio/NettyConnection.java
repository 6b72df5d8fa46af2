package org.jivesoftware.openfire.nio;

import org.jivesoftware.openfire.Connection;
import org.jivesoftware.openfire.session.LocalSession;

/** Stands for org.jivesoftware.openfire.nio.NettyConnection: only what the plugin uses. */
public class NettyConnection implements Connection {
    public LocalSession getSession() {
        throw new UnsupportedOperationException();
    }
}
