import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { NAMES } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** All that is wrong with a configuration, each fault in one line that names its variable and shows no secret. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration has faults: ${problems.join('. ')}`);
    this.name = 'ConfigError';
  }
}

/**
 * The environment of the process, over what a file in `dir` says: `.env`, if there is one, or the one that is named.
 *
 * @throws {ConfigError} when the file is there and cannot be read, or is named and not there
 */
export function readEnvironment(dir: string = process.cwd(), file?: string): Record<string, string | undefined> {
  return { ...readEnvFile(dir, file), ...process.env };
}

/**
 * The names that the file sets and that we do not know: whatever is in that file is meant for us. Those that are like one of
 * ours are faults ({@link loadConfig}), the others are worth a word.
 *
 * @throws {ConfigError} as {@link readEnvironment}
 */
export function unknownInDotEnv(dir: string = process.cwd(), file?: string): string[] {
  return Object.keys(readEnvFile(dir, file)).filter((name) => !(NAMES as string[]).includes(name));
}

/** What the file alone sets. */
export function readEnvFile(dir: string = process.cwd(), file?: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(resolve(dir, file ?? '.env'), 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && file === undefined) return {};
    throw new ConfigError([`${file ?? '.env'}: cannot be read (${code ?? 'unknown error'})`]);
  }
}
