/**
 * The life of a message: its states, what happens to it, and what each ending owes to whom. Pure. `endings.ts` carries the
 * duties out, the scripts of the store make the same transitions (tests/integration/message-state.test.ts compares them), and
 * docs/states.md is written from these tables.
 */

/** `delivered` is final. From any other ended state a late proof of arrival still leads there. */
export const STATES = [
  'pending',
  'delivered',
  'expired',
  'unconfirmed',
  'proved',
  'rejected',
  'cancelled',
  'quarantined',
] as const;
export type MessageState = (typeof STATES)[number];

/** What happens to a message, with a sentence for the documentation. */
export const EVENTS = {
  'handed over': 'The server has proved to have a copy.',
  bounced: 'A copy came back with a temporary error.',
  confirmed: 'A receipt, a marker, a reply or a reaction proves that it arrived.',
  proved: "A gate has seen that the recipient's client has it, and PROOF_COUNTS does not make that a receipt.",
  superseded: 'A later correction or retraction of the same message was delivered.',
  refused: "The recipient's server returned a copy with a permanent error.",
  unsendable: 'The server ended the stream over its stanza, twice.',
  'timed out': '`MESSAGE_TTL` is over, and a receipt would have been expected.',
  'timed out in doubt': '`MESSAGE_TTL` is over, and a missing receipt proves nothing.',
  cancelled: 'Its sender or an administrator does not want it sent any more.',
  damaged: 'Its record in Redis cannot be read.',
  requeued: 'Its sender or an administrator wants it sent after all.',
} as const;
export type MessageEvent = keyof typeof EVENTS;

/** What one ending owes. */
export interface Duties {
  /** The state that follows; undefined when the message keeps the one that it has. */
  readonly to: MessageState | undefined;
  /**
   * What its sender is told, until the server has taken it: a receipt (XEP-0184) or a notice that nobody knows, both only if
   * he asked for a receipt; an error stanza, always; or nothing.
   */
  readonly sender: 'receipt' | 'failure' | 'doubt' | 'nothing';
  /** The dead letter, which an administrator sees and may have sent after all. */
  readonly deadLetter: 'put' | 'remove' | 'keep';
  /** The counter of it in docs/metrics.md; undefined where no message is counted as ended. */
  readonly counter: 'delivered' | 'lateReceipts' | 'rejected' | 'expired' | 'unconfirmed' | undefined;
}

/** Each ending takes the message's copies off the link and its jobs out of sight; this is what it owes beside that. */
export const ENDINGS = {
  delivered: { to: 'delivered', sender: 'receipt', deadLetter: 'keep', counter: 'delivered' },
  'delivered late': { to: 'delivered', sender: 'receipt', deadLetter: 'remove', counter: 'lateReceipts' },
  superseded: { to: 'delivered', sender: 'receipt', deadLetter: 'keep', counter: undefined },
  rejected: { to: 'rejected', sender: 'failure', deadLetter: 'put', counter: 'rejected' },
  unsendable: { to: 'rejected', sender: 'failure', deadLetter: 'put', counter: undefined },
  expired: { to: 'expired', sender: 'failure', deadLetter: 'put', counter: 'expired' },
  unconfirmed: { to: 'unconfirmed', sender: 'doubt', deadLetter: 'keep', counter: 'unconfirmed' },
  proved: { to: 'proved', sender: 'nothing', deadLetter: 'keep', counter: undefined },
  cancelled: { to: 'cancelled', sender: 'nothing', deadLetter: 'remove', counter: undefined },
  /** A message that had failed is not kept for an administrator any more. */
  discarded: { to: undefined, sender: 'nothing', deadLetter: 'remove', counter: undefined },
  quarantined: { to: 'quarantined', sender: 'failure', deadLetter: 'put', counter: undefined },
  /** The end of a failure: the message begins a new life. */
  requeued: { to: 'pending', sender: 'nothing', deadLetter: 'remove', counter: undefined },
} as const satisfies Record<string, Duties>;
export type Ending = keyof typeof ENDINGS;

/** A message that failed, and is kept whole in its dead letter. */
const FAILED = { confirmed: 'delivered late', cancelled: 'discarded', requeued: 'requeued' } as const;

/** What each event means in each state. What is not named here changes nothing, and nothing is owed. */
export const TRANSITIONS: Readonly<Record<MessageState, Readonly<Partial<Record<MessageEvent, Ending>>>>> = {
  pending: {
    confirmed: 'delivered',
    proved: 'proved',
    superseded: 'superseded',
    refused: 'rejected',
    unsendable: 'unsendable',
    'timed out': 'expired',
    'timed out in doubt': 'unconfirmed',
    cancelled: 'cancelled',
    damaged: 'quarantined',
  },
  delivered: {},
  expired: FAILED,
  rejected: FAILED,
  unconfirmed: { confirmed: 'delivered late' },
  proved: { confirmed: 'delivered late' },
  cancelled: { confirmed: 'delivered late' },
  quarantined: { confirmed: 'delivered late' },
};

/** A message as far as its transitions depend on it. */
export interface Life {
  readonly state: MessageState;
  /** Whether it can be sent after all: it failed, and neither was its dead letter removed nor is UNDELIVERED_RETENTION over. */
  readonly isKept: boolean;
}

/** The life that an event leads to, and the ending that it is, if it is one. */
export function after(life: Life, event: MessageEvent): { readonly life: Life; readonly ending: Ending | undefined } {
  const ending = TRANSITIONS[life.state][event];
  if (ending === undefined) return { life, ending };
  if ((ending === 'requeued' || ending === 'discarded') && !life.isKept) return { life, ending: undefined };
  const { to } = ENDINGS[ending];
  // What is left of a damaged record tells whose it was, and not what it said.
  return { life: { state: to ?? life.state, isKept: to === 'expired' || to === 'rejected' }, ending };
}
