package receipts.smack;

import java.util.LinkedHashMap;
import java.util.Map;

/** Keeps everything as long as the process lives. A second {@link Receipts} may go on with it when the first is closed. */
public final class MemoryStore implements Store {
    private final Map<String, String> entries = new LinkedHashMap<>();

    /** An empty store. */
    public MemoryStore() {}

    @Override
    public synchronized Map<String, String> load() {
        return new LinkedHashMap<>(entries);
    }

    @Override
    public synchronized void write(Map<String, String> changes) {
        apply(changes, entries);
    }

    @Override
    public void close() {}

    static void apply(Map<String, String> changes, Map<String, String> entries) {
        changes.forEach((key, value) -> {
            if (value == null) entries.remove(key);
            else entries.put(key, value);
        });
    }
}
