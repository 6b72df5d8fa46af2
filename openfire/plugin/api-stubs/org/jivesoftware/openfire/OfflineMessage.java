package org.jivesoftware.openfire;

import java.util.Date;
import org.dom4j.Element;
import org.xmpp.packet.Message;

/** Stands for org.jivesoftware.openfire.OfflineMessage: only what the plugin uses. */
public class OfflineMessage extends Message {
    public OfflineMessage(Date created, Element element) {
        super(element, true);
    }
}
