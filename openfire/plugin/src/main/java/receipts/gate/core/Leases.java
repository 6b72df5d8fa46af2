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

    boolean isEmpty() {
        return byConnection.isEmpty();
    }

    /** @return whose the conversation is by its name alone, or null when nobody holds a lease */
    Lease of(String pair) {
        if (byConnection.size() == 1) return byConnection.values().iterator().next();
        Lease best = null;
        long highest = 0;
        for (Lease lease : byConnection.values()) {
            long weight = lease.weight(pair);
            if (best != null && weight <= highest) continue;
            best = lease;
            highest = weight;
        }
        return best;
    }
}
