import type {
  AcceptanceReplies,
  Accepted,
  AttemptReplies,
  Bounced,
  EndingReplies,
  EvidenceReplies,
  ExplainReplies,
  Missed,
  Proved,
  QuotaReason,
  RequestOf,
  Settled,
  SettlementReplies,
  StoredRecord,
} from '../../contract.ts';
import type { Situation } from '../../redelivery-rules.ts';
import { decodeRecord, settledRecord } from '../record-codec.ts';
import { DONE, type FormsOf, says, TEXTS, to, YES_OR_NO } from './common-replies.ts';
import { cursor, type Form, fixed, flag, forms, list, open, read, whole, word } from './reply.ts';

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

/** A message was not stored: what is known of its sender must be asked in his shard first. */
export const NEEDS_SENDER = { outcome: 'needs sender' } as const;
const NEEDS = { needs: says(NEEDS_SENDER as unknown as Accepted) };

const ACCEPTED = forms<RequestOf<'accept'>, Accepted>({
  ...NEEDS,
  stored: fixed(0, (_, { key }) => ({ outcome: 'stored', key, target: undefined, taken: undefined })),
  'stored-as': fixed(1, ([key]) => ({ outcome: 'stored', key, target: undefined, taken: undefined })),
  correction: fixed(2, ([key, target]) => ({ outcome: 'stored', key, target, taken: undefined })),
  known: open(2, ([key, record]) => ({ outcome: 'known', record: decodeRecord(key, record), taken: undefined })),
});

/** What of a message's own is replied, with the percentage of its sender's quota that is taken. */
export const WITHIN = forms<RequestOf<'accept'>, Accepted>({
  ...NEEDS,
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

const settledAtHand = (outcome: 'delivered' | 'late'): Form<RequestOf<'settle' | 'prove'>, Settled> =>
  // For every receipt.
  fixed(1, (fields, { atHand, now, resource }) => {
    const counts = fields[0];
    if (atHand === undefined) throw new SyntaxError('there is no record at hand');
    if (counts.length !== 6 || !Number.isInteger(Number(`0x${counts}`))) throw new SyntaxError('a field has no counts');
    return { outcome, record: settledRecord(atHand, counts, now, resource) };
  });

const SETTLED: Readonly<Record<string, Form<unknown, Settled>>> = {
  unknown: says({ outcome: 'unknown' }),
  repeated: says({ outcome: 'repeated' }),
  delivered: settled('delivered'),
  late: settled('late'),
};

const SETTLED_AT_HAND = {
  'delivered-at-hand': settledAtHand('delivered'),
  'late-at-hand': settledAtHand('late'),
};

const BOUNCED: Form<unknown, Bounced> = open(2, ([key, record]) => ({
  outcome: 'done',
  record: decodeRecord(key, record),
}));
const NOT_BOUNCED: Readonly<Record<string, Form<unknown, Bounced>>> = {
  unknown: says({ outcome: 'unknown' }),
  ended: says({ outcome: 'ended' }),
};

type MessageKind = keyof (AcceptanceReplies &
  AttemptReplies &
  EndingReplies &
  EvidenceReplies &
  ExplainReplies &
  SettlementReplies);

/** What may be replied to each request about messages; to one that looks at a quota, {@link WITHIN}. */
export const MESSAGE_REPLIES: FormsOf<MessageKind> = {
  accept: ACCEPTED,
  withdraw: DONE,
  readdress: DONE,
  isTaken: YES_OR_NO,

  settle: forms<RequestOf<'settle'>, Settled>({ ...SETTLED, ...SETTLED_AT_HAND }),
  settleByMention: to<'settleByMention'>(SETTLED),
  supersede: DONE,
  prove: to<'prove'>({
    ...SETTLED,
    ...SETTLED_AT_HAND,
    proved: open(2, ([key, record]) => ({ outcome: 'proved', record: decodeRecord(key, record) })),
  }),
  keyOfHeld: to<'keyOfHeld'>({ unknown: says(undefined), key: fixed(1, ([key]) => key) }),
  namedBy: to<'namedBy'>({ list: list(0, 2, (_, all) => all.map(([key, record]) => decodeRecord(key, record))) }),

  handOver: to<'handOver'>({ moot: says(undefined), due: fixed(1, (fields) => whole(fields[0])) }),
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
  anythingOut: TEXTS,
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
    proved: list(1, 3, ([next], proved) => {
      const settled: Proved[] = [];
      const earlier: StoredRecord[] = [];
      let named: StoredRecord | undefined;
      for (const [outcome, key, text] of proved) {
        const record = decodeRecord(key, text);
        if (outcome === 'earlier') earlier.push(record);
        else if (outcome === 'named') named = record;
        else settled.push({ record, late: word({ delivered: false, late: true }, outcome) });
      }
      return { next: cursor(next), settled, earlier, ...(named && { named }) };
    }),
  }),
};
