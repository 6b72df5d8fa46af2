package receipts.smack;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;

/** Namespaces and elements of openfire-receipts (its docs/protocol.md), and limits of them. */
final class Names {
    static final String OWN = "urn:openfire-receipts:0";
    /** The component's feature (XEP-0030): takes messages with many receipts, and tells of many messages at once. */
    static final String BATCH_FEATURE = OWN + "#batch";
    /** Its feature while a gate in the server shows it what users write to each other's own addresses. */
    static final String TRANSPARENT_FEATURE = OWN + "#transparent";
    static final String STORED = "stored";
    static final String UNCONFIRMED = "unconfirmed";
    static final String EXPIRED = "expired";
    static final String STATUS = "status";
    /** In a message: its session takes batches. */
    static final String TAKES_BATCHES = "<batch xmlns='" + OWN + "'/>";
    static final int MAX_STATUS_MESSAGES = 100;
    static final int MAX_RECEIPTS = 100;

    static final String RECEIPTS = "urn:xmpp:receipts";
    static final String SID = "urn:xmpp:sid:0";

    /** What may differ between copies of one message: a client, a server or the component may add or leave it out. */
    static final Set<String> NOT_PAYLOAD = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(RECEIPTS, SID,
        "http://jabber.org/protocol/chatstates", "urn:xmpp:chat-markers:0", "urn:xmpp:hints", "urn:xmpp:delay",
        "jabber:x:delay", "urn:xmpp:carbons:2")));

    private Names() {}
}
