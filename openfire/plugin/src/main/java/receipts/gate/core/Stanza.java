package receipts.gate.core;

import java.util.Collections;
import java.util.List;

/** A message as the core needs to know it; addresses are normalised JIDs. */
public final class Stanza {
    final Object packet;
    public final String from;
    public final String to;
    final String id;
    final boolean error;
    final boolean body;
    final List<Receipt> receipts;
    /** It has nothing but {@link #receipts}, and what is of the moment only. */
    final boolean proof;
    /** It asks for no receipt (XEP-0184), so that none will come. */
    final boolean silent;
    /** Differs, as a rule, where the bodies do. */
    final int words;
    /** Bare JIDs, and {@link Conversation#pair} of the two: made when they are first asked for. */
    private String sender;
    private String recipient;
    private String pair;

    public Stanza(Object packet, String from, String to, String id, boolean error, boolean body) {
        this(packet, from, to, id, error, body, Collections.<Receipt>emptyList(), false);
    }

    public Stanza(Object packet, String from, String to, String id, boolean error, boolean body, List<Receipt> receipts, boolean proof) {
        this(packet, from, to, id, error, body, receipts, proof, false, 0);
    }

    public Stanza(Object packet, String from, String to, String id, boolean error, boolean body, List<Receipt> receipts, boolean proof, boolean silent, int words) {
        this.packet = packet;
        this.from = from;
        this.to = to;
        this.id = id;
        this.error = error;
        this.body = body;
        this.receipts = receipts;
        this.proof = proof;
        this.silent = silent;
        this.words = words;
    }

    /** By what a message is known again without its number: one of the same id and body between the same users; null without an id, or where that is too long. */
    public static String likeness(String from, String to, String id, String body) {
        if (id == null || id.length() > Known.LONGEST_ID || from == null || to == null) return null;
        return bare(from) + ' ' + bare(to) + ' ' + id + ' ' + (body == null ? "" : body.length() + "," + body.hashCode());
    }

    String sender() {
        if (sender == null) sender = bare(from);
        return sender;
    }

    String recipient() {
        if (recipient == null) recipient = bare(to);
        return recipient;
    }

    String pair() {
        if (pair == null) pair = Conversation.pair(sender(), recipient());
        return pair;
    }

    /** {@link Known#name} of the message that this confirms, which went the other way. */
    String nameOf(Receipt receipt) {
        if (receipt.name == null) receipt.name = Known.name(recipient(), sender(), receipt.id);
        return receipt.name;
    }

    static String bare(String jid) {
        int slash = jid.indexOf('/');
        return slash < 0 ? jid : jid.substring(0, slash);
    }

    static boolean isUserOf(String jid, String server) {
        if (jid == null) return false;
        String bare = bare(jid);
        int at = bare.indexOf('@');
        return at > 0 && bare.substring(at + 1).equals(server);
    }
}
