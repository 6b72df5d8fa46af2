import type { Kind, Request } from '../contract.ts';
import type { Shards } from './shards.ts';

/** By what the shard of a request is found: the whole of it lies there. docs/shards.md says why that is safe. */
export const ROUTE = {
  accept: 'key',
  withdraw: 'key',
  readdress: 'key',
  isTaken: 'key',
  settle: 'key',
  settleByMention: 'key',
  settleUpTo: 'key',
  supersede: 'key',
  prove: 'key',
  keyOfHeld: 'key',
  namedBy: 'key',
  handOver: 'key',
  claim: 'key',
  bounce: 'key',
  bringForward: 'key',
  reject: 'key',
  expire: 'key',
  requeue: 'key',
  quarantine: 'key',
  explain: 'key',
  cancel: 'key',
  retryNow: 'key',

  sessionAvailable: 'user',
  sequenceGap: 'user',
  recordPresence: 'user',
  renewSession: 'user',
  recordPing: 'user',
  recordStrayPing: 'user',
  recordReceiptSupport: 'user',
  isAvailable: 'user',
  beginProbe: 'user',
  endUnheard: 'user',
  whoStillSees: 'user',
  subscribersOf: 'user',
  subscriptionStep: 'contact',
  withdrawSubscription: 'contact',

  heartbeat: 'home',
  leaveService: 'home',
  claimProbing: 'home',
  renewProbing: 'home',
  releaseProbing: 'home',
  recordIq: 'home',
  takeIqResponse: 'home',
  overdueIqs: 'home',
  endIq: 'home',
  forgetIq: 'home',
  knownCapabilities: 'home',
  recordCapabilities: 'home',
  openCommandSession: 'home',
  readCommandSession: 'home',
  endCommandSession: 'home',

  notified: 'several',
  release: 'several',
  renewLease: 'several',
  reported: 'several',
  erase: 'several',
  forgetUser: 'several',
  forgetPresence: 'several',
  anythingOut: 'several',
  senderAvailable: 'several',
  pause: 'several',
  resume: 'several',
} as const satisfies Record<Kind, 'key' | 'user' | 'contact' | 'home' | 'several'>;

interface Named {
  readonly key: string;
  readonly user: string;
  readonly contact: string;
}

/** The shard that all of these lie in, if they do: most batches are of one conversation, or of few. */
function shardOfAll<Each>(all: readonly Each[], shardOf: (one: Each) => number): number | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  const shard = shardOf(first);
  for (const one of all) if (shardOf(one) !== shard) return undefined;
  return shard;
}

/** The shard that a request lies in as a whole; undefined when it may be for several. Pure. */
export function shardOf(request: Request, shards: Shards): number | undefined {
  const { key, user, contact } = request as Request & Named;
  switch (ROUTE[request.kind]) {
    case 'key':
      return shards.ofKey(key);
    case 'user':
      return shards.ofUser(user);
    case 'contact':
      return shards.ofUser(contact);
    case 'home':
      return 0;
    default:
      if (request.kind === 'anythingOut') return shardOfAll(request.users, (one) => shards.ofUser(one));
      return request.kind === 'notified' ? shardOfAll(request.endings, ({ key: one }) => shards.ofKey(one)) : undefined;
  }
}
