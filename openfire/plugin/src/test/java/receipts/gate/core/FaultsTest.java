package receipts.gate.core;

import static java.util.Arrays.asList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the gate does where code of others fails. */
class FaultsTest {
    private static final List<Throwable> ALL = asList(new IllegalStateException("A secret"), new NoSuchMethodError("A secret"), new AssertionError("A secret"),
        new StackOverflowError("A secret"), new OutOfMemoryError("A secret"));

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void fail(Throwable failure) throws T {
        throw (T) failure;
    }

    @Test @DisplayName("whatever is thrown, the caller goes on, and the log says where it was and not what it says")
    void contained() {
        List<String> logged = new ArrayList<>();
        for (Throwable failure : ALL) Faults.contain("It has failed", logged::add, () -> FaultsTest.<RuntimeException>fail(failure));
        assertEquals(ALL.size(), logged.size());
        for (int i = 0; i < ALL.size(); i++) {
            String expected = "It has failed: " + ALL.get(i).getClass().getName() + " at receipts.gate.core.FaultsTest.";
            assertTrue(logged.get(i).startsWith(expected), logged.get(i));
            assertEquals(-1, logged.get(i).indexOf("secret"));
        }
    }
}
