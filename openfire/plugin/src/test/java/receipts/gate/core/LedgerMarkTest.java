package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The mark of the component's ledger, which is kept from one process to the next. */
class LedgerMarkTest {
    private final Rig rig = new Rig();

    private String enabled(Object connection) {
        rig.enable(connection);
        return Rig.of(rig.answers, connection).get(0);
    }

    private void renew(Object connection, String mark) {
        rig.say(connection, new Command("renew").with("ledger", mark));
    }

    @Test @DisplayName("a process that starts together with the copy knows it by the gate: each is told the mark that was said last")
    void told() {
        assertFalse(enabled("c").contains("ledger="));
        renew("c", "L 5");
        renew("c", "L 7");
        // Of a version that says none.
        rig.say("c", new Command("renew"));
        rig.gate.closed("c");
        rig.now += 5000;
        assertTrue(enabled("d").contains(" ledger=\"L 7\" ledger-age=\"5000\""));
        // Nothing new: Redis may be gone since.
        renew("d", "L 7");
        assertTrue(enabled("d2").contains(" ledger=\"L 7\" ledger-age=\"5000\""));
        renew("d", "L 1");
        assertTrue(enabled("e").contains(" ledger=\"L 1\""));
    }

    @Test @DisplayName("its length is bounded")
    void bounded() {
        enabled("c");
        renew("c", new String(new char[201]).replace('\0', 'L'));
        assertFalse(enabled("d").contains("ledger="));
    }
}
