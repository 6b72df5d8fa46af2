package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.SocketException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which sessions wait for their clients. With connections that are reset: tests/e2e/gate-openfire-sessions. */
class LossesTest {
    @Test @DisplayName("a connection is lost that is reset or found dead, in the words of each system")
    void losses() {
        String[] words = {
            "Connection reset by peer", "Connection timed out", "Operation timed out", "No route to host", "Software caused connection abort",
            "An existing connection was forcibly closed by the remote host", null,
        };
        for (String text : words) assertTrue(Losses.isLoss(new IOException(text)), text);
        assertTrue(Losses.isLoss(new SocketException("Connection reset")));
    }

    @Test @DisplayName("what is wrong with what came by it is no loss")
    void faults() {
        Throwable[] causes = {new SSLException("not an SSL/TLS record"), new SSLHandshakeException("refused"), new IllegalStateException("Connection reset"), new OutOfMemoryError()};
        for (Throwable cause : causes) assertFalse(Losses.isLoss(cause), cause.toString());
    }
}
