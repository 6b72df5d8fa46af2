package org.jivesoftware.openfire;

import org.xmpp.packet.Message;

/** Stands for org.jivesoftware.openfire.OfflineMessageListener: only what the plugin uses. */
public interface OfflineMessageListener {
    void messageBounced(Message message);

    /** In 5.x; in 4.2 it is `messageStored(Message)`. */
    void messageStored(OfflineMessage message);
}
