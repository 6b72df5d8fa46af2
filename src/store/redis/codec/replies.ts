import type { Kind, Outcome, Paused, Request, Seen } from '../../contract.ts';
import type { InternalKind, InternalReplies, InternalRequest, InternalRequestOf } from '../internal-requests.ts';
import { decodeRecord } from '../record-codec.ts';
import { COUNT, DONE, type FormsOf, says, TEXTS, to, YES_OR_NO } from './common-replies.ts';
import { MESSAGE_REPLIES, WITHIN } from './message-replies.ts';
import { decodeIq } from './relayed-iq.ts';
import { type Form, type Forms, fixed, forms, list, meaningOf, open, whole, word } from './reply.ts';

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

const PAUSED = forms({ none: says(undefined), paused: fixed(1, ([text]): Paused | undefined => pausedBy(text)) });

/** What may be replied to each request; to one that looks at a quota, see {@link formsOf}. */
export const REPLY_FORMS: FormsOf<Kind> = {
  ...MESSAGE_REPLIES,

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

type InternalForms = {
  readonly [K in Exclude<InternalKind, 'acceptKnowing'>]: Forms<InternalRequestOf<K>, InternalReplies[K]>;
};

const INTERNAL_REPLY_FORMS: InternalForms = {
  sessionsHash: TEXTS,
  postponeNotice: DONE,
  isKnown: YES_OR_NO,
  loadOf: forms({
    load: fixed(4, ([messages, bytes, domainMessages, domainBytes]) => ({
      messages: whole(messages),
      bytes: whole(bytes),
      domainMessages: whole(domainMessages),
      domainBytes: whole(domainBytes),
    })),
  }),
  noteSubscriptions: DONE,
};

/** What may be replied to this request. */
export function formsOf(request: Request): Forms<Request, Outcome> {
  const all = request.kind === 'accept' && request.quota !== undefined ? WITHIN : REPLY_FORMS[request.kind];
  return all as Forms<Request, Outcome>;
}

/** What a script's reply to a request means. Never throws. */
export function decode(request: Request | InternalRequest, reply: unknown): Outcome {
  const { kind } = request;
  if (kind === 'acceptKnowing') return decode(request.accept, reply);
  const all =
    kind in INTERNAL_REPLY_FORMS ? INTERNAL_REPLY_FORMS[kind as keyof InternalForms] : formsOf(request as Request);
  return meaningOf(all as Forms<Request, Outcome>, kind, reply, request as Request);
}
