// For the processes in which jest runs tests. Node 20 may wait for long, or for ever, in the teardown that follows the end of one that
// has run many files (its `Environment::CleanupHandles`); jest then warns of tests that have left something open.
if (process.argv[1]?.endsWith('processChild.js')) {
  process.once('beforeExit', () => process.on('exit', () => process.reallyExit(process.exitCode)));
}
