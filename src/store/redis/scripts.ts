import { readFileSync } from 'node:fs';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { withConstants } from './script-constants.ts';

const POLICY_TIME = /\bPOLICY\.(\w+)/g;
const INCLUDE = /^--- @include "([\w-]+)"$/gm;

/** Times of the retry policy stand in the scripts by name, so that they have one owner. */
function read(name: string): string {
  const text = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
  return text.replace(POLICY_TIME, (_, time: string) => {
    const value = SCRIPT_TIMES[time as keyof typeof SCRIPT_TIMES];
    if (value === undefined) throw new Error(`The retry policy has no ${time}, which ${name}.lua names`);
    return String(value);
  });
}

/**
 * The text of a script, as Redis takes it. A line `--- @include "part"` stands for scripts/include/part.lua: where it is
 * met first, and nothing where it is met again, so that each part names those that it needs. Where another file begins, or
 * goes on, a line `--- @from` says which.
 */
function assemble(name: string): string {
  const included = new Set<string>();
  const expand = (file: string): string => {
    const text = read(file).replace(INCLUDE, (_, part: string) => {
      if (included.has(part)) return '';
      included.add(part);
      return `${expand(`include/${part}`)}--- @from ${file}.lua`;
    });
    return `--- @from ${file}.lua\n${text}`;
  };
  return withConstants(expand(name));
}

export const BATCH = assemble('batch');
export const SWEEP = assemble('sweep');
export const STATUS = assemble('status');
export const LOOK = assemble('look');
export const PROBE = assemble('probe');
export const CONNECT = assemble('connect');
export const REHEARSE = assemble('rehearse');
export const MIGRATE = assemble('migrate');
export const SHORTEN = assemble('shorten');
export const RESTORED = assemble('restored');
export const MARK = assemble('mark');
export const REPACK = assemble('repack');
