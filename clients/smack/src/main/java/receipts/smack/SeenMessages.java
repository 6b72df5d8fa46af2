package receipts.smack;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.nio.charset.StandardCharsets;

/** What I received: the newest messages that the application has taken, by their keys, and the receipts that are owed. */
final class SeenMessages {
    /** ms: two messages under one counted id are copies if they were sent no further apart than this. */
    private static final long COPY_WINDOW = 300_000;
    private static final Pattern UUID = Pattern.compile("(?i)([\\da-f]{4}-?){8}");

    private final Map<String, SeenEntry> entries = new LinkedHashMap<>();
    private final int remember;

    SeenMessages(int remember) {
        this.remember = remember;
    }

    void restore(Map<String, SeenEntry> saved) {
        List<Map.Entry<String, SeenEntry>> sorted = new ArrayList<>(saved.entrySet());
        sorted.sort((a, b) -> Long.compare(a.getValue().at, b.getValue().at));
        for (Map.Entry<String, SeenEntry> entry : sorted) entries.put(entry.getKey(), entry.getValue());
    }

    SeenEntry get(String key) {
        return entries.get(key);
    }

    void put(String key, SeenEntry entry) {
        entries.put(key, entry);
    }

    /** The receipts that could not be written yet. */
    Map<String, DueReceipt> owed() {
        Map<String, DueReceipt> owed = new LinkedHashMap<>();
        entries.forEach((key, entry) -> {
            if (entry.owed != null) owed.put(key, entry.owed);
        });
        return owed;
    }

    /** Forgets the oldest beyond those to be remembered, and returns their keys. */
    List<String> evict() {
        return evictOldest(entries, remember);
    }

    static boolean isUuid(String id) {
        return UUID.matcher(id).find();
    }

    /**
     * The key that all copies of a message have: its sender's bare JID, its `origin-id` (XEP-0359), else its `id`, and a hash of its
     * payload, since some clients use an id again for another text. Some clients count their ids from the beginning after each
     * start: unless the id is unique (an `origin-id` or a UUID), the key has the sender's full JID, and roughly when the message was
     * sent, which a later copy says too (XEP-0203).
     *
     * @param payload in a canonical form
     * @param sentAt ms since 1970
     * @param known whether a message was taken under that key
     * @return null without an id
     */
    static String key(String from, String id, String originId, String payload, long sentAt, Predicate<String> known) {
        String name = originId == null || originId.isEmpty() ? id : originId;
        if (from == null || name == null || name.isEmpty()) return null;
        String said = " " + name + " " + hash(payload);
        if (name != id || isUuid(name)) return Jids.bare(from) + said;
        long slot = Math.round((double) sentAt / COPY_WINDOW);
        String keyAt = from + said + " ";
        for (long near : new long[] {slot - 1, slot + 1}) if (known.test(keyAt + near)) return keyAt + near;
        return keyAt + slot;
    }

    /** It need not withstand an attack: a sender who makes a collision loses a message of his own. */
    private static String hash(String text) {
        CRC32 crc = new CRC32();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        crc.update(bytes, 0, bytes.length);
        return text.length() + "." + Long.toHexString(crc.getValue());
    }

    /** Removes the first entries of a map until `left` are left, and returns their keys. */
    static List<String> evictOldest(Map<String, ?> map, int left) {
        List<String> keys = new ArrayList<>();
        Iterator<String> oldest = map.keySet().iterator();
        for (int beyond = map.size() - left; beyond > 0; beyond--) {
            keys.add(oldest.next());
            oldest.remove();
        }
        return keys;
    }
}
