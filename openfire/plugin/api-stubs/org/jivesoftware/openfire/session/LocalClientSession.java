package org.jivesoftware.openfire.session;

import org.jivesoftware.openfire.auth.AuthToken;

/** Stands for org.jivesoftware.openfire.session.LocalClientSession: only what the plugin uses. */
public abstract class LocalClientSession extends LocalSession implements ClientSession {
    public AuthToken getAuthToken() {
        throw new UnsupportedOperationException();
    }
}
