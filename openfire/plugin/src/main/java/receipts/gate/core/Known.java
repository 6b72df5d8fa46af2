package receipts.gate.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What is known of one stored message: its copies carry this object in memory, so that nothing marks them on the wire. */
public final class Known {
    /** UTF-16 units. What has a longer id no receipt finds: a client that makes such ones would fill the memory with them. */
    public static final int LONGEST_ID = 4096;

    public final String n;
    final String pair;
    /** By what a receipt finds it; or null. */
    String name;
    /** Remembered before this one under the same name: one message that was written twice has two numbers. */
    Known sameName;
    /** {@link Stanza#silent} */
    boolean silent;
    /** The sessions (streams) whose receipts were routed, or whose markers. */
    private Set<String> receipted = Collections.emptySet();
    private Set<String> marked = Collections.emptySet();
    /** {@link Stanza#words} */
    int words;
    /** It was let go without a verdict, so that nobody saw which sessions were given it. */
    boolean passed;
    /** Those (streams) that may have been; none where nobody was there, and it may come to any from the server's storage. */
    private Set<String> takers = Collections.emptySet();
    /** The sessions (streams) that it was written to. */
    private Set<String> given = Collections.emptySet();
    /** The address that the server is routing it to, so that who is given it is not known yet; else null. */
    String routedTo;
    /** A receipt finds it. */
    boolean isNamed;
    /** The last outcome of the original and of each other copy, and what came after: elements that can be written again. */
    private String original;
    private Map<Integer, String> copies = Collections.emptyMap();
    private List<String> later = Collections.emptyList();
    /** Not known by its original, which was forgotten or is of another epoch: the component may have told a receipt already. */
    boolean byCopy;
    /** The component has sent another copy, and some client has proved it since. */
    boolean copied;
    boolean hasCopy;
    /** It has no number, and is only noted. */
    Flush note;
    /** The component wants to hear no more of it. */
    boolean forgotten;
    /** Who was told last. */
    Lease told;
    /** What is known of it waits until that one has read what comes before. */
    boolean isToBeTold;

    Known(String n, String pair) {
        this.n = n;
        this.pair = pair;
    }

    /**
     * @param sender and the recipient: bare JIDs, which hold no space
     * @return null without an id, or where that is too long
     */
    static String name(String sender, String recipient, String id) {
        return id == null || id.length() > LONGEST_ID ? null : sender + ' ' + recipient + ' ' + id;
    }

    public boolean isNoted() {
        return note != null;
    }

    void give(String stream) {
        given = with(given, stream);
    }

    /** Nearly all have one at most. */
    private static Set<String> with(Set<String> streams, String stream) {
        if (streams.isEmpty()) return Collections.singleton(stream);
        if (streams.contains(stream)) return streams;
        Set<String> more = streams.size() == 1 ? new HashSet<>(streams) : streams;
        more.add(stream);
        return more;
    }

    void pass(List<Live> mayHaveIt) {
        passed = true;
        for (Live live : mayHaveIt) takers = with(takers, live.stream);
    }

    /** Whether it was written to that session, or may have been. */
    boolean mayHave(String stream) {
        return given.contains(stream) || passed && (takers.isEmpty() || takers.contains(stream));
    }

    /** Whether its recipient has said so, by a receipt or by a marker. */
    boolean isConfirmed() {
        return !receipted.isEmpty() || !marked.isEmpty();
    }

    boolean isConfirmedBy(Receipt receipt) {
        return !by(receipt).isEmpty();
    }

    /** Whether that session has said so in this way. Another device of the same user confirms each of several by itself. */
    boolean isConfirmedBy(Receipt receipt, String stream) {
        return by(receipt).contains(stream);
    }

    private Set<String> by(Receipt receipt) {
        return receipt.marker ? marked : receipted;
    }

    void confirm(Receipt receipt, String stream) {
        if (receipt.marker) marked = with(marked, stream);
        else receipted = with(receipted, stream);
    }

    void outcome(int copy, String event) {
        if (copy == 1) {
            original = event;
            return;
        }
        if (copies.isEmpty()) copies = new TreeMap<>();
        copies.put(copy, event);
    }

    void later(String event) {
        if (later.contains(event)) return;
        if (later.isEmpty()) later = new ArrayList<>(2);
        later.add(event);
    }

    List<String> events() {
        List<String> all = new ArrayList<>();
        if (original != null) all.add(original);
        all.addAll(copies.values());
        all.addAll(later);
        return all;
    }
}
