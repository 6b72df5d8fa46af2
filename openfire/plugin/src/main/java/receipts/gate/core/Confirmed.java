package receipts.gate.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Which messages a receipt or a marker is for. It names an id, which several may have: one message that was written again while
 * verdicts were lost, or different ones, of a client that uses an id again.
 */
final class Confirmed {
    private Confirmed() {
    }

    /**
     * One message: the oldest that this session was given and has not confirmed, since clients confirm in the order in which they
     * read. So what did not arrive is never taken for confirmed by what was said of another; and who confirms two of an id once has
     * proved the first, the second is proved otherwise or sent again. What was let go without a verdict counts as given to those that
     * may have been; of such a one, what says the same is the same message. So does what is being routed. What comes from a session that
     * was given none of them (it may have had a carbon, or looked into an archive) is for the oldest of all; or for one that is not among
     * them, where there are too many.
     *
     * @param newest of its name, or null
     */
    static List<Known> by(Receipt receipt, Known newest, Live live, Sessions sessions) {
        if (newest == null) return Collections.emptyList();
        if (newest.sameName == null) return Collections.singletonList(newest);
        List<Known> all = new ArrayList<>();
        for (Known known = newest; known != null; known = known.sameName) all.add(known);
        Collections.reverse(all);
        Known first = first(receipt, all, live, sessions);
        return first == null ? Collections.emptyList() : numbersOf(first, receipt, all);
    }

    /** @param all the oldest first */
    private static Known first(Receipt receipt, List<Known> all, Live live, Sessions sessions) {
        boolean isHere = false;
        for (Known known : all) {
            if (!known.mayHave(live.stream) && !sessions.mayBeGiven(live, known)) continue;
            isHere = true;
            if (!known.isConfirmedBy(receipt, live.stream)) return known;
        }
        if (!isHere && all.size() < Memory.SAME_NAME) for (Known known : all) if (!known.isConfirmedBy(receipt)) return known;
        return null;
    }

    /** One that was given the verdict `stored` is a message by itself: what repeats one is dropped. */
    private static List<Known> numbersOf(Known first, Receipt receipt, List<Known> all) {
        List<Known> numbers = new ArrayList<>();
        numbers.add(first);
        boolean hasStored = !first.passed;
        for (Known known : all) {
            if (known == first || known.words != first.words || known.isConfirmedBy(receipt) || hasStored && !known.passed) continue;
            numbers.add(known);
            hasStored |= !known.passed;
        }
        return numbers;
    }
}
