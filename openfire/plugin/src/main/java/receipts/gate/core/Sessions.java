package receipts.gate.core;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The users' sessions by stream: the same resource that is bound again is another session. Guarded by the gate's lock. */
final class Sessions {
    private final Map<String, Live> byStream = new HashMap<>();
    private final Map<String, Live> byJid = new HashMap<>();
    private final Map<String, List<Live>> byUser = new HashMap<>();

    Live get(String stream) {
        return byStream.get(stream);
    }

    Live at(String jid) {
        return byJid.get(jid);
    }

    Collection<Live> all() {
        return byStream.values();
    }

    List<Live> of(String bare) {
        List<Live> theirs = byUser.get(bare);
        return theirs == null ? Collections.<Live>emptyList() : theirs;
    }

    /** Those of a user that the server may give what is for that address of his: the one that it names, if that is there. */
    List<Live> takers(String bare, String address) {
        Live named = byJid.get(address);
        if (named != null) return Collections.singletonList(named);
        List<Live> takers = new ArrayList<>();
        for (Live live : of(bare)) if (live.takes(address)) takers.add(live);
        return takers;
    }

    /** Whether the server may give that session what it is routing at the moment. */
    boolean mayBeGiven(Live live, Known known) {
        return known.routedTo != null && takers(live.bare, known.routedTo).contains(live);
    }

    /** Those of a user that take messages, became available after that time (ms) and have not been given what had that outcome. */
    List<Live> missed(String bare, long after, Outcome seen) {
        List<Live> missed = Collections.emptyList();
        for (Live live : of(bare)) {
            if (live.availableAt < after || !live.takes(bare) || live.isDetached() || !seen.hasMissed(live.stream)) continue;
            if (missed.isEmpty()) missed = new ArrayList<>(1);
            missed.add(live);
        }
        return missed;
    }

    /** @return the session whose resource it takes, which has ended with that */
    Live add(Live live) {
        byStream.put(live.stream, live);
        List<Live> theirs = byUser.get(live.bare);
        if (theirs == null) byUser.put(live.bare, theirs = new ArrayList<>(1));
        theirs.add(live);
        Live before = byJid.put(live.jid, live);
        if (before == null || before == live) return null;
        byStream.remove(before.stream);
        leaves(before);
        return before;
    }

    Live remove(String stream) {
        Live live = byStream.remove(stream);
        if (live == null) return null;
        if (byJid.get(live.jid) == live) byJid.remove(live.jid);
        leaves(live);
        return live;
    }

    private void leaves(Live live) {
        List<Live> theirs = byUser.get(live.bare);
        theirs.remove(live);
        if (theirs.isEmpty()) byUser.remove(live.bare);
    }
}
