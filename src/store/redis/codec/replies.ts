import type {
  Accepted,
  Bounced,
  Kind,
  Missed,
  Outcome,
  Paused,
  QuotaReason,
  Replies,
  Request,
  RequestOf,
  Seen,
  Settled,
} from '../../contract.ts';
import type { Situation } from '../../redelivery-rules.ts';
import { decodeRecord, settledRecord } from '../record-codec.ts';
import { decodeIq } from './relayed-iq.ts';
import {
  cursor,
  type Form,
  type Forms,
  fixed,
  flag,
  forms,
  list,
  meaningOf,
  open,
  read,
  whole,
  word,
} from './reply.ts';

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

/** An outcome without fields that says all. */
const says = <Meaning>(meaning: Meaning): Form<unknown, Meaning> => fixed(0, () => meaning);

const ACCEPTED = forms<RequestOf<'accept'>, Accepted>({
  stored: fixed(0, (_, { key }) => ({ outcome: 'stored', key, target: undefined, taken: undefined })),
  'stored-as': fixed(1, ([key]) => ({ outcome: 'stored', key, target: undefined, taken: undefined })),
  correction: fixed(2, ([key, target]) => ({ outcome: 'stored', key, target, taken: undefined })),
  known: open(2, ([key, record]) => ({ outcome: 'known', record: decodeRecord(key, record), taken: undefined })),
});

/** What of a message's own is replied, with the percentage of its sender's quota that is taken. */
const WITHIN = forms<RequestOf<'accept'>, Accepted>({
  within: open(2, ([taken, reply], request) => {
    const accepted: { -readonly [Name in keyof Accepted]: Accepted[Name] } = read(ACCEPTED, reply, request);
    accepted.taken = whole(taken);
    return accepted as Accepted;
  }),
  refused: fixed(2, ([taken, reason]) => ({
    outcome: 'refused',
    reason: word(QUOTA_REASON, reason),
    taken: whole(taken),
  })),
});

const settled = (outcome: 'delivered' | 'late'): Form<unknown, Settled> =>
  open(2, ([key, record]) => ({ outcome, record: decodeRecord(key, record) }));

const settledAtHand = (outcome: 'delivered' | 'late'): Form<RequestOf<'settle'>, Settled> =>
  fixed(1, ([counts], { atHand, now, resource }) => {
    if (atHand === undefined || !/^[\da-f]{6}$/.test(counts)) throw new SyntaxError('there is no record at hand');
    return { outcome, record: settledRecord(atHand, counts, now, resource) };
  });

const SETTLED: Readonly<Record<string, Form<unknown, Settled>>> = {
  unknown: says({ outcome: 'unknown' }),
  repeated: says({ outcome: 'repeated' }),
  delivered: settled('delivered'),
  late: settled('late'),
};

const BOUNCED: Form<unknown, Bounced> = open(2, ([key, record]) => ({
  outcome: 'done',
  record: decodeRecord(key, record),
}));
const NOT_BOUNCED: Readonly<Record<string, Form<unknown, Bounced>>> = {
  unknown: says({ outcome: 'unknown' }),
  ended: says({ outcome: 'ended' }),
};

/** Since when (ms) and by whom, as Redis holds it: `<ms> <by>`. Throws a SyntaxError where it is none. */
export function pausedBy(text: string): Paused {
  const blank = text.indexOf(' ');
  if (blank === -1) throw new SyntaxError('a pause does not say by whom');
  return { since: whole(text.slice(0, blank)), by: text.slice(blank + 1) };
}

const seen = (what: Seen['what']): Form<unknown, Seen> =>
  list(1, 1, ([flags], ended) => {
    if (!/^c?[pv]?$/.test(flags)) throw new SyntaxError('a field has flags that are not known');
    const [asks, probe, verify] = [flags.includes('c'), flags.includes('p'), flags.includes('v')];
    return { what, asks, probe, verify, ended: ended.flat() };
  });

const SUPPORT = { y: 'y', n: 'n' } as const;

const DONE = forms({ done: says(undefined) });
const YES_OR_NO = forms({ yes: says(true), no: says(false) });
const TEXTS = forms({ list: list(0, 1, (_, texts): string[] => texts.flat()) });
const COUNT = forms({ count: fixed(1, ([count]) => whole(count)) });
const PAUSED = forms({ none: says(undefined), paused: fixed(1, ([text]): Paused | undefined => pausedBy(text)) });

/** What may be replied to requests of a kind. */
const to = <K extends Kind>(all: Readonly<Record<string, Form<RequestOf<K>, Replies[K]>>>) => forms(all);

type AllForms = { readonly [K in Kind]: Forms<RequestOf<K>, Replies[K]> };

/** What may be replied to each request; to one that looks at a quota, see {@link formsOf}. */
export const REPLY_FORMS: AllForms = {
  accept: ACCEPTED,
  withdraw: DONE,
  readdress: DONE,

  settle: forms<RequestOf<'settle'>, Settled>({
    ...SETTLED,
    'delivered-at-hand': settledAtHand('delivered'),
    'late-at-hand': settledAtHand('late'),
  }),
  settleByMention: to<'settleByMention'>(SETTLED),
  supersede: DONE,

  handOver: to<'handOver'>({ moot: says(undefined), due: fixed(1, ([due]) => whole(due)) }),
  claim: to<'claim'>({
    moot: says({ outcome: 'moot' }),
    overdue: says({ outcome: 'overdue' }),
    asks: list(1, 1, ([user], resources) => ({ outcome: 'asks', user, resources: resources.flat() })),
    claimed: open(3, ([noStore, target, record], { key }) => ({
      outcome: 'claimed',
      noStore: flag(noStore),
      target,
      record: decodeRecord(key, record),
    })),
  }),
  bounce: to<'bounce'>({ ...NOT_BOUNCED, bounced: BOUNCED }),
  bringForward: DONE,
  release: DONE,

  notified: DONE,
  reject: to<'reject'>({ ...NOT_BOUNCED, undelivered: BOUNCED }),
  expire: to<'expire'>({
    moot: says(undefined),
    undelivered: open(2, ([key, record]) => decodeRecord(key, record)),
    unconfirmed: open(2, ([key, record]) => decodeRecord(key, record)),
  }),
  requeue: to<'requeue'>({
    moot: says(undefined),
    requeued: open(1, ([record], { key }) => decodeRecord(key, record)),
  }),
  quarantine: DONE,
  reported: DONE,

  sessionAvailable: to<'sessionAvailable'>({
    away: says({ away: true, next: '0', missed: [], there: '' }),
    missed: list(2, 5, ([next, there], missed) => ({
      away: false,
      next: cursor(next),
      missed: missed.map(([key, attempt, how, storedAt, token]) => ({
        key,
        attempt: whole(attempt),
        evidence: word(EVIDENCE, how),
        storedAt: whole(storedAt),
        token,
      })),
      there,
    })),
  }),
  senderAvailable: to<'senderAvailable'>({ next: fixed(1, ([next]) => cursor(next)) }),
  sequenceGap: to<'sequenceGap'>({ gap: list(1, 1, ([next], keys) => ({ next: cursor(next), keys: keys.flat() })) }),
  explain: to<'explain'>({
    none: says(undefined),
    explained: open(5, ([presence, acknowledges, copy, due, record], { key }) => ({
      situation: {
        presence: word(PRESENCE, presence),
        acknowledges: word(ACKNOWLEDGES, acknowledges),
        copy: word(COPY, copy),
      },
      due: due === '' ? undefined : whole(due),
      record: decodeRecord(key, record),
    })),
  }),
  renewLease: DONE,
  settleUpTo: to<'settleUpTo'>({
    proved: list(1, 3, ([next], proved) => ({
      next: cursor(next),
      settled: proved.map(([outcome, key, record]) => ({
        record: decodeRecord(key, record),
        late: word({ delivered: false, late: true }, outcome),
      })),
    })),
  }),

  subscriptionStep: to<'subscriptionStep'>({
    none: says('none'),
    asked: says('asked'),
    askedLongAgo: says('askedLongAgo'),
    subscribed: says('subscribed'),
    probed: says('probed'),
  }),
  withdrawSubscription: DONE,
  subscribersOf: TEXTS,

  recordPresence: to<'recordPresence'>({
    began: seen('began'),
    updated: seen('updated'),
    returned: seen('returned'),
    ended: seen('ended'),
    left: seen('left'),
    none: seen('none'),
  }),
  renewSession: YES_OR_NO,
  recordPing: DONE,
  recordStrayPing: YES_OR_NO,
  recordReceiptSupport: DONE,
  isAvailable: YES_OR_NO,

  forgetPresence: DONE,
  beginProbe: TEXTS,
  endUnheard: TEXTS,
  whoStillSees: to<'whoStillSees'>({
    none: says(undefined),
    ended: says('ended'),
    subscriber: fixed(1, ([subscriber]) => subscriber),
  }),

  heartbeat: to<'heartbeat'>({
    count: fixed(2, ([others, subscribers]) => ({ others: whole(others), subscribers: whole(subscribers) })),
  }),
  leaveService: COUNT,
  claimProbing: to<'claimProbing'>({ go: says('go'), wait: says('wait'), joined: says('joined') }),
  renewProbing: DONE,
  releaseProbing: DONE,

  recordIq: to<'recordIq'>({ recorded: says(true), full: says(false) }),
  takeIqResponse: to<'takeIqResponse'>({
    late: says({ outcome: 'late' }),
    forged: says({ outcome: 'forged' }),
    answers: fixed(1, ([iq]) => ({ outcome: 'answers', iq: decodeIq(iq) })),
  }),
  overdueIqs: to<'overdueIqs'>({ list: list(0, 2, (_, iqs) => iqs.map(([id, iq]) => ({ id, iq: decodeIq(iq) }))) }),
  endIq: to<'endIq'>({ moot: says(undefined), ended: fixed(1, ([iq]) => decodeIq(iq)) }),
  forgetIq: DONE,
  knownCapabilities: to<'knownCapabilities'>({
    unknown: says(undefined),
    known: fixed(1, ([support]) => word(SUPPORT, support)),
  }),
  recordCapabilities: DONE,

  cancel: to<'cancel'>({
    unknown: says({ outcome: 'unknown' }),
    dropped: says({ outcome: 'dropped' }),
    cancelled: open(2, ([key, record]) => ({ outcome: 'cancelled', record: decodeRecord(key, record) })),
  }),
  retryNow: to<'retryNow'>({
    due: says('due'),
    'in flight': says('in flight'),
    waiting: says('waiting'),
    'too soon': says('too soon'),
    ordinary: says('ordinary'),
    undelivered: says('undelivered'),
    unknown: says('unknown'),
  }),
  erase: COUNT,
  forgetUser: COUNT,
  pause: PAUSED,
  resume: PAUSED,

  openCommandSession: DONE,
  readCommandSession: to<'readCommandSession'>({
    none: says(undefined),
    ended: says('ended'),
    open: open(1, ([whose]) => ({ whose })),
  }),
  endCommandSession: YES_OR_NO,
};

/** What may be replied to this request. */
export function formsOf(request: Request): Forms<Request, Outcome> {
  const all = request.kind === 'accept' && request.quota !== undefined ? WITHIN : REPLY_FORMS[request.kind];
  return all as Forms<Request, Outcome>;
}

/** What a script's reply to a request means. Never throws. */
export function decode(request: Request, reply: unknown): Outcome {
  return meaningOf(formsOf(request), request.kind, reply, request);
}
