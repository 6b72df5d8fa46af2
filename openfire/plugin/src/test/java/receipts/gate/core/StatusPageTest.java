package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the console shows. */
class StatusPageTest {
    private final Settings settings = new Settings("example.org", "<receipts>&.example.org", false, 3000, 10_000, 64L << 20, 1000);

    private String page(Rig rig) {
        return StatusPage.html(rig.gate.counts(), settings, "1.2.3");
    }

    @Test @DisplayName("the console's page has state, counts and why holding ended, and nothing of a message")
    void shows() {
        Rig rig = new Rig(settings);
        assertTrue(page(rig).contains("is not here: messages pass"));
        assertTrue(page(rig).contains("<td>never</td>"));
        assertTrue(page(rig).contains("10,000 (67,108,864 bytes)"));
        rig.enable("c");
        rig.write("alice", "bob", "a secret");
        String page = page(rig);
        assertTrue(page.contains("Messages are held for &lt;receipts&gt;&amp;.example.org."));
        assertTrue(page.contains("<td width=\"40%\">Shown to the component</td><td>1</td>"));
        assertFalse(page.contains("secret") || page.contains("alice"));
        rig.wait(3100);
        assertTrue(page(rig).contains("answered nothing in time, 0 s ago"));
        rig.now += 61_000;
        assertTrue(page(rig).contains("in time, 61 s ago"));
    }

    @Test @DisplayName("the console's page says so when the gate does not run")
    void gone() {
        assertTrue(StatusPage.html(null, settings, "1").contains("does not run"));
    }
}
