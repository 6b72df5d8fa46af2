import closeWithGrace from 'close-with-grace';
import { needsAChange } from './app/start-errors.ts';
import { ReceiptsProxy } from './app.ts';
import { loadConfig } from './config/config.ts';
import { ConfigError, readEnvironment, unknownInDotEnv } from './config/environment.ts';
import { captureConsole, createLog } from './util/log.ts';
import { LinkAuthError } from './xmpp/connection/link-problem.ts';

/** sysexits.h EX_CONFIG: a start without a change would fail again. */
const EX_CONFIG = 78;

function config() {
  try {
    const unknown = unknownInDotEnv();
    return { settings: loadConfig(readEnvironment(), unknown), unknown };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The configuration has faults:\n${error.problems.map((p) => `  - ${p}\n`).join('')}`);
    process.exit(EX_CONFIG);
  }
}

const { settings, unknown } = config();
const log = createLog(settings.logLevel);
captureConsole(log);
for (const name of unknown) log.warn({}, `${name} (in .env): there is no such variable, so it does nothing`);
const proxy = new ReceiptsProxy(settings, log);
let stopping = false;

closeWithGrace({ delay: settings.shutdownTimeout, logger: false }, async ({ signal, err }) => {
  stopping = true;
  if (err) log.fatal({ err }, 'Ending after an unexpected error');
  else log.info({ signal }, 'Stopping');
  // Some of the time is kept for closing what has not closed by itself.
  await proxy.stop(settings.shutdownTimeout * 0.9);
  log.info({}, 'Stopped');
});

try {
  await proxy.start();
} catch (error) {
  // Told to stop before it was up: whoever stops it ends the process, with 0.
  if (!stopping) {
    if (!needsAChange(error)) throw error;
    // The link has logged a wrong secret itself.
    if (!(error instanceof LinkAuthError)) log.fatal({}, error.message);
    await proxy.stop(1000);
    process.exit(EX_CONFIG);
  }
}
