import { transitionOf } from '../../xmpp/stanza/subscription.ts';
import type { Bounced, Claimed, Explanation, Request, RequestOf, Seen, StoredRecord } from '../contract.ts';
import { NEEDS_SENDER } from './codec/message-replies.ts';
import { notes, type Part, type Plan } from './plan.ts';
import type { Shards } from './shards.ts';

/** In Redis Cluster a call reaches one shard: what else an operation has to know is asked before it, or after. */
export function clusterPlanOf(request: Request, shards: Shards): Plan | undefined {
  switch (request.kind) {
    case 'accept':
      return accept(request, shards);
    case 'claim':
      return claim(request, shards);
    case 'expire':
      return expire(request, shards);
    case 'reject':
      return reject(request, shards);
    case 'settleByMention':
      return settleByMention(request, shards);
    case 'endIq':
      return endIq(request, shards);
    case 'subscriptionStep':
      return subscriptionStep(request, shards);
    case 'recordPresence':
      return request.direct && request.available ? recordDirectPresence(request, shards) : undefined;
    case 'beginProbe':
      return beginProbe(request, shards);
    default:
      return undefined;
  }
}

/** Whether a counted id with the same words is a resend depends on the sender's sessions. */
function* accept(request: RequestOf<'accept'>, shards: Shards): Plan {
  const shard = shards.ofKey(request.key);
  const [outcome] = yield [{ shard, request }];
  if (outcome !== NEEDS_SENDER) return outcome;
  const { sender } = request.message;
  const [sessions] = yield [{ shard: shards.ofUser(sender), request: { kind: 'sessionsHash', user: sender } }];
  const [accepted] = yield [
    { shard, request: { kind: 'acceptKnowing', accept: request, sessions: sessions as string[] } },
  ];
  return accepted;
}

function* claim(request: RequestOf<'claim'>, shards: Shards): Plan {
  const [reply] = yield [{ shard: shards.ofKey(request.key), request }];
  const claimed = reply as Claimed;
  if (claimed.outcome !== 'claimed' || !isFailure(claimed.record)) return claimed;
  const record = (yield* addressedToSender(claimed.record, shards)) as StoredRecord | undefined;
  return record === undefined || record.senderAway ? { outcome: 'moot' } : { ...claimed, record };
}

function* expire(request: RequestOf<'expire'>, shards: Shards): Plan {
  const [record] = yield [{ shard: shards.ofKey(request.key), request }];
  return record === undefined ? undefined : yield* addressedToSender(record as StoredRecord, shards);
}

function* reject(request: RequestOf<'reject'>, shards: Shards): Plan {
  const [reply] = yield [{ shard: shards.ofKey(request.key), request }];
  const rejected = reply as Bounced;
  if (rejected.outcome !== 'done') return rejected;
  const record = yield* addressedToSender(rejected.record, shards);
  return record === undefined ? { outcome: 'ended' } : { ...rejected, record };
}

const isFailure = ({ state }: StoredRecord) => state !== 'pending' && state !== 'delivered';

/**
 * A failure with where its sender is to be told of it; undefined when it is none any more. While his shard was asked, the message's own
 * went on: a receipt may have ended it, and whoever was told "delivered" must not be told of a failure afterwards.
 */
function* addressedToSender(record: StoredRecord, shards: Shards): Plan {
  const addressed = yield* whereSenderIs(record, shards);
  const { key, state } = record;
  const [found] = yield [{ shard: shards.ofKey(key), request: { kind: 'explain', key } }];
  return (found as Explanation | undefined)?.record.state === state ? addressed : undefined;
}

/**
 * As addressed_to_sender in Lua: to a session of his that lives, or later when he is away. Should he come while that is noted,
 * he is looked for once more. Until then the message's lease runs, so that a sweep finds what is broken off here.
 */
function* whereSenderIs(record: StoredRecord, shards: Shards): Plan {
  const { key, state, sender, senderResource } = record;
  const ask: Part[] = [{ shard: shards.ofUser(sender), request: { kind: 'sessionsHash', user: sender } }];
  let sessions = sessionsIn((yield ask)[0]);
  if (sessions.isKnown && sessions.resources.length === 0) {
    yield [{ shard: shards.ofKey(key), request: { kind: 'postponeNotice', key, state, sender } }];
    sessions = sessionsIn((yield ask)[0]);
    if (sessions.isKnown && sessions.resources.length === 0) return { ...record, senderAway: true, inner: '' };
  }
  const { isKnown, resources } = sessions;
  const [first] = resources;
  if (!isKnown || first === undefined || resources.includes(senderResource)) return record;
  return { ...record, senderResource: first };
}

function sessionsIn(reply: unknown): { readonly isKnown: boolean; readonly resources: readonly string[] } {
  const fields = (reply as readonly string[]).filter((_, i) => i % 2 === 0);
  return { isKnown: fields.includes(''), resources: fields.filter((field) => field !== '') };
}

/** His own message, which this may be about, lies where its recipient does. */
function* settleByMention(request: RequestOf<'settleByMention'>, shards: Shards): Plan {
  const { key, ownKey } = request;
  const [isOwn] = yield [{ shard: shards.ofKey(ownKey), request: { kind: 'isKnown', key: ownKey } }];
  if (isOwn === true) return { outcome: 'repeated' };
  const [settled] = yield [{ shard: shards.ofKey(key), request: { ...request, ownKey: '' } }];
  return settled;
}

/** Those who get an account's presence lie in its shard. */
function* endIq(request: RequestOf<'endIq'>, shards: Shards): Plan {
  const { account } = request;
  const [subscribers] = yield [{ shard: shards.ofUser(account), request: { kind: 'subscribersOf', user: account } }];
  if ((subscribers as string[]).length > 0) return undefined;
  const [ended] = yield [{ shard: 0, request: { ...request, account: '' } }];
  return ended;
}

function* subscriptionStep(request: RequestOf<'subscriptionStep'>, shards: Shards): Plan {
  const { contact, subscriber, type } = request;
  const [before] = yield [{ shard: shards.ofUser(contact), request }];
  const { next } = transitionOf(type, before as Parameters<typeof transitionOf>[1]);
  const isSubscribed = next === 'subscribed';
  if (isSubscribed || next === 'none' || next === 'asked') {
    yield notes([[subscriber, contact]], shards, isSubscribed);
  }
  return before;
}

/** An answer to a probe shows that its subscriber is one. */
function* recordDirectPresence(request: RequestOf<'recordPresence'>, shards: Shards): Plan {
  const { user, subscriber } = request;
  const [reply] = yield [{ shard: shards.ofUser(user), request }];
  if ((reply as Seen).what !== 'none') yield notes([[subscriber, user]], shards, true);
  return reply;
}

/** Whoever is probed for is noted again: should a note have been lost, it is made up for when the link is back. */
function* beginProbe(request: RequestOf<'beginProbe'>, shards: Shards): Plan {
  const { user } = request;
  const [subscribers] = yield [{ shard: shards.ofUser(user), request }];
  yield notes(
    (subscribers as string[]).map((subscriber) => [subscriber, user] as const),
    shards,
    true,
  );
  return subscribers;
}
