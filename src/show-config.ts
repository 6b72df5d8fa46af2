import { readEnvFile } from './config/environment.ts';
import type { Setting } from './config/setting.ts';
import { NAMES, SETTINGS } from './config/settings.ts';
import { loadSettings, unknownName } from './load-settings.ts';

/** Prints the settings in effect in the form of `.env`, each with where it comes from; secrets are not shown. */
export function showConfig(envFile?: string): void {
  const { env, unknown } = loadSettings(envFile);
  const inFile = readEnvFile(undefined, envFile);
  const file = envFile ?? '.env';
  for (const name of NAMES) {
    const setting: Setting = SETTINGS[name];
    const isSet = (from: Readonly<Record<string, string | undefined>>) => (from[name] ?? '').trim() !== '';
    const source = isSet(process.env) ? 'environment' : isSet(inFile) ? file : 'default';
    const value = isSet(env) ? masked(env[name] as string, setting) : (setting.default ?? '');
    const derived = value === '' && setting.derived !== undefined ? `: ${setting.derived.replaceAll('`', '')}` : '';
    process.stdout.write(`${`${name}=${value}`.padEnd(48)} # ${source}${derived}\n`);
  }
  for (const name of unknown) process.stderr.write(`${unknownName(name, file)}\n`);
}

function masked(text: string, { secret }: Setting): string {
  if (!secret) return text;
  // Of an address, only the part that names who signs in.
  return /^\w+:\/\//.test(text) ? text.replace(/\/\/.*@/s, '//…@') : '…';
}
