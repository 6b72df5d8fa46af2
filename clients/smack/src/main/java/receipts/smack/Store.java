package receipts.smack;

import java.io.IOException;
import java.util.Map;

/**
 * Where messages and what is known of them are kept: a map from strings to strings, for one account and one process. It is
 * called on one thread.
 */
public interface Store {
    /**
     * All entries, once, before anything else. What cannot be read is under a key of its own with the value null. If it
     * throws, the library works from memory and reports a problem.
     */
    Map<String, String> load() throws IOException;

    /**
     * Makes changes, of which null removes a key. When it returns they are safe; when it throws, none of them counts.
     */
    void write(Map<String, String> changes) throws IOException;

    /** Nothing is written after it. */
    void close() throws IOException;
}
