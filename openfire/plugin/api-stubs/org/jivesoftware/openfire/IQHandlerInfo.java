package org.jivesoftware.openfire;

/** Stands for org.jivesoftware.openfire.IQHandlerInfo: only what the plugin uses. */
public class IQHandlerInfo {
    public IQHandlerInfo(String name, String namespace) {
        throw new UnsupportedOperationException();
    }
}
