package receipts.gate.core;

import static java.util.Arrays.asList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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

    @Test @DisplayName("a failure is named with what it came of and with who called, and without any text")
    void causes() {
        Exception within = new IllegalStateException("a secret");
        String name = Faults.name(new RuntimeException("another secret", within));
        assertTrue(name.startsWith("java.lang.RuntimeException at receipts.gate.core.FaultsTest.causes("), name);
        assertTrue(name.contains("; caused by java.lang.IllegalStateException at receipts.gate.core.FaultsTest.causes("), name);
        assertFalse(name.contains("secret"), name);
    }

    @Test @DisplayName("what failed within Java's own classes is named with who called them")
    void callers() {
        try {
            Integer.parseInt("a secret");
        } catch (NumberFormatException failure) {
            String name = Faults.name(failure);
            assertTrue(name.contains(", receipts.gate.core.FaultsTest.callers("), name);
            assertFalse(name.contains("secret"), name);
        }
    }

    @Test @DisplayName("a failure that is its own cause is named all the same")
    void round() {
        Exception one = new IllegalStateException();
        one.initCause(new IllegalArgumentException(one));
        assertEquals(5, Faults.name(one).split("; caused by ").length);
    }
}
