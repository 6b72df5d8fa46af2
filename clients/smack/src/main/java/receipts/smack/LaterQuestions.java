package receipts.smack;

import java.util.Set;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * What becomes of a message is told to the session that wrote it. The server keeps that for who may resume it (XEP-0198), for minutes,
 * or stores it for a later login. So a new session asks some more times about messages of earlier ones: receipts for them were on their
 * way when it began. Used on the loop.
 */
final class LaterQuestions {
    /** ms between them. */
    private static final long[] AFTER = {10_000, 60_000, 240_000};

    private final Loop loop;
    private final Consumer<Set<String>> ask;
    private Future<?> timer;

    LaterQuestions(Loop loop, Consumer<Set<String>> ask) {
        this.loop = loop;
        this.ask = ask;
    }

    /** A session has begun. */
    void begin(Set<String> ids) {
        end();
        if (!ids.isEmpty()) schedule(ids, 0);
    }

    void end() {
        if (timer != null) timer.cancel(false);
    }

    private void schedule(Set<String> ids, int index) {
        if (index == AFTER.length) return;
        timer = loop.after(AFTER[index], () -> {
            schedule(ids, index + 1);
            ask.accept(ids);
        });
    }
}
