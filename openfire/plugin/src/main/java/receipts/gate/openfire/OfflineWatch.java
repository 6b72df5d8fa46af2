package receipts.gate.openfire;

import org.jivesoftware.openfire.OfflineMessage;
import org.jivesoftware.openfire.OfflineMessageListener;
import org.xmpp.packet.Message;
import receipts.gate.core.Known;
import receipts.gate.core.Presence;

/** Sees what the server stores for later, in the thread that routes it. */
final class OfflineWatch implements OfflineMessageListener {
    private final Presence presence;

    OfflineWatch(Presence presence) {
        this.presence = presence;
    }

    @Override
    public void messageBounced(Message message) {
        // The error itself is seen.
    }

    @Override
    public void messageStored(OfflineMessage message) {
        stored(message);
    }

    /** The same in Openfire 4.2. */
    @SuppressWarnings("unused")
    public void messageStored(Message message) {
        stored(message);
    }

    private void stored(Message message) {
        Writing writing = Writing.current();
        Watch watch = Watch.current();
        Known known = writing != null ? writing.known : watch != null ? watch.known : null;
        if (writing != null) writing.stored = true;
        if (known == null || known.isNoted()) return;
        presence.stored(known, Text.fingerprint(message));
        if (watch != null && watch.known == known) watch.outcome.offline();
    }
}
