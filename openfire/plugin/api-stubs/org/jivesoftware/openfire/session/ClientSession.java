package org.jivesoftware.openfire.session;

import org.jivesoftware.openfire.privacy.PrivacyList;
import org.xmpp.packet.Presence;

/** Stands for org.jivesoftware.openfire.session.ClientSession: only what the plugin uses. */
public interface ClientSession extends Session {
    Presence getPresence();

    boolean isAnonymousUser();

    PrivacyList getActiveList();

    PrivacyList getDefaultList();
}
