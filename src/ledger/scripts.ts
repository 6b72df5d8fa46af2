import { readFileSync } from 'node:fs';

/** Parts of a script are joined in order, each seeing what those before it define. */
function script(...parts: string[]): string {
  return parts.map((part) => readFileSync(new URL(`./scripts/${part}.lua`, import.meta.url), 'utf8')).join('\n');
}

export const TURN = script(
  'record',
  'clock',
  'quarantine',
  'evidence',
  'accept',
  'settle',
  'undeliver',
  'attempt',
  'presence',
  'query',
  'command',
  'turn',
);
export const SWEEP = script('record', 'clock', 'quarantine', 'sweep');
export const STATUS = script('record', 'status');
export const LOOK = script('record', 'look');
