package receipts.gate.openfire;

import java.lang.reflect.Field;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedList;
import org.jivesoftware.openfire.session.LocalSession;
import org.jivesoftware.openfire.session.Session;
import org.jivesoftware.openfire.streammanagement.StreamManager;
import org.jivesoftware.openfire.streammanagement.StreamManager.UnackedPacket;
import receipts.gate.core.Presence;

/** Puts an {@link AckQueue} into each session. The server has no hook for acknowledgements; where its field is not as it was, this proof is off. */
final class StreamWatch {
    private static final String REQUEST = "<r xmlns='urn:xmpp:sm:3'/>";

    private final Presence presence;
    private final Field queue;
    /** The plugin leaves: what is put into a session now nobody would take out. */
    private volatile boolean ended;

    StreamWatch(Presence presence) {
        this.presence = presence;
        queue = find();
    }

    private static Field find() {
        try {
            Field field = StreamManager.class.getDeclaredField("unacknowledgedServerStanzas");
            if (field.getType() != Deque.class || java.lang.reflect.Modifier.isFinal(field.getModifiers())) return null;
            field.setAccessible(true);
            return field;
        } catch (ReflectiveOperationException | RuntimeException other) {
            return null;
        }
    }

    boolean works() {
        return queue != null;
    }

    void watch(LocalSession session) {
        replace(session, true);
        // After that: a session that begins while others are restored is either among those or sees this.
        if (ended) replace(session, false);
    }

    /** From now on no queue of ours stays in a session that is not there yet. */
    void end() {
        ended = true;
    }

    /** @return whether messages of ours are in the queue, which the server routes anew when the session ends */
    boolean restore(LocalSession session) {
        Collection<UnackedPacket> open = replace(session, false);
        for (UnackedPacket one : open) if (one.packet instanceof TaggedMessage) return true;
        return false;
    }

    /** Asks a client what it has, by its count (XEP-0198). */
    static void request(Session session) {
        session.deliverRawText(REQUEST);
    }

    /** @return what was in the queue that was taken out; else nothing */
    @SuppressWarnings("unchecked")
    private Collection<UnackedPacket> replace(LocalSession session, boolean ours) {
        StreamManager manager = session.getStreamManager();
        if (queue == null || manager == null) return Collections.emptyList();
        try {
            synchronized (manager) {
                Object now = queue.get(manager);
                // What another plugin, or an older version of this one, has put there stays as it is.
                if (ours && now.getClass() == LinkedList.class)
                    queue.set(manager, new AckQueue((Collection<UnackedPacket>) now, session.getStreamID().getID(), presence));
                else if (!ours && now instanceof AckQueue) {
                    Collection<UnackedPacket> open = (Collection<UnackedPacket>) now;
                    queue.set(manager, new LinkedList<>(open));
                    return open;
                }
                return Collections.emptyList();
            }
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
