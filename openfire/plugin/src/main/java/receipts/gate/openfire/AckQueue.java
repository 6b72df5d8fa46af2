package receipts.gate.openfire;

import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedList;
import java.util.Map;
import org.jivesoftware.openfire.streammanagement.StreamManager.UnackedPacket;
import org.xmpp.packet.Packet;
import receipts.gate.core.Acks;
import receipts.gate.core.Flush;
import receipts.gate.core.Known;
import receipts.gate.core.Presence;

/**
 * The server's queue of what a client has not acknowledged, which tells of its changes. The server uses it under its own lock:
 * nothing here waits for more than the core's.
 */
final class AckQueue extends LinkedList<UnackedPacket> {
    private static final long serialVersionUID = 1L;
    /** What the server takes out of such a queue at the moment, to send or to route it again. */
    private static final ThreadLocal<Again> AGAIN = new ThreadLocal<>();

    /** One stanza that was not acknowledged. */
    static final class Again {
        final Packet packet;
        final Known known;
        final String stream;

        Again(Packet packet, Known known, String stream) {
            this.packet = packet;
            this.known = known;
            this.stream = stream;
        }
    }

    private final transient Presence presence;
    private final transient Acks acks = new Acks();
    /** Messages that lost their number in the server's storage. */
    private final transient Map<UnackedPacket, Flush> flushed = new IdentityHashMap<>();
    private final String stream;

    AckQueue(Collection<UnackedPacket> before, String stream, Presence presence) {
        super(before);
        this.stream = stream;
        this.presence = presence;
    }

    /** @return what is known of that very object, when the server is handling a dead session's queue with it */
    static Again again(Packet packet) {
        Again again = AGAIN.get();
        return again != null && again.packet == packet ? again : null;
    }

    @Override
    public void addLast(UnackedPacket sent) {
        Writing writing = Writing.current();
        if (writing != null && writing.flush != null) flushed.put(sent, writing.flush);
        super.addLast(sent);
    }

    @Override
    public UnackedPacket removeFirst() {
        UnackedPacket acknowledged = super.removeFirst();
        Known known = known(acknowledged);
        flushed.remove(acknowledged);
        presence.acknowledged(stream, acks.covered(known));
        return acknowledged;
    }

    private Known known(UnackedPacket sent) {
        if (sent.packet instanceof TaggedMessage) return ((TaggedMessage) sent.packet).known;
        Flush flush = flushed.get(sent);
        return flush == null ? null : flush.known();
    }

    @Override
    public Iterator<UnackedPacket> iterator() {
        Iterator<UnackedPacket> all = super.iterator();
        return new Iterator<UnackedPacket>() {
            @Override
            public boolean hasNext() {
                AGAIN.remove();
                return all.hasNext();
            }

            @Override
            public UnackedPacket next() {
                UnackedPacket next = all.next();
                AGAIN.set(new Again(next.packet, known(next), stream));
                return next;
            }
        };
    }
}
