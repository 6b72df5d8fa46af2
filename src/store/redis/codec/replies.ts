import type { SubscriptionState } from '../../../xmpp/stanza/subscription.ts';
import {
  type Accepted,
  type Bounced,
  type Kind,
  type Missed,
  OperationError,
  type Outcome,
  type Paused,
  type Proved,
  type QuotaReason,
  type RelayedIq,
  type Replies,
  type Request,
  type RequestOf,
  type Retried,
  type Seen,
  type Settled,
  type StoredRecord,
  UnreadableReplyError,
} from '../../contract.ts';
import type { Situation } from '../../redelivery-rules.ts';
import { decodeRecord, settledRecord } from '../record-codec.ts';
import { STANDING } from './words.ts';

/** NUL stands in no JID and no XML. */
const SEPARATOR = '\0';
/** What the reply to a request begins with that could not be carried out: NUL, and the error's text follows. */
const FAULT = 0;

const QUOTA_REASON: Readonly<Record<string, QuotaReason>> = {
  m: 'messages',
  b: 'bytes',
  c: 'conversation',
  d: 'domain',
  r: 'rate',
  f: 'memory',
};

/** By the letter of what became of the last copy: see scripts/include/evidence.lua. */
const EVIDENCE: Readonly<Record<string, Missed['evidence']>> = {
  o: 'session-ended',
  a: 'session-ended',
  k: 'session-ended',
  g: 'session-ended',
  t: 'session-ended',
  d: 'session-ended',
  T: 'session-ended',
  q: 'session-silent',
  b: 'bounced',
  x: 'not-stored',
};

/** By the letters of scripts/include/evidence.lua. */
const PRESENCE: Readonly<Record<string, Situation['presence']>> = { '?': 'unknown', o: 'online', f: 'offline' };
const ACKNOWLEDGES: Readonly<Record<string, Situation['acknowledges']>> = { y: 'yes', n: 'no', u: 'unknown' };
const COPY: Readonly<Record<string, Situation['copy']>> = {
  1: 'handed over',
  2: 'handed over',
  b: 'bounced',
  0: 'none',
};

const RETRIED: Readonly<Record<string, Retried>> = {
  n: 'due',
  w: 'in flight',
  m: 'waiting',
  t: 'too soon',
  o: 'ordinary',
  l: 'undelivered',
  '': 'unknown',
};

/** The first letter, where it is none of the flags. */
const SEEN: Readonly<Record<string, Seen['what']>> = {
  B: 'began',
  U: 'updated',
  H: 'returned',
  E: 'ended',
  D: 'left',
  '-': 'none',
  // Somebody who does not get the presence: flags alone.
  p: 'none',
  v: 'none',
  '': 'none',
};

function unreadable(what: string, reply: string): never {
  throw new UnreadableReplyError(
    `Redis' reply to ${what} is none that is known: ${JSON.stringify(reply.slice(0, 100))}`,
  );
}

/** What a word of a reply means. */
function word<Meaning>(words: Readonly<Record<string, Meaning>>, text: string, what: string): Meaning {
  const meaning = words[text];
  return meaning === undefined ? unreadable(what, text) : meaning;
}

function whole(text: string, what: string): number {
  const number = Number(text);
  return text === '' || !Number.isFinite(number) ? unreadable(what, text) : number;
}

/** Where Redis goes on with a scan. */
function cursor(text: string, what: string): string {
  return /^\d+$/.test(text) ? text : unreadable(what, text);
}

/** A key, a line feed and a record. */
function keyed(reply: string, from: number): StoredRecord {
  const end = reply.indexOf('\n', from);
  if (end === -1) unreadable('a request for a record', reply);
  return decodeRecord(reply.slice(from, end), reply.slice(end + 1));
}

function list(reply: string): string[] {
  return reply === '' ? [] : reply.split(SEPARATOR);
}

/** `1`, or empty for false. */
function yes(reply: string): boolean {
  return reply === '' ? false : reply === '1' || unreadable('a yes-or-no request', reply);
}

const nothing = () => undefined;

/** Blank after the quota's percentage, or nothing where it was not looked up; then what became of the message. */
function accepted(reply: string, { key, quota }: RequestOf<'accept'>): Accepted {
  let rest = reply;
  let taken: number | undefined;
  if (quota !== undefined) {
    const blank = reply.indexOf(' ');
    taken = whole(reply.slice(0, blank), 'accept');
    rest = reply.slice(blank + 1);
    if (rest[0] === '!') return { outcome: 'refused', reason: word(QUOTA_REASON, rest.slice(1), 'accept'), taken };
  }
  if (rest === '') return { outcome: 'stored', key, target: undefined, taken };
  if (rest[0] === '=') return { outcome: 'known', record: keyed(rest, 1), taken };
  if (rest[0] !== '+') unreadable('accept', rest);
  const blank = rest.indexOf(' ');
  if (blank === -1) return { outcome: 'stored', key: rest.slice(1), target: undefined, taken };
  return { outcome: 'stored', key: rest.slice(1, blank), target: rest.slice(blank + 1), taken };
}

/** The letter of how it ended, where a head has the state; then the rest of that head, or key and record. */
function settled(reply: string, atHand: StoredRecord | undefined, now: number, resource: string): Settled {
  if (reply === '') return { outcome: 'unknown' };
  if (reply === '=') return { outcome: 'repeated' };
  const outcome = reply[0] === 'd' ? 'delivered' : reply[0] === 'l' ? 'late' : unreadable('settle', reply);
  if (atHand === undefined || reply.includes('\n')) return { outcome, record: keyed(reply, 1) };
  return { outcome, record: settledRecord(atHand, reply, now, resource) };
}

function bounced(reply: string, from: number): Bounced {
  if (reply === '') return { outcome: 'unknown' };
  return reply === '=' ? { outcome: 'ended' } : { outcome: 'done', record: keyed(reply, from) };
}

function iqOf(text: string): RelayedIq {
  const { b, a, s, p, f, t, i } = JSON.parse(text) as Record<'b' | 'a' | 'p' | 'f' | 't' | 'i', string> & {
    s?: string;
  };
  return { requester: b, responder: a, substitute: s, proxied: p, from: f, to: t, id: i };
}

/** `<since, ms> <by>`, or empty while nothing is paused. */
export function pausedBy(text: string): Paused | undefined {
  if (text === '') return undefined;
  const blank = text.indexOf(' ');
  if (blank === -1) unreadable('pause', text);
  return { since: whole(text.slice(0, blank), 'pause'), by: text.slice(blank + 1) };
}

type Decoders = { readonly [K in Kind]: (reply: string, request: RequestOf<K>) => Replies[K] };

const DECODERS: Decoders = {
  accept: accepted,
  settle: (reply, { atHand, now, resource }) => settled(reply, atHand, now, resource),
  handOver: (reply) => (reply === '' ? undefined : whole(reply, 'handOver')),
  notified: nothing,
  claim(reply, { key }) {
    if (reply === '') return { outcome: 'moot' };
    if (reply === 'x') return { outcome: 'overdue' };
    if (reply[0] === 'Q') {
      const [user, ...resources] = reply.slice(1).split(SEPARATOR);
      return { outcome: 'asks', user: user as string, resources };
    }
    const end = reply.indexOf('\n');
    if (end === -1 || (reply[0] !== '0' && reply[0] !== '1')) unreadable('claim', reply);
    const target = reply.slice(1, end);
    return { outcome: 'claimed', noStore: reply[0] === '1', target, record: decodeRecord(key, reply.slice(end + 1)) };
  },
  settleByMention: (reply, { now, resource }) => settled(reply, undefined, now, resource),
  supersede: nothing,
  release: nothing,
  quarantine: nothing,
  reported: nothing,
  bounce: (reply) => bounced(reply, 0),
  reject: (reply) => bounced(reply, 1),
  bringForward: nothing,
  expire: (reply) => (reply === '' ? undefined : keyed(reply, 1)),
  requeue: (reply, { key }) => (reply === '' ? undefined : decodeRecord(key, reply)),
  withdraw: nothing,
  readdress: nothing,

  sessionAvailable(reply) {
    if (reply === '-') return { away: true, next: '0', missed: [], there: '' };
    const end = reply.indexOf('\n');
    // A portion that nobody is there for has no more than its cursor.
    const [portion, there] = end === -1 ? [reply, ''] : [reply.slice(0, end), reply.slice(end + 1)];
    const [next, ...parts] = portion.split(',') as [string, ...string[]];
    if (parts.length % 5 !== 0) unreadable('sessionAvailable', reply);
    const missed: Missed[] = [];
    for (let i = 0; i < parts.length; i += 5) {
      const [key, attempt, how, storedAt, token] = parts.slice(i, i + 5) as [string, string, string, string, string];
      const evidence = word(EVIDENCE, how, 'sessionAvailable');
      missed.push({ key, attempt: whole(attempt, 'sessionAvailable'), evidence, storedAt: Number(storedAt), token });
    }
    return { away: false, next: cursor(next, 'sessionAvailable'), missed, there };
  },
  senderAvailable: (reply) => cursor(reply, 'senderAvailable'),
  sequenceGap(reply) {
    const [next, ...keys] = reply.split(',') as [string, ...string[]];
    return { next: cursor(next, 'sequenceGap'), keys };
  },
  explain(reply, { key }) {
    if (reply === '') return undefined;
    const end = reply.indexOf('\n');
    if (end < 3) unreadable('explain', reply);
    const due = reply.slice(3, end);
    return {
      situation: {
        presence: word(PRESENCE, reply[0] as string, 'explain'),
        acknowledges: word(ACKNOWLEDGES, reply[1] as string, 'explain'),
        copy: word(COPY, reply[2] as string, 'explain'),
      },
      due: due === '' ? undefined : whole(due, 'explain'),
      record: decodeRecord(key, reply.slice(end + 1)),
    };
  },
  renewLease: nothing,
  settleUpTo(reply) {
    const [next, ...texts] = reply.split('\n\n') as [string, ...string[]];
    const proved: Proved[] = [];
    for (const text of texts) {
      // What was settled before says so in a word.
      if (text[0] === 'd' || text[0] === 'l') proved.push({ record: keyed(text, 1), late: text[0] === 'l' });
    }
    return { next: cursor(next, 'settleUpTo'), settled: proved };
  },

  subscriptionStep: (reply) => word<SubscriptionState>(STANDING, reply, 'subscriptionStep'),
  withdrawSubscription: nothing,
  recordPresence(reply) {
    const [flags, ...ended] = reply.split(SEPARATOR) as [string, ...string[]];
    return {
      what: word(SEEN, flags.slice(0, 1), 'recordPresence'),
      asks: flags.includes('c'),
      probe: flags.includes('p'),
      verify: flags.includes('v'),
      ended,
    };
  },
  renewSession: (reply) => reply === 'R',
  recordPing: nothing,
  recordStrayPing: yes,
  recordReceiptSupport: nothing,
  forgetPresence: nothing,
  beginProbe: list,
  isAvailable: yes,
  subscribersOf: list,
  endUnheard: list,
  whoStillSees: (reply) => (reply === 'E' ? 'ended' : reply === '' ? undefined : reply),
  heartbeat(reply) {
    const blank = reply.indexOf(' ');
    if (blank === -1) unreadable('heartbeat', reply);
    return {
      others: whole(reply.slice(0, blank), 'heartbeat'),
      subscribers: whole(reply.slice(blank + 1), 'heartbeat'),
    };
  },
  leaveService: (reply) => whole(reply, 'leaveService'),
  claimProbing: (reply) =>
    reply === 'go' || reply === 'wait' || reply === 'joined' ? reply : unreadable('claimProbing', reply),
  renewProbing: nothing,
  releaseProbing: nothing,

  recordIq: (reply) => reply === '' || (reply === '!' ? false : unreadable('recordIq', reply)),
  takeIqResponse(reply) {
    if (reply === '') return { outcome: 'late' };
    return reply === '!' ? { outcome: 'forged' } : { outcome: 'answers', iq: iqOf(reply) };
  },
  overdueIqs(reply) {
    const flat = reply === '' ? [] : (JSON.parse(reply) as string[]);
    const overdue: { id: string; iq: RelayedIq }[] = [];
    for (let i = 0; i < flat.length; i += 2) overdue.push({ id: flat[i] as string, iq: iqOf(flat[i + 1] as string) });
    return overdue;
  },
  endIq: (reply) => (reply === '' ? undefined : iqOf(reply)),
  forgetIq: nothing,
  knownCapabilities: (reply) =>
    reply === '' ? undefined : reply === 'y' || reply === 'n' ? reply : unreadable('knownCapabilities', reply),
  recordCapabilities: nothing,

  cancel(reply) {
    if (reply === '') return { outcome: 'unknown' };
    return reply === 'l' ? { outcome: 'dropped' } : { outcome: 'cancelled', record: keyed(reply, 1) };
  },
  retryNow: (reply) => word(RETRIED, reply, 'retryNow'),
  erase: (reply) => whole(reply, 'erase'),
  forgetUser: (reply) => whole(reply, 'forgetUser'),
  pause: pausedBy,
  resume: pausedBy,
  openCommandSession: nothing,
  readCommandSession(reply) {
    if (reply === '') return undefined;
    if (reply[0] === 'o') return { whose: reply.slice(1) };
    return reply[0] === 'x' ? 'ended' : unreadable('readCommandSession', reply);
  },
  endCommandSession: yes,
};

/** What a script's reply to a request means. Never throws. */
export function decode(request: Request, reply: string): Outcome {
  // Looked at for every reply.
  if (reply.charCodeAt(0) === FAULT) return new OperationError(reply.slice(1));
  try {
    return (DECODERS[request.kind] as (reply: string, request: Request) => Outcome)(reply, request);
  } catch (error) {
    if (error instanceof UnreadableReplyError) return error;
    return new UnreadableReplyError(`Redis' reply to ${request.kind} cannot be read`, { cause: error });
  }
}
