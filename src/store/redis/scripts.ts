import { readFileSync } from 'node:fs';

/** Parts of a script are joined in order, each seeing what those before it define. */
function script(...parts: string[]): string {
  return parts.map((part) => readFileSync(new URL(`./scripts/${part}.lua`, import.meta.url), 'utf8')).join('\n');
}

const TURN_PARTS = [
  'record',
  'shares',
  'clock',
  'quarantine',
  'advance',
  'evidence',
  'answers',
  'corrections',
  'accept',
  'within',
  'settle',
  'attempt',
] as const;

/** All operations. */
export const TURN = script(
  ...TURN_PARTS,
  'correct',
  'coming',
  'undeliver',
  'presence',
  'asked',
  'query',
  'command',
  'turn',
);

/**
 * Only {@link USUAL}: Redis makes each function of a script anew at each call, which is half of what a call costs that
 * carries one message.
 */
export const USUAL_TURN = script(...TURN_PARTS, 'turn');

/** The operations of messages that take their usual course, by the first of their arguments. */
export const USUAL: ReadonlySet<string | number | undefined> = new Set([
  'a',
  'ac',
  'A',
  'within',
  's',
  'S',
  't',
  'h',
  'c',
  'w',
  'i',
  'b',
  'n',
]);
export const SWEEP = script('record', 'shares', 'clock', 'quarantine', 'advance', 'sweep');
export const STATUS = script('record', 'status');
export const LOOK = script('record', 'look');
export const PROBE = script('probe');
export const REHEARSE = script('rehearse');
