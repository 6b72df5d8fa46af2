import { decodeRecord, type StoredRecord, settledRecord, settlement } from './record.ts';

/**
 * One thing to do in the ledger. Operations carry no I/O: the ledger takes those of a whole turn of the event loop to
 * Redis in one call, and hands each its raw reply.
 */
export interface Operation<Result> {
  readonly args: readonly (string | number)[];
  /** What to do when Redis is at its memory limit: an operation that only adds is refused, so that others can free. */
  readonly grows: boolean;
  decode(reply: string): Result;
}

/**
 * For the operations of this room.
 *
 * @param grows whether it only adds
 */
export function operation<Result>(
  args: readonly (string | number)[],
  decode: (reply: string) => Result,
  grows = false,
): Operation<Result> {
  return { args, decode, grows };
}

/** A key, a line feed and a record, as scripts reply. */
export function keyed(reply: string): StoredRecord {
  const end = reply.indexOf('\n');
  return decodeRecord(reply.slice(0, end), reply.slice(end + 1));
}

/**
 * The message is stored (`key` is its record's, `target` that of the earlier one that it corrects or retracts), or it was
 * before and `known` is what is known of it.
 */
export type Accepted =
  | { readonly key: string; readonly target: string | undefined; readonly known: undefined }
  | { readonly known: StoredRecord };

/** What is known of a message before it is stored. */
export interface Acceptable {
  /** From recordKey, with the origin-id or else the id. */
  readonly key: string;
  readonly value: string;
  /** Whether a client that counts its ids might give another message the same one: see isUniqueId. */
  readonly countable?: boolean;
  /** The key with the id, where a message has both and they differ; else empty. */
  readonly alias?: string;
  /** The key with the id of the message that it corrects or retracts; else empty. */
  readonly target?: string;
}

/** Stores a message unless it is known: docs/guarantees.md has the rule. */
export function accept({ key, value, countable = false, alias = '', target = '' }: Acceptable): Operation<Accepted> {
  const counted = countable ? 1 : 0;
  const usual = alias === '' ? [countable ? 'ac' : 'a', key, value] : ['A', key, value, alias, counted];
  return operation(
    target === '' ? usual : ['correct', key, value, alias, counted, target],
    (reply) => {
      if (reply === '') return { key, target: undefined, known: undefined };
      if (reply[0] === '=') return { known: keyed(reply.slice(1)) };
      const [storedAs = key, corrects] = reply.slice(1).split(' ');
      return { key: storedAs, target: corrects, known: undefined };
    },
    true,
  );
}

/** What a receipt meant: `late` came after the message had ended otherwise, `repeated` after it was delivered. */
export type Settled =
  | { readonly outcome: 'delivered' | 'late'; readonly record: StoredRecord }
  | { readonly outcome: 'repeated' | 'unknown' };

/**
 * Takes a receipt.
 *
 * @param remember the sender's and the recipient's bare JIDs when it should be noted that he returns receipts
 * @param atHand the record that it most likely settles, if the caller has it: then Redis need not say it again
 */
export function settle(
  key: string,
  resource: string,
  now: number,
  remember?: { readonly sender: string; readonly recipient: string },
  atHand?: StoredRecord,
): Operation<Settled> {
  const members = settlement(now, resource === '' ? {} : { dr: resource });
  const usual = remember === undefined && atHand?.key === key;
  const args = usual
    ? ['s', key, members]
    : ['S', key, members, remember?.recipient ?? '', atHand?.key ?? '', remember?.sender ?? ''];
  return operation(args, (reply) => {
    if (reply === '') return { outcome: 'unknown' };
    if (reply === '=') return { outcome: 'repeated' };
    const outcome = reply[0] === 'd' ? 'delivered' : 'late';
    if (atHand === undefined || reply.includes('\n')) return { outcome, record: keyed(reply.slice(1)) };
    // The letter stands where the state stands in a head.
    return { outcome, record: settledRecord(atHand, reply, now, resource) };
  });
}

/**
 * Takes a reply or a reaction, which are evidence that a message has arrived, unless its author has a message of his own
 * under `ownKey`, which it may be about. As {@link settle}; `repeated` then.
 */
export function settleByMention(key: string, ownKey: string, resource: string, now: number): Operation<Settled> {
  const { args, grows, decode } = settle(key, resource, now);
  return { args: ['mention', key, args[2] as string, ownKey], grows, decode };
}

/**
 * A correction or a retraction was delivered: what its sender wrote in that message's place before it is of no use any
 * more, and counts as delivered with it.
 */
export function supersede(key: string): Operation<void> {
  return operation(['supersede', key], () => undefined);
}

/** A copy that the server has handled. */
export interface HandedOver {
  readonly key: string;
  readonly attempt: number;
  /** How many copies have been handed over with it. */
  readonly copies: number;
  /** When it is due again (ms), should the rules leave it to the timetable or to the few retries of the unconfirmed. */
  readonly byTimetable: number;
  readonly unconfirmed: number;
  readonly sender: string;
  readonly recipient: string;
  /** Whether it was marked to be kept from offline storage (XEP-0334). */
  readonly noStore: boolean;
  /** The resource that it was for, where servers drop it should that one be gone; else empty. */
  readonly resource?: string;
}

/** Notes that a copy was handed over. Gives the time (ms) that the message is due next, or undefined. */
export function handOver(copy: HandedOver): Operation<number | undefined> {
  const { key, attempt, copies, byTimetable, unconfirmed, sender, recipient, noStore, resource = '' } = copy;
  const args = ['h', key, attempt, copies, byTimetable, unconfirmed, sender, recipient, noStore ? 1 : 0, resource];
  return operation(args, (reply) => (reply === '' ? undefined : Number(reply)));
}

/** What follows a record's key in the sorted set while its sender is owed word of this ending: see due_member in Lua. */
const OWED_LETTER = { pending: '', delivered: '', expired: 'x', unconfirmed: 'u', rejected: 'r' } as const;

/** How many records one operation names at most: a call's size must not depend on how much there is to do. */
const MOST_NAMED = 100;

type Owed = Pick<StoredRecord, 'key' | 'state'>;

/** One operation for each hundred records, made of their members in the sorted set. */
function ofMembers(records: readonly Owed[], args: (members: string[]) => (string | number)[]): Operation<void>[] {
  const operations: Operation<void>[] = [];
  for (let first = 0; first < records.length; first += MOST_NAMED) {
    const members = records.slice(first, first + MOST_NAMED).map(({ key, state }) => key + OWED_LETTER[state]);
    operations.push(operation(args(members), () => undefined));
  }
  return operations;
}

/** Notes that the senders of these have been told how they ended. */
export function told(records: readonly Owed[]): Operation<void>[] {
  return ofMembers(records, (members) => ['t', members.length, ...members]);
}

/** Gives back what a sweep has leased until `leaseUntil` (ms): the next one finds it. */
export function release(records: readonly Owed[], leaseUntil: number): Operation<void>[] {
  return ofMembers(records, (members) => ['release', leaseUntil, members.length, ...members]);
}

/** Puts aside a pending record that turned out to be damaged where the ledger does not look: in its payload. */
export function putAside(key: string): Operation<void> {
  return operation(['q', key], () => undefined);
}

/** Damaged records that a log has named, by their keys; at most {@link Swept.unnamed} as a sweep gives them. */
export function named(keys: readonly string[]): Operation<void> {
  return operation(['named', keys.length, ...keys], () => undefined);
}

export type Claimed =
  | {
      readonly outcome: 'claimed';
      readonly record: StoredRecord;
      readonly noStore: boolean;
      /** The recipient's resource that a copy should go to, since another session of his is silent; else empty. */
      readonly target: string;
    }
  | { readonly outcome: 'asks'; readonly user: string; readonly resources: readonly string[] }
  | { readonly outcome: 'overdue' }
  | { readonly outcome: 'moot' };

/**
 * Claims an attempt: `moot` when another has it or nothing is to be sent (now: its recipient may be known to be away),
 * `overdue` when its life is over; `asks` when sessions of its recipient's are first to be asked whether they are there.
 * `noStore` tells that offline storage must not take this copy.
 *
 * @param lease until when (ms) the sweep that made the job has leased it: if it was handed over since, the job is moot
 */
export function claim(key: string, attempt: number, lease: number | '*' = '*'): Operation<Claimed> {
  return operation(['c', key, attempt, lease], (reply) => {
    if (reply === '') return { outcome: 'moot' };
    if (reply === 'x') return { outcome: 'overdue' };
    if (reply[0] === 'Q') {
      const [user = '', ...resources] = reply.slice(1).split('\0');
      return { outcome: 'asks', user, resources };
    }
    const end = reply.indexOf('\n');
    const target = reply.slice(1, end);
    return { outcome: 'claimed', noStore: reply[0] === '1', target, record: decodeRecord(key, reply.slice(end + 1)) };
  });
}

/** What a bounce met: a pending message (as it now stands), one that had ended, or none. */
export type Bounced =
  | { readonly outcome: 'ended' | 'unknown' }
  | { readonly outcome: 'done'; readonly record: StoredRecord };

function decodeBounce(reply: string, skip: number): Bounced {
  if (reply === '') return { outcome: 'unknown' };
  return reply === '=' ? { outcome: 'ended' } : { outcome: 'done', record: keyed(reply.slice(skip)) };
}

/** A temporary bounce. */
export function bounce(key: string): Operation<Bounced> {
  return operation(['b', key], (reply) => decodeBounce(reply, 0));
}

/** A permanent bounce. */
export function reject(
  key: string,
  now: number,
  condition: string,
  errorType: string | undefined,
  text: string | undefined,
): Operation<Bounced> {
  const members = settlement(now, {
    c: condition,
    ...(errorType !== undefined && { ct: errorType }),
    ...(text !== undefined && { cx: text }),
  });
  return operation(['r', key, members], (reply) => decodeBounce(reply, 1));
}

/** Brings a pending message's due time (ms) forward, unless its recipient is known to be away. */
export function hasten(key: string, due: number, recipient: string): Operation<void> {
  return operation(['n', key, due, recipient], () => undefined);
}

/** Ends a message whose life is over, as `expired` or `unconfirmed`; undefined when it is not its time. */
export function expire(key: string, now: number): Operation<StoredRecord | undefined> {
  return operation(['x', key, settlement(now)], (reply) => (reply === '' ? undefined : keyed(reply.slice(1))));
}

/** Gives an undelivered message a new life; undefined when there is nothing to send. */
export function revive(key: string): Operation<StoredRecord | undefined> {
  return operation(['v', key], (reply) => (reply === '' ? undefined : decodeRecord(key, reply)), true);
}

/** Takes back a message that may have been stored although its sender was told that it was not. */
export function withdraw(key: string, token: string): Operation<void> {
  return operation(['w', key, token], () => undefined);
}

/** The sender's answers go to another resource, and name another id, from now on. */
export function readdress(
  key: string,
  senderResource: string,
  senderId: string | undefined,
  owesReceipt = false,
): Operation<void> {
  const members = JSON.stringify({ sr: senderResource, i: senderId ?? '' }).slice(1, -1);
  return operation(['i', key, `,"_":0,${members},"_":1`, owesReceipt ? 1 : 0], () => undefined);
}
