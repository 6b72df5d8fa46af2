import { type DestinationStream, type LevelWithSilent, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

export type Log = Logger;

export interface LogOptions {
  /** For people; otherwise JSON, one object a line. By default, whether standard output is a terminal. */
  readonly pretty?: boolean;
  /** Standard output by default. */
  readonly destination?: NodeJS.WritableStream;
}

const SECRETS = ['secret', 'password', 'componentSecret', 'authorization'];

/** Redis quotes the arguments of a command that it does not know. */
const QUOTED_ARGUMENTS = /, with args beginning with: .*/g;

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: unknown;
}

/**
 * Shows what is known to be harmless of an error. An error of ioredis carries the command that failed with all its
 * arguments, which are messages and passwords; pino would print whatever an error carries.
 */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'not an Error';
  const { name, stack, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  // A host with several addresses fails with an error for each, and says nothing itself.
  const parts = error instanceof AggregateError ? error.errors.map((part) => String(part?.message)) : [];
  const fields: LoggedError = {
    type: name,
    message: (error.message || parts.join('; ')).replace(QUOTED_ARGUMENTS, ''),
    ...(stack !== undefined && { stack: stack.replace(QUOTED_ARGUMENTS, '') }),
    ...(typeof code === 'string' && { code }),
    ...(cause instanceof Error && { cause: errorFields(cause) }),
  };
  return fields;
}

/**
 * Logs to standard output, synchronously, so that the last words before an exit are not lost. Errors are given as
 * `err`. Callers never pass what users write.
 *
 * @param level the least grave level that is logged
 */
export function createLog(level: LevelWithSilent, options: LogOptions = {}): Log {
  const { destination = process.stdout } = options;
  const forPeople = options.pretty ?? (destination === process.stdout && process.stdout.isTTY === true);
  const settings = {
    level,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorFields },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
  };
  if (forPeople) return pino(settings, prettyStream(destination));
  return destination === process.stdout ? pino(settings) : pino(settings, destination as DestinationStream);
}

// In this process: a worker thread would lose what it has not written when the process ends.
function prettyStream(destination: NodeJS.WritableStream): DestinationStream {
  return pretty({
    destination: destination === process.stdout ? 1 : destination,
    sync: true,
    colorize: destination === process.stdout && pretty.isColorSupported,
    ignore: 'pid',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
}

/** Says a problem that comes many times a second once in a while. */
export function throttled(log: Log, what: string): (error: Error) => void {
  let quietUntil = 0;
  return (error) => {
    if (Date.now() < quietUntil) return;
    quietUntil = Date.now() + 10_000;
    log.warn({ err: error }, `${what}: ${error.message || error.name}`);
  };
}

/** What is said in words of ours, at the same time: the queue library prints it once for each of its connections. */
const LOGGED_ELSEWHERE = /^IMPORTANT! Eviction policy/;

/** Takes what libraries print on the console into the log, each text once. */
export function captureConsole(log: Log): void {
  const said = new Set<string>();
  for (const level of ['warn', 'error'] as const) {
    console[level] = (...parts: unknown[]) => {
      const text = parts.map(String).join(' ');
      if (LOGGED_ELSEWHERE.test(text) || said.has(text) || said.size >= 1000) return;
      said.add(text);
      log[level]({}, text.replace(QUOTED_ARGUMENTS, ''));
    };
  }
}
