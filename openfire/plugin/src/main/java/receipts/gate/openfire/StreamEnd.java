package receipts.gate.openfire;

import java.util.function.BooleanSupplier;
import org.jivesoftware.openfire.session.LocalSession;
import org.jivesoftware.openfire.session.Session;

/** Whether a client has closed its stream by itself (RFC 6120 section 4.4). Openfire 4.2 does not remember it, and over BOSH there is no stream to be closed. */
final class StreamEnd {
    private StreamEnd() {
    }

    /** @return null where the server does not say */
    static BooleanSupplier of(Session session) {
        if (!(session instanceof LocalSession) || SessionWatch.isBosh(session)) return null;
        LocalSession local = (LocalSession) session;
        try {
            local.getHasReceivedEndOfStream();
        } catch (LinkageError older) {
            return null;
        }
        return () -> local.getHasReceivedEndOfStream();
    }
}
