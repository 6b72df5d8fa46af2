/**
 * When another copy of a message is sent, and why. A missing receipt alone proves nothing, and each needless copy is
 * shown to somebody as a second message; so where the proxy knows a recipient's presence it waits for evidence, and the
 * timetable is left for those of whom it knows nothing.
 *
 * This decides for every combination of what can be known. The scripts look their answers up in {@link RULES}, and
 * docs/redelivery.md is written from it.
 */

/** `offline` and `online` only where the proxy gets the recipient's presence. */
const PRESENCES = ['unknown', 'online', 'offline'] as const;
type Presence = (typeof PRESENCES)[number];

/**
 * Whether a missing receipt from this recipient for this sender's message would mean anything. `no`: all his sessions'
 * clients say that they know no receipts, or he gave receipts only ever to contacts and the two are none.
 */
const ACKNOWLEDGES = ['yes', 'no', 'unknown'] as const;
type Acknowledges = (typeof ACKNOWLEDGES)[number];

/** What became of the last copy: the server has it, it came back with a temporary error, or neither. */
const COPIES = ['handed over', 'bounced', 'none'] as const;
type Copy = (typeof COPIES)[number];

export interface Situation {
  readonly presence: Presence;
  readonly acknowledges: Acknowledges;
  readonly copy: Copy;
}

export interface Rule {
  /**
   * What the clock does: `lease`, at once, by whoever finds it; `timetable`, RETRY_SCHEDULE; `unconfirmed`, the few
   * retries for recipients who may have a client that cannot; `ask`, by RETRY_SCHEDULE's first step, asks the sessions that
   * the copy may have gone to whether they are there (XEP-0199); or nothing.
   */
  readonly timer: 'lease' | 'timetable' | 'unconfirmed' | 'ask' | 'none';
  /** Whether any available presence of his brings another copy. */
  readonly presence: boolean;
  /** Whether his next login does, when every session that the copy may have gone to has ended: always, or a few times. */
  readonly sessionEnded: 'always' | 'limited' | 'never';
  /** Whether a login does, a step of the timetable later, when the copy lay in the server's offline storage. */
  readonly stored: boolean;
  /** Whether a receipt for a later message does, from the session that the copy went to. */
  readonly gap: boolean;
  /** Whether it is sent to another session when the one that the copy may have gone to does not answer: always, or a few times. */
  readonly silent: 'always' | 'limited' | 'never';
  /** How it ends at MESSAGE_TTL. */
  readonly ends: 'expired' | 'unconfirmed';
}

const NOTHING = {
  timer: 'none',
  presence: false,
  sessionEnded: 'never',
  stored: false,
  gap: false,
  silent: 'never',
} as const;

/** What is done in a situation, until a receipt comes. */
export function ruleFor({ presence, acknowledges, copy }: Situation): Rule {
  // What never left, or what certainly came back, has not arrived: another copy bothers nobody, whatever his client is.
  if (copy === 'none') return { ...NOTHING, timer: 'lease', ends: 'expired' };
  if (copy === 'bounced') {
    const known = presence !== 'unknown';
    return { ...NOTHING, timer: presence === 'offline' ? 'none' : 'timetable', presence: known, ends: 'expired' };
  }
  const confirms = acknowledges === 'yes';
  const ends = confirms ? 'expired' : 'unconfirmed';
  // Nobody sees his session end, so the clock is all there is, for clients that give no receipts as well.
  if (presence === 'unknown') return { ...NOTHING, timer: confirms ? 'timetable' : 'unconfirmed', ends };
  if (acknowledges === 'no') return { ...NOTHING, ends };
  const online = presence === 'online';
  return {
    timer: online ? 'ask' : 'none',
    presence: false,
    sessionEnded: confirms ? 'always' : 'limited',
    // It comes to him by itself; a client that never confirmed anything is not sent a second one to be sure.
    stored: confirms,
    gap: confirms && online,
    silent: online ? (confirms ? 'always' : 'limited') : 'never',
    ends,
  };
}

/** One cell of the table for the log: its row, and what the column says there. */
export function describeCell(situation: Situation, column: keyof Rule): string {
  const { presence, acknowledges, copy } = situation;
  return `presence ${presence}, confirms ${acknowledges}, last copy ${copy}: ${column} = ${ruleFor(situation)[column]}`;
}

/** A situation's place in each of {@link RULES}' strings. */
export function cellOf({ presence, acknowledges, copy }: Situation): number {
  return PRESENCES.indexOf(presence) * 9 + ACKNOWLEDGES.indexOf(acknowledges) * 3 + COPIES.indexOf(copy);
}

export const SITUATIONS: readonly Situation[] = PRESENCES.flatMap((presence) =>
  ACKNOWLEDGES.flatMap((acknowledges) => COPIES.map((copy) => ({ presence, acknowledges, copy }))),
);

function letters(letter: (rule: Rule) => string): string {
  return SITUATIONS.map((situation) => letter(ruleFor(situation))).join('');
}

const TIMER = { lease: 'L', timetable: 'T', unconfirmed: 'U', ask: 'A', none: '-' } as const;
const HOW_OFTEN = { always: 'a', limited: '1', never: '-' } as const;

/** The rules as the scripts take them: for each kind one letter a situation, the kinds one after the other. */
export const RULES: string = [
  letters(({ timer }) => TIMER[timer]),
  letters(({ presence }) => (presence ? 'p' : '-')),
  letters(({ sessionEnded }) => HOW_OFTEN[sessionEnded]),
  letters(({ stored }) => (stored ? 's' : '-')),
  letters(({ gap }) => (gap ? 'g' : '-')),
  letters(({ silent }) => HOW_OFTEN[silent]),
  letters(({ ends }) => (ends === 'expired' ? 'x' : 'u')),
].join('');
