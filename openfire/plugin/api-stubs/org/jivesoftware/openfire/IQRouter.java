package org.jivesoftware.openfire;

import org.jivesoftware.openfire.handler.IQHandler;
import org.xmpp.component.IQResultListener;

/** Stands for org.jivesoftware.openfire.IQRouter: only what the plugin uses. */
public class IQRouter {
    public void addHandler(IQHandler handler) {
        throw new UnsupportedOperationException();
    }

    public void removeHandler(IQHandler handler) {
        throw new UnsupportedOperationException();
    }

    public void addIQResultListener(String id, IQResultListener listener) {
        throw new UnsupportedOperationException();
    }
}
