import closeWithGrace from 'close-with-grace';
import { needsAChange } from './app/start-errors.ts';
import { ReceiptsProxy } from './app.ts';
import type { Config } from './config/config.ts';
import { EX_CONFIG, loadSettings, unknownName } from './load-settings.ts';
import type { Spans } from './tracing/open-spans.ts';
import { captureConsole, createLog, type Log } from './util/log.ts';
import { tellServiceManager } from './util/service-manager.ts';
import { PACKAGES_FOR_SPANS, VERSION } from './version.ts';
import { LinkAuthError } from './xmpp/connection/link-problem.ts';

/** Nothing of the SDK is loaded where it is not set. Ends the process with 78 where it is, and not installed. */
async function openSpans({ traceSpans, xmpp }: Config, log: Log): Promise<Spans | undefined> {
  if (traceSpans === 'off') return undefined;
  try {
    const tracing = await import('./tracing/open-spans.ts');
    return tracing.openSpans({
      addresses: traceSpans === 'addresses',
      secret: xmpp.componentSecret,
      version: VERSION,
      log,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const what = `npm install ${PACKAGES_FOR_SPANS.join(' ')}`;
    log.fatal({}, `TRACE_SPANS is set, and what it needs is not installed: ${what}`);
    process.exit(EX_CONFIG);
  }
}

/** Runs the component until a signal ends it. `envFile` is read instead of `.env`. */
export async function start(envFile?: string): Promise<void> {
  const { config, unknown } = loadSettings(envFile);
  const log = createLog(config.logLevel);
  captureConsole(log);
  for (const name of unknown) log.warn({}, unknownName(name, envFile));
  const spans = await openSpans(config, log);
  const proxy = new ReceiptsProxy(config, log, {}, spans);
  let stopping = false;

  closeWithGrace({ delay: config.shutdownTimeout, logger: false }, async ({ signal, err }) => {
    stopping = true;
    if (err) log.fatal({ err }, 'Ending after an unexpected error');
    else log.info({ signal }, 'Stopping');
    tellServiceManager('STOPPING=1');
    // Some of the time is kept for closing what has not closed by itself.
    await proxy.stop(config.shutdownTimeout * 0.9);
    log.info({}, 'Stopped');
  });

  try {
    await proxy.start(() => tellServiceManager('READY=1', 'STATUS=Waiting for the XMPP server'));
    tellServiceManager('STATUS=The link has been up; /readyz says how it is');
  } catch (error) {
    // Told to stop before it was up: whoever stops it ends the process, with 0.
    if (stopping) return;
    if (!needsAChange(error)) throw error;
    // The link has logged a wrong secret itself.
    if (!(error instanceof LinkAuthError)) log.fatal({}, error.message);
    await proxy.stop(1000);
    process.exit(EX_CONFIG);
  }
}
