// The command lines of what is run in a clone: each says by `--help` what it takes, and refuses what it does not know.
import { parseArgs } from 'node:util';

export type Flags = Readonly<
  Record<
    string,
    {
      readonly type: 'boolean' | 'string';
      readonly default?: boolean | string;
      /** What it does, as the help says it. */
      readonly about: string;
    }
  >
>;

type Values<T extends Flags> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** sysexits.h EX_USAGE. */
const EX_USAGE = 64;
const WIDTH = 100;

/**
 * The flags that were given. Ends the process after `--help`, with 0, and where the command line has a fault, with 64.
 *
 * @param command as it is typed
 */
export function readFlags<const T extends Flags>(command: string, about: string, flags: T): Values<T> {
  const all: Flags = { ...flags, help: { type: 'boolean', about: 'shows this' } };
  try {
    const { values } = parseArgs({ options: all });
    if (values.help !== true) return values as Values<T>;
  } catch (error) {
    wrongUsage(`${(error as Error).message}\n\n${usage(command, about, all)}`);
  }
  process.stdout.write(`${usage(command, about, all)}\n`);
  process.exit(0);
}

export function wrongUsage(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(EX_USAGE);
}

/** Exported for its test. */
export function usage(command: string, about: string, flags: Flags): string {
  const names = Object.entries(flags).map(([name, { type }]) => (type === 'string' ? `--${name} <...>` : `--${name}`));
  const column = Math.max(...names.map((name) => name.length)) + 4;
  const lines = Object.values(flags).map(({ about: what, default: usual }, at) => {
    const text = typeof usual === 'string' && usual !== '' ? `${what} (default: ${usual})` : what;
    return wrapped(`  ${names[at]}`.padEnd(column), text, column);
  });
  return [`${command} [options]: ${about}`, '', ...lines].join('\n');
}

/** A text behind what stands before it, further lines under its first. */
function wrapped(before: string, text: string, column: number): string {
  const lines = [before];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last.length > column && last.length + word.length + 1 > WIDTH) lines.push(' '.repeat(column) + word);
    else lines[lines.length - 1] = last.length > column ? `${last} ${word}` : last + word;
  }
  return lines.join('\n');
}
