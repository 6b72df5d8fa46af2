import { type Config, loadConfig } from './config/config.ts';
import { ConfigError, type Environment, readEnvironment, unknownInDotEnv } from './config/environment.ts';

/** sysexits.h EX_CONFIG: a start without a change would fail again. */
export const EX_CONFIG = 78;

export interface LoadedSettings {
  readonly config: Config;
  readonly env: Environment;
  /** Names in the file that are no settings, and like none. */
  readonly unknown: readonly string[];
}

/**
 * Reads the settings of the environment and of a file (`.env` by default), or says what is wrong with them and ends the
 * process with 78.
 */
export function loadSettings(envFile?: string): LoadedSettings {
  try {
    const unknown = unknownInDotEnv(undefined, envFile);
    const env = readEnvironment(undefined, envFile);
    return { config: loadConfig(env, unknown), env, unknown };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The configuration has faults:\n${error.problems.map((p) => `  - ${p}\n`).join('')}`);
    process.exit(EX_CONFIG);
  }
}

/** Says which name in the file does nothing. */
export function unknownName(name: string, envFile = '.env'): string {
  return `${name} (in ${envFile}): there is no such variable, so it does nothing`;
}
