package receipts.gate.core;

import java.io.IOException;
import javax.net.ssl.SSLException;

/** How a connection ends. */
public final class Losses {
    private Losses() {
    }

    /**
     * Whether that is all that has happened to a connection: it was reset, or its other side is out of reach (ETIMEDOUT, EHOSTUNREACH). Each
     * system has words of its own for these. What is wrong with that which has come is no I/O error, or one of TLS.
     */
    public static boolean isLoss(Throwable cause) {
        return cause instanceof IOException && !(cause instanceof SSLException);
    }
}
