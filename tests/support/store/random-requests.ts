import { type Kind, type Only, type RequestOf, type StoredRecord, tokenOfHeld } from '../../../src/store/contract.ts';
import { KEY_LENGTH, recordKey } from '../../../src/xmpp/stanza/message-key.ts';
import { ALICE, aliceWrites, BOB, DAY, RETRY, SECOND } from './ledger.ts';
import type { SeededRandom } from './seeded-random.ts';

const CAROL = 'carol@example.org';
export const USERS = [ALICE, BOB, CAROL];
const DOMAIN = 'receipts.example.org';
/** Who writes to whom. Each sender has two resources, so that it is never open which of his sessions is told. */
export const CONVERSATIONS = [
  [ALICE, BOB],
  [ALICE, BOB],
  [CAROL, BOB],
  [ALICE, CAROL],
] as const;
const SENDERS_RESOURCES = ['phone', 'tablet'];
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  [ALICE]: SENDERS_RESOURCES,
  [BOB]: ['phone', 'tablet', 'desk'],
  [CAROL]: SENDERS_RESOURCES,
};
const IDS = ['m-1', 'm-2', 'm-3', 'm-4'];
const QUESTIONS = ['ofr-1', 'ofr-2', 'ofr-3'];
const PROCESSES = ['p-1', 'p-2'];
const CAPS = ['', 'sha-1 v', 'sha-1 w'];

/** What a random request may name. */
export interface World {
  readonly random: SeededRandom;
  /** ms; moved on by who carries the requests out. */
  readonly now: number;
  /** All messages that there are, as they stand. */
  readonly records: readonly StoredRecord[];
  /** Until when (ms) sweeps have leased what they found. */
  readonly leases: readonly number[];
  /** Whether nothing comes before it in its batch. */
  readonly isFirst: boolean;
  /** Has not been given before. */
  token(): string;
}

/** Of an existing message, mostly. */
function recordOf({
  random,
  records,
}: World): Pick<StoredRecord, 'key' | 'state' | 'attempt' | 'copies' | 'storedAt'> &
  Pick<StoredRecord, 'sender' | 'recipient'> {
  const [sender, recipient] = random.pick(CONVERSATIONS);
  const key = recordKey(sender, recipient, random.pick(IDS));
  const none = { key, state: 'pending', attempt: 1, copies: 0, storedAt: 0, sender, recipient } as const;
  return records.length > 0 && random.chance(0.9) ? random.pick(records) : none;
}

/** As its sender named it, now and then, where another has the same id. */
function keyOf(world: World): string {
  const { key } = recordOf(world);
  return world.random.chance(0.3) ? key.slice(0, KEY_LENGTH) : key;
}

/** Whoever has a record at hand has it as it stands. */
function atHandOf({ isFirst, random }: World, record: ReturnType<typeof recordOf>): StoredRecord | undefined {
  return isFirst && 'inner' in record && random.chance(0.3) ? (record as StoredRecord) : undefined;
}

/** Of one record alone: of whichever stands there, or of one that a gate held, which it may be or not. */
function onlyOf(world: World): Only {
  if (world.random.chance(0.6)) return undefined;
  const { heldAs } = recordOf(world) as Partial<StoredRecord>;
  return heldAs === undefined || world.random.chance(0.3) ? '' : tokenOfHeld(heldAs);
}

const resourceOf = (world: World, user: string) => world.random.pick(RESOURCES[user] as readonly string[]);

function sessionOf(world: World): { readonly user: string; readonly resource: string } {
  const user = world.random.pick([BOB, BOB, BOB, ALICE, CAROL]);
  return { user, resource: resourceOf(world, user) };
}

function quotaOf({ random }: World) {
  const none = { messages: 0, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
  const limits = random.pick([none, { ...none, messages: 3 }, { ...none, toOne: 2 }, { ...none, domainMessages: 4 }]);
  return { limits, refuse: random.chance(0.1) ? ('rate' as const) : undefined };
}

const endingsOf = (world: World) => [recordOf(world), recordOf(world)].map(({ key, state }) => ({ key, state }));

/** Makes a random request of each kind. */
export const RANDOM_REQUESTS: { readonly [K in Kind]: (world: World) => Omit<RequestOf<K>, 'kind'> } = {
  accept(world) {
    const { random, now } = world;
    const [sender, recipient] = random.pick(CONVERSATIONS);
    return aliceWrites({
      sender,
      recipient,
      id: random.pick(IDS),
      body: random.pick(['one', 'one', 'two']),
      resource: random.pick(SENDERS_RESOURCES),
      owesReceipt: random.chance(0.7),
      countable: random.chance(0.4),
      token: random.chance(0.9) ? world.token() : tokenOfHeld(world.token()),
      at: now,
      ...(random.chance(0.2) && { originId: random.pick(['o-1', ...IDS]) }),
      ...(random.chance(0.3) && { corrects: random.pick(IDS) }),
      ...(random.chance(0.4) && { quota: quotaOf(world) }),
    });
  },
  settle(world) {
    const { random, now } = world;
    const record = recordOf(world);
    const { sender, recipient } = record;
    const remember = random.chance(0.3) ? { sender, recipient } : undefined;
    const atHand = atHandOf(world, record);
    const key = atHand === undefined && random.chance(0.3) ? record.key.slice(0, KEY_LENGTH) : record.key;
    return { key, resource: resourceOf(world, recipient), now, remember, atHand, only: onlyOf(world) };
  },
  settleByMention: (world) => ({
    key: keyOf(world),
    ownKey: keyOf(world),
    resource: 'desk',
    now: world.now,
    only: onlyOf(world),
  }),
  supersede: (world) => ({ key: recordOf(world).key }),
  prove(world) {
    const record = recordOf(world);
    const told = world.random.chance(0.5);
    const atHand = told ? atHandOf(world, record) : undefined;
    return { key: atHand?.key ?? keyOf(world), resource: 'desk', now: world.now, told, atHand, only: onlyOf(world) };
  },
  keyOfHeld(world) {
    const { heldAs = 'none' } = recordOf(world) as Partial<StoredRecord>;
    return { key: keyOf(world).slice(0, KEY_LENGTH), heldAs };
  },
  namedBy: (world) => ({ key: keyOf(world) }),
  handOver(world) {
    const { random, now } = world;
    const { attempt, copies, storedAt, sender, recipient, ...record } = recordOf(world);
    // Nobody hands over what was accepted in the same batch.
    const key = 'inner' in record ? record.key : 'none';
    const next = Math.max(1, copies + (random.chance(0.9) ? 1 : 0));
    return {
      key,
      attempt: random.chance(0.9) ? attempt : attempt - 1,
      copies: next,
      byTimetable: RETRY.bySchedule(storedAt, next, now, random.next()),
      unconfirmed: RETRY.unconfirmed(storedAt, next, now, random.next()),
      sender,
      recipient,
      noStore: random.chance(0.3),
      resource: random.chance(0.2) ? resourceOf(world, recipient) : '',
      provedAt: random.chance(0.3) ? 0 : now - random.below(3) * 400,
      took: random.below(3) * 700,
    };
  },
  notified(world) {
    // Only who has ended, as far as is known, has a sender who was told; and a later message of that key is none of it.
    const endings = endingsOf(world).filter(({ state }) => state !== 'pending');
    return { endings: world.isFirst && endings.length > 0 ? endings : [{ key: 'none', state: 'rejected' }] };
  },
  release: (world) => ({ endings: endingsOf(world), leaseUntil: world.random.pick([0, ...world.leases]) }),
  quarantine: (world) => ({ key: recordOf(world).key }),
  reported: (world) => ({ keys: [recordOf(world).key] }),
  claim(world) {
    const { random } = world;
    const { key, attempt } = recordOf(world);
    return {
      key,
      attempt: random.chance(0.9) ? attempt : attempt + 1,
      lease: random.pick(['*', '*', 0, ...world.leases] as const),
    };
  },
  bounce: (world) => ({ key: keyOf(world) }),
  reject(world) {
    const text = world.random.pick([undefined, 'why']);
    return {
      key: keyOf(world),
      now: world.now,
      condition: 'gone',
      errorType: world.random.pick([undefined, 'cancel']),
      text,
      only: onlyOf(world),
    };
  },
  bringForward(world) {
    const { key, recipient } = recordOf(world);
    return { key, due: world.now + world.random.pick([0, 30, 3600]) * SECOND, recipient };
  },
  expire: (world) => ({ key: recordOf(world).key, now: world.now }),
  requeue: (world) => ({ key: recordOf(world).key }),
  withdraw(world) {
    // One of the last that were given.
    const last = Number(world.token().slice(1));
    return { key: keyOf(world).slice(0, KEY_LENGTH), token: `t${last - world.random.below(6)}` };
  },
  readdress(world) {
    const { random } = world;
    const senderResource = random.pick(SENDERS_RESOURCES);
    return {
      key: recordOf(world).key,
      senderResource,
      senderId: random.pick([undefined, 'm-9']),
      owesReceipt: random.chance(0.5),
    };
  },
  isTaken: (world) => ({ key: keyOf(world).slice(0, KEY_LENGTH) }),
  explain: (world) => ({ key: recordOf(world).key }),

  sessionAvailable({ random, now }) {
    return {
      user: random.pick([BOB, BOB, CAROL]),
      event: random.pick(['login', 'update', 'ended', 'heard again'] as const),
      cursor: '0',
      stepDue: now + 30 * SECOND,
      leaseUntil: now + 60 * SECOND,
      unconfirmedRetries: 1,
    };
  },
  senderAvailable: ({ random }) => ({ user: random.pick([ALICE, CAROL]), cursor: '0' }),
  anythingOut: ({ random }) => ({ users: random.chance(0.5) ? USERS : [random.pick(USERS)] }),
  sequenceGap(world) {
    const { random, now } = world;
    const { sender, recipient, storedAt } = recordOf(world);
    const later = random.chance(0.5) ? storedAt : now;
    return {
      user: recipient,
      resource: resourceOf(world, recipient),
      sender,
      later,
      due: now + 10 * SECOND,
      cursor: '0',
    };
  },
  renewLease(world) {
    const waiting = [recordOf(world), recordOf(world)].map(({ key, attempt }) => ({ key, attempt }));
    return { waiting, leaseUntil: world.now + 60 * SECOND };
  },
  settleUpTo(world) {
    const { key, sender, recipient } = recordOf(world);
    const namesEarlier = world.random.chance(0.3);
    return {
      key,
      sender,
      recipient,
      resource: resourceOf(world, recipient),
      now: world.now,
      cursor: '0',
      namesEarlier,
      only: onlyOf(world),
    };
  },

  subscriptionStep(world) {
    const { random, now } = world;
    const type = random.pick([
      'subscribe',
      'subscribed',
      'subscribed',
      'unsubscribe',
      'unsubscribed',
      'probe',
    ] as const);
    return {
      type,
      contact: random.pick(USERS),
      subscriber: random.pick([...USERS, DOMAIN]),
      now,
      token: world.token(),
    };
  },
  withdrawSubscription: ({ random, now }) => ({
    contact: random.pick(USERS),
    subscriber: random.pick(USERS),
    asked: now - random.pick([1, SECOND, 30 * SECOND]),
  }),
  recordPresence(world) {
    const { random, now } = world;
    const { user, resource } = sessionOf(world);
    const isOwn = random.chance(0.1);
    return {
      user,
      subscriber: isOwn ? DOMAIN : random.pick(USERS),
      resource: random.chance(0.95) ? resource : '',
      available: random.chance(0.65),
      now,
      caps: random.pick(CAPS),
      own: isOwn ? DOMAIN : '',
      token: world.token(),
      priority: random.pick([0, 0, 0, -1]),
      direct: random.chance(0.1),
    };
  },
  renewSession: (world) => ({
    ...sessionOf(world),
    now: world.now,
    token: world.token(),
    before: world.now - (world.random.chance(0.3) ? 1 : 5000),
  }),
  recordPing: (world) => ({ ...sessionOf(world), asked: world.now, answered: world.random.chance(0.5) }),
  recordStrayPing: (world) => sessionOf(world),
  recordReceiptSupport: (world) => ({
    ...sessionOf(world),
    caps: world.random.pick(CAPS),
    answer: world.random.pick(['y', 'n', 'u'] as const),
  }),
  forgetPresence: ({ random }) => ({ users: [random.pick(USERS)] }),
  beginProbe: ({ random }) => ({ user: random.pick(USERS) }),
  isAvailable: ({ random }) => ({ user: random.pick(USERS), subscriber: random.pick(USERS) }),
  subscribersOf: ({ random }) => ({ user: random.pick(USERS) }),
  endUnheard(world) {
    const { user, resource } = sessionOf(world);
    const isOne = world.random.chance(0.3);
    return { user, resource: isOne ? resource : '', now: world.now, final: isOne || world.random.chance(0.5) };
  },
  whoStillSees: (world) => sessionOf(world),
  heartbeat: ({ random, now }) => ({ process: random.pick(PROCESSES), now, own: DOMAIN }),
  leaveService: ({ random, now }) => ({ process: random.pick(PROCESSES), now }),
  claimProbing: ({ random, now }) => ({ process: random.pick(PROCESSES), now }),
  renewProbing: ({ random }) => ({ process: random.pick(PROCESSES) }),
  releaseProbing: ({ random }) => ({ process: random.pick(PROCESSES) }),

  recordIq({ random, now }) {
    const requester = random.pick(USERS);
    const iq = {
      requester,
      responder: random.pick(USERS),
      substitute: random.pick([undefined, BOB]),
      proxied: `${requester}/x`,
      from: `${requester}/phone`,
      to: 'bob@receipts.example.org/desk',
      id: 'q',
    };
    return {
      id: random.pick(QUESTIONS),
      iq,
      deadline: now + 60 * SECOND,
      bounds: random.pick([
        { all: 2, each: 1 },
        { all: 9, each: 9 },
      ]),
    };
  },
  takeIqResponse: (world) => ({
    id: world.random.pick(QUESTIONS),
    token: world.random.pick(['a', 'b']),
    from: world.random.pick(USERS),
    to: `${world.random.pick(USERS)}/x`,
    forgetAt: world.now + 2 * SECOND,
  }),
  overdueIqs: ({ random, now }) => ({ now, leaseUntil: now + 5 * SECOND, limit: random.pick([1, 10]) }),
  endIq: ({ random, now }) => ({
    id: random.pick(QUESTIONS),
    account: random.pick(USERS),
    leaseUntil: now + 5 * SECOND,
  }),
  forgetIq: ({ random }) => ({ id: random.pick(QUESTIONS) }),
  knownCapabilities: ({ random }) => ({ hash: 'sha-1', ver: random.pick(['v', 'w']) }),
  recordCapabilities({ random }) {
    const ver = random.pick(['v', 'w']);
    // The one that lasts longer counts, and which that is may be a matter of a millisecond.
    return { hash: 'sha-1', ver, support: ver === 'v' ? 'y' : 'n', keep: DAY };
  },

  cancel(world) {
    const { key, sender } = recordOf(world);
    return { key, owner: world.random.pick([undefined, sender, BOB]), now: world.now, by: 'its sender' };
  },
  retryNow(world) {
    const { key, sender } = recordOf(world);
    return { key, owner: world.random.pick([undefined, sender, sender, BOB]) };
  },
  erase(world) {
    const keys = [recordOf(world).key, recordOf(world).key];
    return { jid: world.random.pick(USERS), keys, onlyCount: world.random.chance(0.5) };
  },
  forgetUser: ({ random }) => ({ jid: random.pick(USERS), contacts: random.chance(0.5) ? USERS : [BOB] }),
  pause: ({ now }) => ({ by: 'admin@example.org', now }),
  resume: () => ({}),
  openCommandSession: ({ random }) => ({ id: random.pick(['s-1', 's-2']), whose: random.pick(USERS), lasts: DAY }),
  readCommandSession: ({ random }) => ({ id: random.pick(['s-1', 's-2']) }),
  endCommandSession: ({ random }) => ({ id: random.pick(['s-1', 's-2']), token: random.pick(['a', 'b']) }),
};
