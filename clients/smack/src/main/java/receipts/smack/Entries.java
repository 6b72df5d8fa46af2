package receipts.smack;

import java.util.Arrays;
import java.util.List;
import java.util.ArrayList;

/** What the store has, as text: fields with a character between them that no XML has. */
final class Entries {
    /** Keys of the store. */
    static final String OUT = "out/";
    static final String SEEN = "in/";
    static final String COMPONENT = "component";

    private static final char SEPARATOR = '\u001f';

    private Entries() {}

    static String write(Item item) {
        Failure failure = item.failure;
        return join(item.to, item.stanza, item.seq, item.state, item.attempts, item.queuedAt, item.sentAt, item.storedAt,
            item.storedBy, item.unwitnessed, item.endedAt, item.account, failure == null ? null : failure.reason,
            failure == null ? null : failure.condition, failure == null ? null : failure.text);
    }

    /** Returns null if it makes no sense. */
    static Item readItem(String id, String value) {
        try {
            String[] fields = split(value, 15);
            Item item = new Item(id, fields[0], Long.parseLong(fields[5]));
            item.stanza = orNull(fields[1]);
            item.seq = Long.parseLong(fields[2]);
            item.state = State.valueOf(fields[3]);
            item.attempts = Integer.parseInt(fields[4]);
            item.sentAt = Long.parseLong(fields[6]);
            item.storedAt = Long.parseLong(fields[7]);
            item.storedBy = fields[8].isEmpty() ? null : StoredBy.valueOf(fields[8]);
            item.unwitnessed = Boolean.parseBoolean(fields[9]);
            item.endedAt = Long.parseLong(fields[10]);
            item.account = orNull(fields[11]);
            if (!fields[12].isEmpty())
                item.failure = new Failure(Failure.Reason.valueOf(fields[12]), orNull(fields[13]), orNull(fields[14]));
            boolean ended = item.state == State.DELIVERED || item.state == State.FAILED;
            return item.ended() == ended && (ended || item.stanza != null) ? item : null;
        } catch (IllegalArgumentException invalid) {
            return null;
        }
    }

    static String write(SeenEntry entry) {
        DueReceipt owed = entry.owed;
        if (owed == null) return join(entry.at, entry.confirmed);
        return join(entry.at, entry.confirmed, owed.to, owed.id, owed.type);
    }

    /** Returns null if it makes no sense. */
    static SeenEntry readSeen(String value) {
        try {
            String[] fields = split(value, value.indexOf(SEPARATOR) == value.lastIndexOf(SEPARATOR) ? 2 : 5);
            DueReceipt owed = fields.length == 2 ? null : new DueReceipt(fields[2], fields[3], orNull(fields[4]));
            return new SeenEntry(Long.parseLong(fields[0]), Boolean.parseBoolean(fields[1]), owed);
        } catch (IllegalArgumentException invalid) {
            return null;
        }
    }

    private static String join(Object... fields) {
        List<String> texts = new ArrayList<>();
        for (Object field : Arrays.asList(fields)) texts.add(field == null ? "" : field.toString());
        return String.join(String.valueOf(SEPARATOR), texts);
    }

    private static String[] split(String value, int count) {
        String[] fields = value.split(String.valueOf(SEPARATOR), -1);
        if (fields.length != count) throw new IllegalArgumentException();
        return fields;
    }

    private static String orNull(String text) {
        return text.isEmpty() ? null : text;
    }
}
