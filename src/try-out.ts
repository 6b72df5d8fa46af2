import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Config } from './config/config.ts';
import { carryOut, TrialError } from './doctor/trial.ts';
import { loadSettings } from './load-settings.ts';

export interface TryOutOptions {
  /** Bare JIDs. */
  readonly sender: string;
  readonly recipient: string;
  readonly envFile?: string | undefined;
  /** `host:port`. */
  readonly address?: string | undefined;
}

/** Sends a message that is lost, and says where the console shows what became of it; sets the exit status. */
export async function tryOut({ sender, recipient, envFile, address }: TryOutOptions): Promise<void> {
  const { config } = loadSettings(envFile);
  const [hers = '', his = ''] = await askPasswords([sender, recipient]);
  const way = address === undefined ? {} : { address };
  const say = (line: string) => process.stdout.write(`${line}\n`);
  try {
    const accounts = {
      sender: { jid: sender, password: hers, ...way },
      recipient: { jid: recipient, password: his, ...way },
    };
    const { key } = await carryOut(config, accounts, say);
    say(`\nWhat happened to it, and why:\n  ${consoleOf(config)}/messages/${encodeURIComponent(key)}`);
    say('docs/console.md#reading-a-messages-life explains the lines.');
    if (config.traceMessages === undefined) {
      say('TRACE_MESSAGES is not set: of what was delivered the console knows the times, for half an hour.');
    }
  } catch (error) {
    if (!(error instanceof TrialError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

function consoleOf({ http: { host, port } }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Asked on the terminal, which does not show them; else a line each of the input. */
async function askPasswords(users: readonly string[]): Promise<string[]> {
  const terminal = process.stdin.isTTY === true;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal });
  lines.on('SIGINT', () => process.exit(130));
  const given: string[] = [];
  const each = lines[Symbol.asyncIterator]();
  for (const user of users) {
    if (terminal) process.stderr.write(`Password of ${user}: `);
    given.push(((await each.next()).value as string | undefined) ?? '');
    if (terminal) process.stderr.write('\n');
  }
  lines.close();
  process.stdin.destroy();
  return given;
}
