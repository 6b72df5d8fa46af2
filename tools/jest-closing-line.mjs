/** A reporter for jest: one plain line at the end. A file that could not be run counts as a failure. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const line = `\n${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped\n`;
    // After jest's own summary, which comes after all reporters.
    process.on('exit', () => process.stdout.write(line));
  }
}
