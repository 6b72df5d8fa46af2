import closeWithGrace from 'close-with-grace';
import { ConfigError, loadConfig, readEnvironment } from './config.ts';
import { LinkAuthError } from './link/errors.ts';
import { createLog } from './log.ts';
import { ReceiptsProxy, RedisRefusedError } from './proxy.ts';

/** sysexits.h EX_CONFIG: to start again without a change would be in vain. */
const EX_CONFIG = 78;

function config() {
  try {
    return loadConfig(readEnvironment());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The configuration has faults:\n${error.problems.map((p) => `  - ${p}\n`).join('')}`);
    process.exit(EX_CONFIG);
  }
}

const settings = config();
const log = createLog(settings.logLevel);
const proxy = new ReceiptsProxy(settings, log);

closeWithGrace({ delay: settings.shutdownTimeout, logger: false }, async ({ signal, err }) => {
  if (err) log.fatal({ err }, 'Ending after an unexpected error');
  else log.info({ signal }, 'Stopping');
  // Some of the time is kept for closing what has not closed by itself.
  await proxy.stop(settings.shutdownTimeout * 0.9);
  log.info({}, 'Stopped');
});

try {
  await proxy.start();
} catch (error) {
  if (error instanceof LinkAuthError || error instanceof RedisRefusedError) {
    // The link has told of a wrong secret itself.
    if (error instanceof RedisRefusedError) log.fatal({}, error.message);
    await proxy.stop(1000);
    process.exit(EX_CONFIG);
  }
  throw error;
}
