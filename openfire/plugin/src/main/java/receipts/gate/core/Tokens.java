package receipts.gate.core;

import java.math.BigInteger;
import java.security.SecureRandom;

/** Names that nobody can guess. */
public final class Tokens {
    private static final SecureRandom RANDOM = new SecureRandom();

    private Tokens() {
    }

    public static String next(int bits) {
        return new BigInteger(bits, RANDOM).setBit(bits).toString(36);
    }
}
