import { keyed, type Operation, operation } from './operations.ts';
import { type StoredRecord, settlement } from './record.ts';

/** Why a copy is sent again; the words of the metrics. */
type Evidence = 'session-ended' | 'bounced' | 'not-stored' | 'gap';

/** A message that certainly did not reach its recipient, and is to be sent again. */
export interface Missed {
  readonly key: string;
  /** To be claimed. */
  readonly attempt: number;
  readonly evidence: Exclude<Evidence, 'gap'>;
}

const EVIDENCE: Readonly<Record<string, Missed['evidence']>> = {
  o: 'session-ended',
  g: 'session-ended',
  b: 'bounced',
  x: 'not-stored',
};

export interface Coming {
  /** Bare JID. */
  readonly user: string;
  /** Whether a session of his began, rather than merely changed. */
  readonly login: boolean;
  /** When (ms) a message that lay in offline storage, and comes by itself now, is due again. */
  readonly stepDue: number;
  /** Until when (ms) what is to be sent is the caller's to send. */
  readonly leaseUntil: number;
  /** How often one is sent again to somebody who was never seen to confirm anything. */
  readonly unconfirmedRetries: number;
}

/** A recipient is there. Gives what certainly did not reach him, oldest first. */
export function came({ user, login, stepDue, leaseUntil, unconfirmedRetries }: Coming): Operation<Missed[]> {
  return operation(['l', user, login ? 1 : 0, stepDue, leaseUntil, unconfirmedRetries], (reply) => {
    const missed: Missed[] = [];
    if (reply === '') return missed;
    const parts = reply.split(',');
    for (let i = 0; i < parts.length; i += 3) {
      const how = parts[i + 2] as string;
      missed.push({
        key: parts[i] as string,
        attempt: Number(parts[i + 1]),
        evidence: EVIDENCE[how] ?? 'session-ended',
      });
    }
    return missed;
  });
}

/**
 * A session of a recipient's confirmed a message: what was stored before it, went to the same session and is not
 * confirmed is due at `due` (ms). Gives how many are.
 *
 * @param later when the confirmed one was stored, ms
 */
export function gap(user: string, resource: string, later: number, due: number): Operation<number> {
  return operation(['g', user, resource, later, due], Number);
}

/** What waits for its turn to be sent again stays the caller's until `leaseUntil` (ms). */
export function postpone(key: string, leaseUntil: number): Operation<void> {
  return operation(['y', key, leaseUntil], () => undefined);
}

/**
 * A message, and whatever its sender sent to the recipient before it, has arrived, as something else than a receipt shows.
 * Gives those that this has settled, oldest first; not what was settled before.
 */
export function arrived(
  key: string,
  sender: string,
  recipient: string,
  resource: string,
  now: number,
): Operation<{ readonly record: StoredRecord; readonly late: boolean }[]> {
  const members = settlement(now, resource === '' ? {} : { dr: resource });
  return operation(['k', key, members, sender, recipient], (reply) => {
    if (reply === '') return [];
    return reply
      .split('\n\n')
      .filter((one) => one[0] === 'd' || one[0] === 'l')
      .map((one) => ({ record: keyed(one.slice(1)), late: one[0] === 'l' }));
  });
}
