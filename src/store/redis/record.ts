import { wireIdOf } from '../../xmpp/stanza/message-key.ts';
import type { Envelope, State, StoredRecord } from '../contract.ts';

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

const STATES: Readonly<Record<string, State>> = {
  p: 'pending',
  d: 'delivered',
  x: 'expired',
  u: 'unconfirmed',
  r: 'rejected',
};

const HEAD_LENGTH = 22;

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
    wireId: wireIdOf(key, body.w, body.n),
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
