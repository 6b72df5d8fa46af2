import path from 'node:path';

/** ms that jest may take to end when all tests have. */
const TO_END = 10_000;

/**
 * A reporter for jest: one plain line at the end, in which a file that could not be run counts as a failure; word to
 * jest.mjs that the run goes on; and an end to it.
 */
export default class ClosingLine {
  #watching;

  constructor({ watch, watchAll }) {
    this.#watching = watch || watchAll;
    // Who started us was killed: nobody waits for us, and what we started is to end.
    process.once('disconnect', () => process.exit(1));
    process.channel?.unref();
  }

  onTestFileStart() {
    process.send?.('on');
  }

  onTestCaseResult() {
    process.send?.('on');
  }

  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const slowest = slowestOf(results.testResults, Number(process.env.JEST_SLOWEST ?? 0));
    const line = `${slowest}\n${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped\n`;
    if (this.#watching) return;
    // After jest's own summary, which comes after all reporters.
    process.on('exit', () => process.stdout.write(line));
    // Nothing of ours runs any more. But after a run of all files Node 20 may wait for ever in the teardown that would
    // follow (its `Environment::CleanupHandles`). Last of all, since jest makes up its exit code in a listener of its own.
    process.once('beforeExit', () => process.on('exit', () => process.exit()));
    this.#endAfter(TO_END, true);
  }

  /** Something of a test's runs on, so that it does not come to that. The processes that it has started end with us. */
  #endAfter(ms, first) {
    setTimeout(() => {
      const left = [...new Set(process.getActiveResourcesInfo())].join(', ');
      // Nothing is open: on a busy machine jest's summary has taken so long.
      if (first && left === '') return this.#endAfter(ms, false);
      process.stderr.write(`\nA test has left something open, which keeps jest from ending: ${left}\n`);
      process.exit(1);
    }, ms).unref();
  }
}

/** The files that took longest, one a line, if any are wanted. */
function slowestOf(files, count) {
  const times = files.map(({ perfStats: { runtime }, testFilePath }) => [runtime, testFilePath]);
  const longest = times.sort(([a], [b]) => b - a).slice(0, count);
  return longest.map(([ms, file]) => `\n${(ms / 1000).toFixed(1).padStart(6)} s ${path.relative('.', file)}`).join('');
}
