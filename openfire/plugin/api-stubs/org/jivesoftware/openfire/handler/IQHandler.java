package org.jivesoftware.openfire.handler;

import org.jivesoftware.openfire.IQHandlerInfo;
import org.jivesoftware.openfire.auth.UnauthorizedException;
import org.xmpp.packet.IQ;

/** Stands for org.jivesoftware.openfire.handler.IQHandler: only what the plugin uses. */
public abstract class IQHandler {
    public IQHandler(String name) {
        throw new UnsupportedOperationException();
    }

    public abstract IQ handleIQ(IQ packet) throws UnauthorizedException;

    public abstract IQHandlerInfo getInfo();
}
