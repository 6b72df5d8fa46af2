package receipts.gate.core;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A client's request to go on with a session of its own (XEP-0198 section 5), as Openfire names one: by its resource and its stream. */
public final class Resumption {
    private static final Pattern PREVID = Pattern.compile("\\sprevid\\s*=\\s*[\"']([A-Za-z0-9+/=]+)[\"']");

    public final String resource;
    public final String stream;

    private Resumption(String resource, String stream) {
        this.resource = resource;
        this.stream = stream;
    }

    /** @return null for what is none, or not of Openfire's making */
    public static Resumption of(String stanza) {
        if (!stanza.startsWith("<resume")) return null;
        Matcher previd = PREVID.matcher(stanza);
        if (!previd.find()) return null;
        try {
            String[] parts = new String(Base64.getDecoder().decode(previd.group(1)), StandardCharsets.UTF_8).split("\0", -1);
            return parts.length == 2 && !parts[0].isEmpty() && !parts[1].isEmpty() ? new Resumption(parts[0], parts[1]) : null;
        } catch (IllegalArgumentException other) {
            return null;
        }
    }
}
