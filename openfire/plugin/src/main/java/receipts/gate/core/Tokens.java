package receipts.gate.core;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.concurrent.ThreadLocalRandom;

/** Names that nobody can guess. */
public final class Tokens {
    private static final SecureRandom RANDOM = new SecureRandom();

    private Tokens() {
    }

    public static String next(int bits) {
        return new BigInteger(bits, RANDOM).setBit(bits).toString(36);
    }

    /** @return an id of a stanza that is not answered: no other has it, but it can be guessed */
    public static String id() {
        return Long.toString(ThreadLocalRandom.current().nextLong(Long.MAX_VALUE), 36);
    }
}
