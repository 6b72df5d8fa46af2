package receipts.smack;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The application's store. Its failures are reported as problems, and do not reach the rest of the library. */
final class Persistence {
    private Store store;
    private final Loop loop;
    private final Events events;
    /** What the next write takes along: all changes of one turn of the loop share it. */
    private Map<String, String> changes = new LinkedHashMap<>();
    private List<Consumer<Exception>> waiting = new ArrayList<>();

    final List<Item> out = new ArrayList<>();
    final Map<String, SeenEntry> seen = new LinkedHashMap<>();
    String component;

    Persistence(Store store, Loop loop, Events events) {
        this.store = store;
        this.loop = loop;
        this.events = events;
    }

    /** Before anything else. When the store fails, the library starts empty, in memory. */
    void load() {
        try {
            for (Map.Entry<String, String> entry : store.load().entrySet()) {
                if (sort(entry.getKey(), entry.getValue())) continue;
                events.problem(Problem.Kind.ENTRY, new IllegalArgumentException("Invalid store entry " + entry.getKey()));
                save(entry.getKey(), null);
            }
        } catch (Exception error) {
            events.problem(Problem.Kind.STORE, error);
            store = new MemoryStore();
        }
    }

    /** @param done is given null when the store has it, or why it has not */
    void set(String key, String value, Consumer<Exception> done) {
        if (waiting.isEmpty()) loop.execute(this::write);
        // In the order of the changes.
        changes.remove(key);
        changes.put(key, value);
        waiting.add(done);
    }

    /** Where a failure breaks no promise: it is reported as a problem. Null removes the key. */
    void save(String key, String value) {
        save(key, value, () -> {});
    }

    /** @param then follows in either case */
    void save(String key, String value, Runnable then) {
        set(key, value, error -> {
            if (error != null) events.problem(Problem.Kind.STORE, error);
            then.run();
        });
    }

    void close() {
        write();
        try {
            store.close();
        } catch (Exception error) {
            events.problem(Problem.Kind.STORE, error);
        }
    }

    private void write() {
        Map<String, String> written = changes;
        List<Consumer<Exception>> told = waiting;
        if (told.isEmpty()) return;
        changes = new LinkedHashMap<>();
        waiting = new ArrayList<>();
        Exception failure = null;
        try {
            store.write(written);
        } catch (Exception error) {
            failure = error;
        }
        for (Consumer<Exception> done : told) done.accept(failure);
    }

    /** Returns false if it is invalid. */
    private boolean sort(String key, String value) {
        if (value == null) return false;
        if (key.equals(Entries.COMPONENT)) component = value;
        else if (key.startsWith(Entries.OUT)) {
            Item item = Entries.readItem(key.substring(Entries.OUT.length()), value);
            return item != null && out.add(item);
        } else if (key.startsWith(Entries.SEEN)) {
            SeenEntry entry = Entries.readSeen(value);
            if (entry == null) return false;
            seen.put(key.substring(Entries.SEEN.length()), entry);
        } else return false;
        return true;
    }
}
