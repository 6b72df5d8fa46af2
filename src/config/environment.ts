import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
 * The environment of the process, over what `.env` in `dir` says, if there is one.
 *
 * @throws {ConfigError} when `.env` is there and cannot be read
 */
export function readEnvironment(dir: string = process.cwd()): Record<string, string | undefined> {
  return { ...readDotEnv(join(dir, '.env')), ...process.env };
}

/**
 * The names that `.env` in `dir` sets and that we do not know: whatever is in that file is meant for us. Those that are like
 * one of ours are faults ({@link loadConfig}), the others are worth a word.
 *
 * @throws {ConfigError} when `.env` is there and cannot be read
 */
export function unknownInDotEnv(dir: string = process.cwd()): string[] {
  return Object.keys(readDotEnv(join(dir, '.env'))).filter((name) => !(NAMES as string[]).includes(name));
}

function readDotEnv(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw new ConfigError([`.env: cannot be read (${code ?? 'unknown error'})`]);
  }
}
