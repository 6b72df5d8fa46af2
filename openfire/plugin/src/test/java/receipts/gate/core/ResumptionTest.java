package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which session a client wants to go on with. With clients that do: tests/e2e/gate-openfire-sessions. */
class ResumptionTest {
    private static String previd(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test @DisplayName("a request names its session by resource and stream, whatever the order of its attributes")
    void requests() {
        String id = previd("gajim.lab é\0005pr1bobm01");
        for (String stanza : new String[] {
            "<resume xmlns=\"urn:xmpp:sm:3\" h=\"29\" previd=\"" + id + "\" />",
            "<resume previd='" + id + "' h='29' xmlns='urn:xmpp:sm:3'/>",
        }) {
            Resumption wanted = Resumption.of(stanza);
            assertEquals("gajim.lab é", wanted.resource);
            assertEquals("5pr1bobm01", wanted.stream);
        }
    }

    @Test @DisplayName("what is none, or of another server's making, is left to the server")
    void others() {
        for (String stanza : new String[] {
            "<message><body>&lt;resume previd='" + previd("a\000b") + "'/></body></message>", "<resume h='1'/>", "<resumed previd='?'/>",
            "<resume previd='a'/>", "<resume previd='" + previd("only") + "'/>", "<resume previd='" + previd("\000b") + "'/>",
            "<resume previd='" + previd("a\000b\000c") + "'/>", "<resume previd=''/>",
        }) assertNull(Resumption.of(stanza), stanza);
    }
}
