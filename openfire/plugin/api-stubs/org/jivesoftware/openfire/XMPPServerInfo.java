package org.jivesoftware.openfire;

import org.jivesoftware.util.Version;

/** Stands for org.jivesoftware.openfire.XMPPServerInfo: only what the plugin uses. */
public interface XMPPServerInfo {
    Version getVersion();

    String getXMPPDomain();
}
