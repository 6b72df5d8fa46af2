package receipts.gate.core;

import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What was seen of one copy while the server handled it. Used by one thread. */
public final class Outcome {
    private Map<String, String> sent = Collections.emptyMap();
    /** Sessions (streams) that were written anything else meanwhile, such as a carbon of it. */
    private Set<String> others = Collections.emptySet();
    private boolean offline;
    private boolean refused;
    private boolean waits;
    private boolean later;
    private String bounced;
    private String failure;
    /** The server has sent it from its storage, and no copy was written. */
    Flush note;

    /** Written to the session of that stream. */
    public Outcome sent(String stream, String jid) {
        if (sent.isEmpty()) sent = Collections.singletonMap(stream, jid);
        else {
            if (sent.size() == 1) sent = new LinkedHashMap<>(sent);
            sent.put(stream, jid);
        }
        return this;
    }

    /** Something else was written to the session of that stream, which may have the message in it. */
    public void other(String stream) {
        if (others.isEmpty()) others = new HashSet<>(2);
        others.add(stream);
    }

    /** Whether nothing was written to the session of that stream. */
    boolean hasMissed(String stream) {
        return !sent.containsKey(stream) && !others.contains(stream);
    }

    public Outcome offline() {
        offline = true;
        return this;
    }

    /** No copy was written: the server had sent it from its storage. */
    public Outcome noted(Flush before) {
        note = before;
        return sent(before.given.stream, before.given.jid);
    }

    /** The sender was returned an error of that condition. */
    public Outcome bounced(String condition) {
        bounced = condition == null ? "undefined-condition" : condition;
        return this;
    }

    public Outcome refused() {
        refused = true;
        return this;
    }

    /** Not delivered: the session has the message and has not acknowledged it. */
    public Outcome waits() {
        waits = true;
        return this;
    }

    /** The server cannot route it at the moment: it is to be carried out again. */
    public Outcome later() {
        later = true;
        return this;
    }

    boolean isLater() {
        return later;
    }

    /** Not carried out at all, for a reason that the answer to the command names. */
    public Outcome failed(String reason) {
        failure = reason;
        return this;
    }

    public boolean isEmpty() {
        return sent.isEmpty() && !offline && !refused && !waits && bounced == null;
    }

    String failure() {
        return failure;
    }

    String event(String n, int copy) {
        return event(n, copy, Collections.<Live>emptyList());
    }

    /** @param missed sessions that have not been given it */
    String event(String n, int copy, Collection<Live> missed) {
        if (sent.size() > 0 && !offline && bounced == null && !refused && !waits) return Events.outcome(n, copy, "sent", null, sent, missed);
        StringBuilder states = new StringBuilder();
        if (!sent.isEmpty()) states.append(" sent");
        if (offline) states.append(" offline");
        if (bounced != null) states.append(" bounced");
        if (refused) states.append(" refused");
        if (waits) states.append(" waits");
        String state = states.length() == 0 ? "unknown" : states.substring(1);
        return Events.outcome(n, copy, state, bounced, sent, missed);
    }
}
