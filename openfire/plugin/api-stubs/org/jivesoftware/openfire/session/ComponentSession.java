package org.jivesoftware.openfire.session;

import org.xmpp.component.Component;

/** Stands for org.jivesoftware.openfire.session.ComponentSession: only what the plugin uses. */
public interface ComponentSession extends Session {
    ExternalComponent getExternalComponent();

    interface ExternalComponent extends Component {
    }
}
