package receipts.smack;

import java.util.Locale;

/** Addresses as text. */
final class Jids {
    private Jids() {}

    /** The bare JID of a JID (RFC 7622 section 3.1), in lower case, as servers write it. */
    static String bare(String jid) {
        int slash = jid.indexOf('/');
        return (slash < 0 ? jid : jid.substring(0, slash)).toLowerCase(Locale.ROOT);
    }

    static String domain(String jid) {
        String bare = bare(jid);
        return bare.substring(bare.indexOf('@') + 1);
    }
}
