/** A reporter for jest: one plain line at the end. A file that could not be run counts as a failure. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const line = `\n${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped\n`;
    // After jest's own summary, which comes after all reporters.
    process.on('exit', () => process.stdout.write(line));
    // Nothing of ours runs any more: a server that a test has left running keeps it from coming here. But after a run of
    // all files Node 20 may wait for ever in the teardown that would follow (its `Environment::CleanupHandles`). Last of
    // all, since jest makes up its exit code in a listener of its own.
    process.once('beforeExit', () => process.on('exit', () => process.exit()));
  }
}
