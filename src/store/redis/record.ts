import { idOnTheWay } from '../../xmpp/stanza/message-key.ts';

/**
 * A record as Redis holds it: a head of fixed width that scripts change in place, a body in JSON that they only append
 * to, a line feed and the message's children as XML. So no script parses anything on the way of a message, and a
 * message that takes 300 bytes takes few more.
 *
 *     p 0 1 01 0001 1764000000000{"k":...}\n<body>...</body>
 *     | | | |  |    stored at, ms (13 digits)
 *     | | | |  attempts claimed (4 hex digits), the fence between processes
 *     | | | copies handed over (2 hex digits)
 *     | | whether the sender is owed a receipt
 *     | copies that may lie at the server or the client: 0 none, 1 the last one, 2 an earlier one; b the last one bounced;
 *     | in a reply only, w: it has ended, and its sender is away
 *     state
 *
 * (written without the blanks). The offsets stand here and in scripts/include/stored-records.lua.
 */

type State = 'pending' | 'delivered' | 'expired' | 'unconfirmed' | 'rejected';

const STATES: Readonly<Record<string, State>> = {
  p: 'pending',
  d: 'delivered',
  x: 'expired',
  u: 'unconfirmed',
  r: 'rejected',
};

const HEAD_LENGTH = 22;

/** What is known of a message from the moment that it is accepted. Addresses are those of the served domain. */
export interface Envelope {
  /** The sender's bare JID and resource. */
  readonly sender: string;
  readonly senderResource: string;
  /** The recipient's bare JID, and the resource that the sender addressed (or none). */
  readonly recipient: string;
  readonly recipientResource: string;
  /** The id that it goes out under. */
  readonly wireId: string;
  /** The id that its sender gave it, if he did. */
  readonly senderId: string | undefined;
  /** Whether the sender asked for a receipt and gave an id that a receipt can name. */
  readonly owesReceipt: boolean;
  readonly type: string | undefined;
  readonly otherAttributes: string;
}

/** A record that was read back. */
export interface StoredRecord extends Envelope {
  readonly key: string;
  /** The key of the earlier message that it corrects or retracts, if it does: see scripts/include/corrections.lua. */
  readonly target: string | undefined;
  readonly state: State;
  /** Attempts claimed so far: the fence between processes, see scripts/include/attempt.lua. */
  readonly attempt: number;
  /** Copies that were noted as handed over; see `copiesOf`. */
  readonly copies: number;
  /** Whether a copy may lie at the server or the client. */
  readonly copyOut: boolean;
  /** Whether the last copy came back with a temporary error, and no earlier one is out. */
  readonly bounced: boolean;
  /** When it was first stored, ms. */
  readonly firstStoredAt: number;
  /** From when its life counts: the same, unless an operator sent it after all. */
  readonly storedAt: number;
  /** Whether it ended undelivered while its sender is known to be away: he is told when he comes. */
  readonly senderAway: boolean;
  readonly settledAt: number | undefined;
  /** The resource that the receipt came from. */
  readonly receiptResource: string;
  /** Why it was rejected: a stanza error condition. */
  readonly condition: string | undefined;
  readonly conditionType: string | undefined;
  readonly conditionText: string | undefined;
  /** Its children as XML. Of one that has ended, only those of a failure that its sender is to be told, where they are kept. */
  readonly inner: string;
}

interface Body {
  /** Tokens of attempts to store it, joined by `+`: see scripts/include/accept.lua. */ k?: string;
  /** Payload digest. */ d: string;
  /** The other key that leads here. */ al?: string;
  s: string;
  sr?: string;
  r: string;
  rr?: string;
  w: string;
  /** Its origin-id, if that is another than `w`. */ n?: string;
  /** What it corrects or retracts. */ t?: string;
  i?: string;
  y?: string;
  a?: string;
  /** First stored at, when an operator's retry has begun a new life. */ o?: number;
  e?: number;
  dr?: string;
  c?: string;
  ct?: string;
  cx?: string;
}

/**
 * A new record's value.
 *
 * @param token names this attempt to store it, so that a repetition after a lost reply is known from a duplicate
 * @param alias the key of its id where it is known by its origin-id; and then that
 */
export function encodeRecord(
  envelope: Envelope,
  inner: string,
  digest: string,
  storedAt: number,
  token: string,
  alias = '',
  originId?: string,
): string {
  const { sender, senderResource, recipient, recipientResource, wireId, senderId, owesReceipt, type, otherAttributes } =
    envelope;
  // What is undefined is left out of JSON.
  const body: Partial<Record<keyof Body, string | undefined>> = {
    k: token,
    d: digest,
    al: alias || undefined,
    s: sender,
    sr: senderResource || undefined,
    r: recipient,
    rr: recipientResource || undefined,
    w: wireId,
    n: originId,
    // A sender who gave no id gets 'i' as an empty string, which no stanza's id is.
    i: senderId === wireId ? undefined : (senderId ?? ''),
    y: type,
    a: otherAttributes || undefined,
  };
  return `p0${owesReceipt ? '1' : '0'}000001${storedAt}${JSON.stringify(body)}\n${inner}`;
}

/**
 * The token of the attempt that stored it; others may follow it (scripts/include/accept.lua). No text in a body looks like one, as
 * quotes are escaped there.
 */
export function tokenOf(value: string): string {
  return /"k":"([^"+]*)/.exec(value)?.[1] ?? '';
}

/** The latest time that a Date can hold, ms. */
const LATEST = 8.64e15;

/** Reads a record back. Throws a SyntaxError when it is not one. */
export function decodeRecord(key: string, value: string): StoredRecord {
  const end = value.indexOf('\n', HEAD_LENGTH);
  const bodyEnd = end === -1 ? value.length : end;
  const body = JSON.parse(value.slice(HEAD_LENGTH, bodyEnd)) as Body;
  const storedAt = Number(value.slice(9, HEAD_LENGTH));
  if (!(Math.abs(body.o ?? 0) <= LATEST && Math.abs(body.e ?? 0) <= LATEST)) {
    throw new SyntaxError('A record has a time that is none');
  }
  return {
    key,
    target: body.t,
    state: STATES[value[0] as string] ?? 'pending',
    attempt: Number.parseInt(value.slice(5, 9), 16),
    storedAt,
    copyOut: value[1] === '1' || value[1] === '2',
    bounced: value[1] === 'b',
    senderAway: value[1] === 'w',
    owesReceipt: value[2] === '1',
    copies: Number.parseInt(value.slice(3, 5), 16),
    firstStoredAt: body.o ?? storedAt,
    sender: body.s,
    senderResource: body.sr ?? '',
    recipient: body.r,
    recipientResource: body.rr ?? '',
    wireId: idOnTheWay(key, body.w, body.n),
    senderId: body.i === '' ? undefined : (body.i ?? body.w),
    type: body.y,
    otherAttributes: body.a ?? '',
    settledAt: body.e,
    receiptResource: body.dr ?? '',
    condition: body.c,
    conditionType: body.ct,
    conditionText: body.cx,
    inner: end === -1 ? '' : value.slice(end + 1),
  };
}

/** How many copies it took, to be shown: a receipt may come before it was noted that the one it is for was handed over. */
export function copiesOf({ state, copies }: Pick<StoredRecord, 'state' | 'copies'>): number {
  return state === 'delivered' ? Math.max(copies, 1) : copies;
}

/** The fields that settling appends to a body, as JSON members with a leading comma. */
export function settlement(
  settledAt: number,
  fields: { dr?: string; c?: string; ct?: string; cx?: string } = {},
): string {
  return `,${JSON.stringify({ e: settledAt, ...fields }).slice(1, -1)}`;
}

/** A record that was at hand when it was settled, with what its tombstone's head tells. */
export function settledRecord(
  record: StoredRecord,
  head: string,
  settledAt: number,
  receiptResource: string,
): StoredRecord {
  const { key, sender, senderResource, recipient, recipientResource, wireId, senderId, owesReceipt } = record;
  return {
    key,
    target: record.target,
    state: 'delivered',
    attempt: Number.parseInt(head.slice(5, 9), 16),
    copies: Number.parseInt(head.slice(3, 5), 16),
    copyOut: record.copyOut,
    bounced: record.bounced,
    senderAway: false,
    sender,
    senderResource,
    recipient,
    recipientResource,
    wireId,
    senderId,
    owesReceipt,
    type: record.type,
    otherAttributes: record.otherAttributes,
    inner: '',
    firstStoredAt: record.firstStoredAt,
    storedAt: record.storedAt,
    settledAt,
    receiptResource,
    condition: undefined,
    conditionType: undefined,
    conditionText: undefined,
  };
}
