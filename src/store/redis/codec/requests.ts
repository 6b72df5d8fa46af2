import { ASK_AGAIN_AFTER, type SubscriptionType, transitionOf } from '../../../xmpp/stanza/subscription.ts';
import {
  type Ending,
  isOfAtHand,
  type Kind,
  type Limits,
  type Only,
  type QuotaReason,
  type Request,
  type RequestOf,
  type SessionEvent,
  tokenOfHeld,
} from '../../contract.ts';
import { ALIVE_FOR, CLAIM_FOR, JOINS_FOR } from '../../presence-times.ts';
import { type Argument, Octets } from '../command-bytes.ts';
import type { InternalKind, InternalRequest, InternalRequestOf } from '../internal-requests.ts';
import { encodeRecord, writtenEnding, writtenSenderId } from '../record-codec.ts';
import { written } from '../record-text.ts';
import { encodeIq } from './relayed-iq.ts';
import { NEXT_STANDING, STANDING } from './words.ts';

/** Arguments of a script. */
export type Arguments = Argument[];

const STATE_LETTER = { pending: 'p', delivered: 'd', expired: 'x', unconfirmed: 'u', rejected: 'r' } as const;
/** What follows a record's key in the sorted set while its sender is owed word of this ending: see due_member in Lua. */
const OWED_LETTER = { pending: '', delivered: '', expired: 'x', unconfirmed: 'u', rejected: 'r' } as const;

const EVENT: Readonly<Record<SessionEvent, string>> = { login: 'l', update: 'u', ended: 'e', 'heard again': 'h' };

const QUOTA_LETTER: Readonly<Record<QuotaReason, string>> = {
  messages: 'm',
  bytes: 'b',
  conversation: 'c',
  domain: 'd',
  rate: 'r',
  memory: 'f',
};

const member = ({ key, state }: Ending) => key + OWED_LETTER[state];

function limitsText({ messages, bytes, toOne, domainMessages, domainBytes }: Limits): string {
  return `${messages} ${bytes} ${toOne} ${domainMessages} ${domainBytes}`;
}

/** For each standing, in the scripts' order, the one after this step; `=` leaves it as it is. */
function nextStandings(type: SubscriptionType): string {
  let nexts = '';
  for (const standing of Object.values(STANDING)) {
    const { next } = transitionOf(type, standing);
    nexts += next === undefined ? '=' : NEXT_STANDING[next];
  }
  return nexts;
}

function acceptance(request: RequestOf<'accept'>, args: Arguments): void {
  const { key, message, digest, storedAt, token, countable, alias, originId, target, quota } = request;
  const name =
    target !== '' ? 'acceptCorrection' : alias !== '' ? 'acceptAliased' : countable ? 'acceptCounted' : 'accept';
  if (quota !== undefined) {
    const { limits, refuse } = quota;
    const why = refuse === undefined ? '' : QUOTA_LETTER[refuse];
    args.push('withinQuota', key, message.sender, message.recipient, limitsText(limits), why);
  }
  args.push(name, key, new Octets(encodeRecord(message, message.inner, digest, storedAt, token, alias, originId)));
  if (target !== '') args.push(alias, countable ? 1 : 0, target);
  else if (alias !== '') args.push(alias, countable ? 1 : 0);
}

/**
 * Operations of presence are few beside messages, and have one name in a batch: it is followed by a name, how many
 * arguments come, and these.
 */
function presence(args: Arguments, name: string, ...own: Arguments): void {
  args.push('presence', name, own.length, ...own);
}

/** The operation that follows is of one record alone. */
function alone(only: Only, args: Arguments): void {
  if (only !== undefined) args.push('only', only);
}

type Encoders = { readonly [K in Kind]: (request: RequestOf<K>, args: Arguments) => void };

const ENCODERS: Encoders = {
  accept: acceptance,
  settle({ key, resource, now, remember, atHand, only }, args) {
    alone(only, args);
    const ending = writtenEnding(now, resource);
    if (remember === undefined && atHand?.key === key) args.push('settleAtHand', key, ending);
    else args.push('settle', key, ending, remember?.recipient ?? '', atHand?.key ?? '', remember?.sender ?? '');
  },
  handOver(
    { key, attempt, copies, byTimetable, unconfirmed, sender, recipient, noStore, resource, provedAt, took },
    args,
  ) {
    args.push('handOver', key, attempt, copies, byTimetable, unconfirmed, sender, recipient, noStore ? 1 : 0, resource);
    args.push(provedAt, took);
  },
  notified({ endings }, args) {
    args.push('notified', endings.length);
    for (const ending of endings) args.push(member(ending));
  },
  claim: ({ key, attempt, lease }, args) => void args.push('claim', key, attempt, lease),
  settleByMention({ key, ownKey, resource, now, only }, args) {
    alone(only, args);
    args.push('settleByMention', key, writtenEnding(now, resource), ownKey);
  },
  supersede: ({ key }, args) => void args.push('supersede', key),
  prove(request, args) {
    const { key, resource, now, told, only } = request;
    const ofAtHand = isOfAtHand(request);
    if (!ofAtHand) alone(only, args);
    args.push(!told ? 'prove' : ofAtHand ? 'settleToldAtHand' : 'settleTold', key, writtenEnding(now, resource));
  },
  keyOfHeld: ({ key, heldAs }, args) => void args.push('keyOfHeld', key, tokenOfHeld(heldAs)),
  namedBy: ({ key }, args) => void args.push('namedBy', key),
  release({ endings, leaseUntil }, args) {
    args.push('release', leaseUntil, endings.length);
    for (const ending of endings) args.push(member(ending));
  },
  quarantine: ({ key }, args) => void args.push('quarantine', key),
  reported: ({ keys }, args) => void args.push('reported', keys.length, ...keys),
  bounce: ({ key }, args) => void args.push('bounce', key),
  reject({ key, now, condition, errorType, text, only }, args) {
    alone(only, args);
    args.push('reject', key, writtenEnding(now, '', condition, errorType, text));
  },
  bringForward: ({ key, due, recipient }, args) => void args.push('bringForward', key, due, recipient),
  expire: ({ key, now }, args) => void args.push('expire', key, writtenEnding(now)),
  requeue: ({ key }, args) => void args.push('requeue', key),
  withdraw: ({ key, token }, args) => void args.push('withdraw', key, token),
  readdress: ({ key, senderResource, senderId, owesReceipt }, args) =>
    void args.push('readdress', key, written(senderResource), writtenSenderId(senderId), owesReceipt ? 1 : 0),

  isTaken: ({ key }, args) => void args.push('isTaken', key),

  sessionAvailable: ({ user, event, cursor, stepDue, leaseUntil, unconfirmedRetries }, args) =>
    void args.push('sessionAvailable', user, EVENT[event], cursor, stepDue, leaseUntil, unconfirmedRetries),
  senderAvailable: ({ user, cursor }, args) => void args.push('senderAvailable', user, cursor),
  sequenceGap: ({ user, resource, sender, later, due, cursor }, args) =>
    void args.push('sequenceGap', user, resource, sender, later, due, cursor),
  explain: ({ key }, args) => void args.push('explain', key),
  anythingOut: ({ users }, args) => void args.push('anythingOut', users.length, ...users),
  renewLease({ waiting, leaseUntil }, args) {
    args.push('renewLease', 2 * waiting.length, leaseUntil);
    for (const { key, attempt } of waiting) args.push(key, attempt);
  },
  settleUpTo({ key, sender, recipient, resource, now, cursor, namesEarlier, only }, args) {
    alone(only, args);
    args.push(
      'settleUpTo',
      key,
      writtenEnding(now, resource),
      sender,
      recipient,
      resource,
      cursor,
      namesEarlier ? 1 : 0,
    );
  },

  subscriptionStep: ({ type, contact, subscriber, now, token }, args) =>
    presence(args, 'subscription_step', contact, subscriber, now, ASK_AGAIN_AFTER, token, nextStandings(type)),
  withdrawSubscription: ({ contact, subscriber, asked }, args) =>
    presence(args, 'withdraw_subscription', contact, subscriber, asked),
  recordPresence({ user, subscriber, resource, available, now, caps, own, token, priority, direct }, args) {
    const how = available ? (priority < 0 ? 2 : 1) : 0;
    presence(args, 'record_presence', user, subscriber, resource, how, now, caps, own, token, direct ? 1 : 0);
  },
  renewSession: ({ user, resource, before, now, token }, args) =>
    presence(args, 'renew_session', user, resource, now, now - before, token),
  recordPing: ({ user, resource, asked, answered }, args) =>
    presence(args, 'record_ping', user, resource, asked, answered ? 'a' : 's'),
  recordStrayPing: ({ user, resource }, args) => presence(args, 'record_stray_ping', user, resource),
  recordReceiptSupport: ({ user, resource, caps, answer }, args) =>
    presence(args, 'record_receipt_support', user, resource, caps, answer),
  forgetPresence: ({ users }, args) => presence(args, 'forget_presence', ...users),
  beginProbe: ({ user }, args) => presence(args, 'begin_probe', user),
  isAvailable: ({ user, subscriber }, args) => presence(args, 'is_available', user, subscriber),
  subscribersOf: ({ user }, args) => presence(args, 'subscribers_of', user),
  endUnheard: ({ user, resource, now, final }, args) =>
    presence(args, 'end_unheard', user, now, final ? 1 : 0, resource),
  whoStillSees: ({ user, resource }, args) => presence(args, 'who_still_sees', user, resource),
  heartbeat: ({ process, now, own }, args) => presence(args, 'heartbeat', process, now, ALIVE_FOR, own),
  leaveService: ({ process, now }, args) => presence(args, 'leave_service', process, now, ALIVE_FOR),
  claimProbing: ({ process, now }, args) => presence(args, 'claim_probing', process, now, CLAIM_FOR, JOINS_FOR),
  renewProbing: ({ process }, args) => presence(args, 'renew_probing', process, CLAIM_FOR),
  releaseProbing: ({ process }, args) => presence(args, 'release_probing', process),

  recordIq: ({ id, iq, deadline, bounds }, args) =>
    void args.push('recordIq', id, iq.requester, encodeIq(iq), deadline, bounds.all, bounds.each),
  takeIqResponse: ({ id, token, from, to, forgetAt }, args) =>
    void args.push('takeIqResponse', id, token, from, to, forgetAt),
  overdueIqs: ({ now, leaseUntil, limit }, args) => void args.push('overdueIqs', now, leaseUntil, limit),
  endIq: ({ id, account, leaseUntil }, args) => void args.push('endIq', id, account, leaseUntil),
  forgetIq: ({ id }, args) => void args.push('forgetIq', id),
  knownCapabilities: ({ hash, ver }, args) => void args.push('knownCapabilities', hash, ver),
  recordCapabilities: ({ hash, ver, support, keep }, args) =>
    void args.push('recordCapabilities', hash, ver, support, keep),

  cancel: ({ key, owner, now, by }, args) =>
    void args.push('cancel', key, owner ?? '', writtenEnding(now, '', 'undefined-condition', '', `Cancelled by ${by}`)),
  retryNow: ({ key, owner }, args) => void args.push('retryNow', key, owner ?? ''),
  erase: ({ jid, keys, onlyCount }, args) => void args.push('erase', jid, onlyCount ? '1' : '0', keys.length, ...keys),
  forgetUser: ({ jid, contacts }, args) => void args.push('forgetUser', jid, contacts.length, ...contacts),
  pause: ({ by, now }, args) => void args.push('pause', `${now} ${by}`),
  resume: (_, args) => void args.push('pause', ''),
  openCommandSession: ({ id, whose, lasts }, args) => void args.push('openCommandSession', id, whose, lasts),
  readCommandSession: ({ id }, args) => void args.push('readCommandSession', id),
  endCommandSession: ({ id, token }, args) => void args.push('endCommandSession', id, token),
};

type InternalEncoders = {
  readonly [K in InternalKind]: (request: InternalRequestOf<K>, args: Arguments) => void;
};

const INTERNAL_ENCODERS: InternalEncoders = {
  acceptKnowing({ accept, sessions }, args) {
    args.push('knowing', sessions.length, ...sessions);
    acceptance(accept, args);
  },
  sessionsHash: ({ user }, args) => void args.push('sessionsOf', user),
  postponeNotice: ({ key, state, sender }, args) => void args.push('postponeNotice', key, STATE_LETTER[state], sender),
  isKnown: ({ key }, args) => void args.push('isKnown', key),
  loadOf: ({ sender }, args) => void args.push('loadOf', sender),
  noteSubscriptions: ({ pairs, subscribed }, args) =>
    presence(args, 'note_subscriptions', subscribed ? 1 : 0, ...pairs.flat()),
};

const ALL_ENCODERS = { ...ENCODERS, ...INTERNAL_ENCODERS };

/** Appends a request's arguments to those of a batch. */
export function encode(request: Request | InternalRequest, args: Arguments): void {
  (ALL_ENCODERS[request.kind] as (request: Request | InternalRequest, args: Arguments) => void)(request, args);
}

const MOST_WITHOUT_A_LIST = 12;

/** How many arguments a request has, at most. */
export function argumentCount(request: Request): number {
  switch (request.kind) {
    case 'notified':
    case 'release':
      return 3 + request.endings.length;
    case 'reported':
      return 2 + request.keys.length;
    case 'renewLease':
      return 3 + 2 * request.waiting.length;
    case 'anythingOut':
      return 2 + request.users.length;
    case 'forgetPresence':
      return 3 + request.users.length;
    case 'erase':
      return 4 + request.keys.length;
    case 'forgetUser':
      return 3 + request.contacts.length;
    default:
      return MOST_WITHOUT_A_LIST;
  }
}
