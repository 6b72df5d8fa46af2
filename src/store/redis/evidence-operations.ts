import { keyed, type Operation, operation } from './operations.ts';
import { type StoredRecord, settlement } from './record.ts';

/** Why a copy is sent again; the words of the metrics. */
type Evidence = 'session-ended' | 'session-silent' | 'bounced' | 'not-stored' | 'gap';

/** What tells the order of messages. */
interface Stored {
  /** ms. */
  readonly storedAt: number;
  /** Tells the order of those that were stored in the same millisecond: each process counts its own. */
  readonly token: string;
}

/** A message that certainly did not reach its recipient, and is to be sent again. */
export interface Missed extends Stored {
  readonly key: string;
  /** To be claimed. */
  readonly attempt: number;
  readonly evidence: Exclude<Evidence, 'gap'>;
}

/** For sorting: the order in which messages were stored. As comes_before in Lua. */
export function byStoring(one: Stored, other: Stored): number {
  const apart = one.storedAt - other.storedAt || one.token.length - other.token.length;
  return apart !== 0 ? apart : one.token < other.token ? -1 : 1;
}

const EVIDENCE: Readonly<Record<string, Missed['evidence']>> = {
  o: 'session-ended',
  g: 'session-ended',
  d: 'session-ended',
  q: 'session-silent',
  b: 'bounced',
  x: 'not-stored',
};

/**
 * How a recipient is there: a session of his began, it changed, another of his ended, or it was there before and nobody
 * could hear for a while what it did.
 */
export type Event = 'login' | 'update' | 'ended' | 'heard again';

const EVENT = { login: 'l', update: 'u', ended: 'e', 'heard again': 'h' } as const;

export interface Coming {
  /** Bare JID. */
  readonly user: string;
  readonly event: Event;
  /** `0` at the beginning. */
  readonly cursor?: string;
  /** When (ms) a message that lay in offline storage, and comes by itself now, is due again. */
  readonly stepDue: number;
  /** Until when (ms) what is to be sent is the caller's to send. */
  readonly leaseUntil: number;
  /** How often one is sent again to somebody who was never seen to confirm anything. */
  readonly unconfirmedRetries: number;
}

/** A portion of what a recipient has missed. Whoever has much to come is looked at in portions, for others wait. */
export interface Came {
  /** He has no session (any more). */
  readonly away: boolean;
  /** For the next portion; `0` after the last. */
  readonly next: string;
  /** In no order. */
  readonly missed: readonly Missed[];
  /** The resource of the session that is most surely there; empty when there is none that has not fallen silent. */
  readonly there: string;
}

/** A recipient is there. Gives what certainly did not reach him. */
export function came({ user, event, cursor, stepDue, leaseUntil, unconfirmedRetries }: Coming): Operation<Came> {
  const args = ['l', user, EVENT[event], cursor ?? '0', stepDue, leaseUntil, unconfirmedRetries];
  return operation(args, (reply) => {
    if (reply === '-') return { away: true, next: '0', missed: [], there: '' };
    const end = reply.indexOf('\n');
    // A portion that nobody is there for has no more than its cursor.
    const [list, there] = end === -1 ? [reply, ''] : [reply.slice(0, end), reply.slice(end + 1)];
    const [next = '0', ...parts] = list.split(',');
    const missed: Missed[] = [];
    for (let i = 0; i + 4 < parts.length; i += 5) {
      const [key, attempt, how, storedAt, token] = parts.slice(i, i + 5) as [string, string, string, string, string];
      const evidence = EVIDENCE[how] ?? 'session-ended';
      missed.push({ key, attempt: Number(attempt), evidence, storedAt: Number(storedAt), token });
    }
    return { away: false, next, missed, there };
  });
}

/** A sender is there: makes a portion of what he could not be told due now. Gives the cursor of the next one. */
export function tell(user: string, cursor: string): Operation<string> {
  return operation(['tell', user, cursor], (reply) => reply);
}

/**
 * A session of a recipient's confirmed a message: what was stored before it, went to the same session and is not
 * confirmed is due at `due` (ms). Gives how many of a portion are, and the cursor of the next one.
 *
 * @param sender whose message it confirmed
 * @param later when the confirmed one was stored, ms
 */
export function gap(
  user: string,
  resource: string,
  sender: string,
  later: number,
  due: number,
  cursor = '0',
): Operation<{ readonly next: string; readonly count: number }> {
  return operation(['g', user, resource, sender, later, due, cursor], (reply) => {
    const [next = '0', count] = reply.split(' ');
    return { next, count: Number(count) };
  });
}

/** What waits for its turn to be sent again stays the caller's until `leaseUntil` (ms), unless another has claimed it. */
export function postpone(waiting: readonly Pick<Missed, 'key' | 'attempt'>[], leaseUntil: number): Operation<void> {
  const pairs = waiting.flatMap(({ key, attempt }) => [key, attempt]);
  return operation(['y', pairs.length, leaseUntil, ...pairs], () => undefined);
}

/** One that other evidence than a receipt has settled. */
export interface Proved {
  readonly record: StoredRecord;
  readonly late: boolean;
}

/**
 * A message, and whatever its sender sent to the recipient before it, has arrived, as something else than a receipt shows.
 * Gives those that this has settled, not what was settled before: a portion, and the cursor of the next one.
 */
export function arrived(
  key: string,
  sender: string,
  recipient: string,
  resource: string,
  now: number,
  cursor = '0',
): Operation<{ readonly next: string; readonly settled: readonly Proved[] }> {
  const members = settlement(now, resource === '' ? {} : { dr: resource });
  return operation(['k', key, members, sender, recipient, resource, cursor], (reply) => {
    const [next = '0', ...texts] = reply.split('\n\n');
    const settled = texts
      .filter((one) => one[0] === 'd' || one[0] === 'l')
      .map((one) => ({ record: keyed(one.slice(1)), late: one[0] === 'l' }));
    return { next, settled };
  });
}
