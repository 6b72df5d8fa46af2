package receipts.smack;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Tells the application's listeners, on a thread of their own. */
final class Events {
    private static final int MAX_UNTOLD = 100;

    final List<StateListener> state = new CopyOnWriteArrayList<>();
    final List<StoredListener> stored = new CopyOnWriteArrayList<>();
    final List<DeliveredListener> delivered = new CopyOnWriteArrayList<>();
    final List<FailedListener> failed = new CopyOnWriteArrayList<>();
    final List<StateListener> resent = new CopyOnWriteArrayList<>();
    private final List<ProblemListener> problems = new CopyOnWriteArrayList<>();
    /** Problems that nobody listened for: those of the store come before an application can add a listener. */
    private final List<Problem> untold = new CopyOnWriteArrayList<>();
    private final Loop thread = new Loop("receipts events");

    void changed(Tracked seen) {
        for (StateListener listener : state) thread.execute(() -> listener.changed(seen));
        if (seen.state == State.STORED)
            for (StoredListener listener : stored) thread.execute(() -> listener.stored(seen));
        if (seen.state == State.DELIVERED)
            for (DeliveredListener listener : delivered) thread.execute(() -> listener.delivered(seen));
        if (seen.state == State.FAILED)
            for (FailedListener listener : failed) thread.execute(() -> listener.failed(seen));
    }

    void resent(Tracked seen) {
        for (StateListener listener : resent) thread.execute(() -> listener.changed(seen));
    }

    void problem(Problem.Kind kind, Exception error) {
        Problem problem = new Problem(kind, error);
        thread.execute(() -> {
            if (problems.isEmpty() && untold.size() < MAX_UNTOLD) untold.add(problem);
            for (ProblemListener listener : problems) listener.problem(problem);
        });
    }

    void addProblemListener(ProblemListener listener) {
        thread.execute(() -> {
            problems.add(listener);
            for (Problem problem : untold) listener.problem(problem);
            untold.clear();
        });
    }

    void end() {
        thread.end();
    }
}
