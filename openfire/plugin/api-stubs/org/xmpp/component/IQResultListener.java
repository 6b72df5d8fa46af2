package org.xmpp.component;

import org.xmpp.packet.IQ;

/** Stands for org.xmpp.component.IQResultListener: only what the plugin uses. */
public interface IQResultListener {
    void receivedAnswer(IQ packet);

    void answerTimeout(String id);
}
