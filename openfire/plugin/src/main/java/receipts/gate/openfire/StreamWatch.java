package receipts.gate.openfire;

import java.lang.reflect.Field;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedList;
import org.jivesoftware.openfire.session.LocalSession;
import org.jivesoftware.openfire.streammanagement.StreamManager;
import org.jivesoftware.openfire.streammanagement.StreamManager.UnackedPacket;
import receipts.gate.core.Presence;

/** Puts an {@link AckQueue} into each session. The server has no hook for acknowledgements; where its field is not as it was, this proof is off. */
final class StreamWatch {
    private final Presence presence;
    private final Field queue;

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
    }

    void restore(LocalSession session) {
        replace(session, false);
    }

    @SuppressWarnings("unchecked")
    private void replace(LocalSession session, boolean ours) {
        StreamManager manager = session.getStreamManager();
        if (queue == null || manager == null) return;
        try {
            synchronized (manager) {
                Object now = queue.get(manager);
                // What another plugin, or an older version of this one, has put there stays as it is.
                if (ours && now.getClass() == LinkedList.class)
                    queue.set(manager, new AckQueue((Collection<UnackedPacket>) now, session.getStreamID().getID(), presence));
                else if (!ours && now instanceof AckQueue) queue.set(manager, new LinkedList<>((Collection<UnackedPacket>) now));
            }
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
