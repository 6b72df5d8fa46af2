package receipts.smack;

/** Something did not work, and the library went on without it. Called on one thread, in order. */
public interface ProblemListener {
    /** @param problem what it is about */
    void problem(Problem problem);
}
