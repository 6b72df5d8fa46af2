package receipts.gate.core;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The component's connections that may hold, and whose a conversation is. Guarded by the gate's lock. */
final class Leases {
    private final Map<Object, Lease> byConnection = new LinkedHashMap<>();

    Lease get(Object connection) {
        return byConnection.get(connection);
    }

    Lease byToken(String token) {
        if (token == null) return null;
        for (Lease lease : byConnection.values()) if (lease.token.equals(token)) return lease;
        return null;
    }

    void add(Lease lease) {
        byConnection.put(lease.connection, lease);
    }

    void remove(Lease lease) {
        byConnection.remove(lease.connection, lease);
    }

    List<Lease> all() {
        return new ArrayList<>(byConnection.values());
    }

    Collection<Lease> each() {
        return byConnection.values();
    }

    int holding() {
        int count = 0;
        for (Lease lease : byConnection.values()) if (lease.holds) count++;
        return count;
    }

    /** @return who is told of the conversation, by its name alone, or null when nobody has a lease */
    Lease of(String pair) {
        return best(pair, false);
    }

    /** @return for whom what is written in it is held, or null when that is nobody */
    Lease holderOf(String pair) {
        return best(pair, true);
    }

    private Lease best(String pair, boolean holds) {
        if (byConnection.size() == 1) {
            Lease only = byConnection.values().iterator().next();
            return only.holds || !holds ? only : null;
        }
        Lease best = null;
        long highest = 0;
        for (Lease lease : byConnection.values()) {
            if (holds && !lease.holds) continue;
            long weight = lease.weight(pair);
            if (best != null && weight <= highest) continue;
            best = lease;
            highest = weight;
        }
        return best;
    }
}
