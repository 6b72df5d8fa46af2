// A shard that stands still, in Redis Cluster: its messages are refused or late, nobody else's.
import {
  anythingOut,
  claim,
  erase,
  expire,
  forgetUser,
  type Outcome,
  pause,
  type Request,
  reject,
  resume,
  senderAvailable,
  settle,
  settleByMention,
  withdraw,
} from '../../src/store/contract.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { InternalRequest } from '../../src/store/redis/internal-requests.ts';
import { shardOf } from '../../src/store/redis/routes.ts';
import { ShardPipelines } from '../../src/store/redis/shard-pipelines.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { ALICE, aliceWrites, DAY, RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const shards = new Shards('{receipts}', 16);
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** A store one shard of which does not answer: what it was given it carries out when it goes on. */
class StallingStore {
  readonly memory = new MemoryStore({ retry: RETRY, dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY });
  stalled: number | undefined;
  readonly #held: { readonly requests: readonly Request[]; readonly timeOut: () => void }[] = [];

  batch(requests: readonly Request[]): Promise<Outcome[]> {
    const asks = (request: Request) =>
      shardOf(request, shards) === this.stalled ||
      (request.kind === 'settleByMention' && request.ownKey !== '' && shards.ofKey(request.ownKey) === this.stalled);
    return requests.some(asks) ? this.#hold(requests) : this.memory.batch(requests);
  }

  /** Of what shards are asked beside the requests of the contract: no record is there, and nobody's session. */
  async batchIn(shard: number, requests: readonly (Request | InternalRequest)[]): Promise<Outcome[]> {
    const isUsual = (request: Request | InternalRequest): request is Request =>
      request.kind !== 'isKnown' && request.kind !== 'sessionsHash';
    const usual = requests.filter(isUsual);
    if (shard === this.stalled) return this.#hold(usual);
    const replies = (await this.memory.batch(usual)).values();
    return requests.map(
      (one) => (isUsual(one) ? replies.next().value : one.kind === 'isKnown' ? false : []) as Outcome,
    );
  }

  #hold(requests: readonly Request[]): Promise<Outcome[]> {
    return new Promise((_, reject) => {
      this.#held.push({ requests, timeOut: () => reject(new Error('Command timed out')) });
    });
  }

  get calls(): number {
    return this.#held.length;
  }

  /** What it was given, and has not carried out. */
  get heldBack(): readonly Request[] {
    return this.#held.flatMap(({ requests }) => requests);
  }

  /** Whoever waits for it waits no longer. */
  timeOut(): void {
    for (const { timeOut } of this.#held) timeOut();
  }

  async goOn(): Promise<void> {
    this.stalled = undefined;
    for (const { requests } of this.#held) await this.memory.batch(requests);
    this.timeOut();
  }
}

/** A user of each shard. */
const USERS = Array.from({ length: shards.count }, (_, shard) => {
  for (let i = 0; ; i += 1) if (shards.ofUser(`user${i}@example.org`) === shard) return `user${i}@example.org`;
});

test.each([0, 5, 15])('shard %d stands still: all others store, and confirm, as if nothing were', async (stalled) => {
  const store = new StallingStore();
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
  const refused: string[] = [];
  const stored: string[] = [];
  const writes = (recipient: string, id: string) => {
    const request = aliceWrites({ recipient, id });
    pipelines.push({
      request,
      owner: ALICE,
      bytes: 300,
      done: () => stored.push(recipient),
      refuse: () => refused.push(recipient),
      withdraw: () => withdraw(request.key, request.token),
    });
    return request.key;
  };
  const his = USERS[stalled] as string;
  const others = USERS.filter((user) => user !== his);
  const before = writes(his, 'before');
  await pipelines.drained();
  stored.length = 0;

  store.stalled = stalled;
  const receipt = new Promise<string>((resolve) => {
    pipelines.push({ request: settle(before, 'desk', Date.now()), done: ({ outcome }) => resolve(outcome) });
  });
  const lost = writes(his, 'lost');
  const keys = others.map((user) => writes(user, 'm-1'));
  // He has not answered, nor has anybody given him up.
  await until(() => stored.length === others.length && store.calls > 0, { what: 'all others' });
  expect(stored.toSorted()).toEqual(others.toSorted());
  const settled = await Promise.all(keys.map((key) => pipelines.perform(settle(key, 'desk', Date.now()))));
  expect(settled.map(({ outcome }) => outcome)).toEqual(others.map(() => 'delivered'));
  expect(refused).toEqual([]);
  expect(pipelines.failing).toBe(false);

  store.timeOut();
  await until(() => refused.length > 0, { what: 'his refusal' });
  expect(refused).toEqual([his]);
  await Promise.all(others.map((user) => pipelines.perform(aliceWrites({ recipient: user, id: 'm-2' }))));

  // What was refused is taken back, though it was carried out after all; a receipt is only late.
  await store.goOn();
  expect(await receipt).toMatch(/delivered|repeated/);
  await pipelines.drained();
  expect(refused).toEqual([his]);
  expect(await store.memory.status([lost])).toEqual([undefined]);
  pipelines.close();
});

test('whether anything is out to many is answered for all but those of a shard that stands still', async () => {
  const store = new StallingStore();
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
  store.stalled = 5;
  const answered: string[] = [];
  for (const users of pipelines.apart(USERS as string[])) {
    for (const request of anythingOut(users)) pipelines.push({ request, done: () => answered.push(...users) });
  }
  await until(() => answered.length >= USERS.length - 1);
  expect(answered.sort()).toEqual(USERS.filter((_, shard) => shard !== 5).sort());
  await store.goOn();
  await until(() => answered.length === USERS.length);
  pipelines.close();
});

test('what a request asks of a shard that stands still holds up nothing in its own', async () => {
  const store = new StallingStore();
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
  const hers = shards.ofUser(ALICE);
  const bob = USERS.find((_, shard) => shard !== hers) as string;
  const { key } = aliceWrites({ recipient: bob, id: 'm-1' });
  await pipelines.perform(aliceWrites({ recipient: bob, id: 'm-1' }));

  store.stalled = hers;
  // Whether it is to a message of his own is asked where such a one would lie: where she is.
  const reaction = settleByMention(key, recordKey(bob, ALICE, 'm-1'), 'desk', Date.now());
  const settled = new Promise<unknown>((resolve) => pipelines.push({ request: reaction, done: resolve }));
  const { outcome } = await pipelines.perform(aliceWrites({ recipient: bob, id: 'm-2' }));
  expect(outcome).toBe('stored');
  await store.goOn();
  expect(await settled).toMatchObject({ outcome: 'delivered' });
  pipelines.close();
});

const LONG_AGO = Date.now() - 100 * DAY;

test.each([
  ['expired', (key: string) => expire(key, Date.now()), undefined],
  ['refused', (key: string) => reject(key, Date.now(), 'item-not-found', 'cancel', undefined), { outcome: 'ended' }],
])(
  '%s, and while its sender’s shard stands still a receipt comes: told "delivered", he is told of no failure',
  async (_, ends, nothing) => {
    const store = new StallingStore();
    const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
    const hers = shards.ofUser(ALICE);
    const bob = USERS.find((_, shard) => shard !== hers) as string;
    const message = aliceWrites({ recipient: bob, at: LONG_AGO });
    await pipelines.perform(message);

    store.stalled = hers;
    const told: unknown[] = [];
    const failed = new Promise<void>((resolve) => {
      pipelines.push({
        request: ends(message.key),
        done: (reply: unknown) => {
          told.push(reply);
          resolve();
        },
      });
    });
    await until(() => store.calls > 0, { what: 'the question where she is' });
    const settled = await pipelines.perform(settle(message.key, 'desk', Date.now()));
    expect(settled).toMatchObject({ outcome: 'late', record: { state: 'delivered' } });
    await store.goOn();
    await failed;
    expect(told).toEqual([nothing]);
    pipelines.close();
  },
);

test('what has failed and was told to nobody yet: he is told of it when his shard goes on, unless a receipt came meanwhile', async () => {
  const store = new StallingStore();
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
  const hers = shards.ofUser(ALICE);
  const bob = USERS.find((_, shard) => shard !== hers) as string;
  const [one, two] = ['m-1', 'm-2'].map((id) => aliceWrites({ recipient: bob, id, at: LONG_AGO }).key) as [
    string,
    string,
  ];
  for (const id of ['m-1', 'm-2']) await pipelines.perform(aliceWrites({ recipient: bob, id, at: LONG_AGO }));
  await pipelines.perform(expire(two, Date.now()));

  store.stalled = hers;
  const told: unknown[] = [];
  const both = new Promise<void>((resolve) => {
    const done = (reply: unknown) => {
      if (told.push(reply) === 2) resolve();
    };
    pipelines.push({ request: expire(one, Date.now()), done });
    // As a job does that a sweep has made.
    pipelines.push({ request: claim(two, 1), done });
  });
  await until(() => store.calls > 0, { what: 'the question where she is' });
  await pipelines.perform(settle(two, 'desk', Date.now()));
  await store.goOn();
  await both;
  expect(told).toEqual([expect.objectContaining({ state: 'expired' }), { outcome: 'moot' }]);
  pipelines.close();
});

test('a sender comes while a shard stands still: the others make due at once what he is owed, for him and for everybody', async () => {
  const store = new StallingStore();
  const asked: { shard: number; user: string }[] = [];
  const carryOut = store.batchIn.bind(store);
  store.batchIn = (shard, requests) => {
    if (shard !== store.stalled) {
      for (const request of requests) if (request.kind === 'senderAvailable') asked.push({ shard, user: request.user });
    }
    return carryOut(shard, requests);
  };
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
  store.stalled = 5;
  const others = USERS.map((_, shard) => shard).filter((shard) => shard !== 5);
  const arrivals = [ALICE, 'carol@example.org'].map((user) => pipelines.perform(senderAvailable(user, '0')));
  await until(() => asked.length === 2 * others.length, { what: 'the other shards' });
  for (const user of [ALICE, 'carol@example.org']) {
    const hers = asked.filter((one) => one.user === user).map(({ shard }) => shard);
    expect(hers.toSorted((a, b) => a - b)).toEqual(others);
  }
  // However often she comes, that shard is asked once, and once more.
  for (let i = 0; i < 100; i += 1) pipelines.push({ request: senderAvailable(ALICE, '0'), done: () => {} });
  await until(() => asked.length >= 3 * others.length, { what: 'the others to be asked again' });
  await store.goOn();
  await Promise.all(arrivals);
  await pipelines.drained();
  const late = store.heldBack.filter((request) => request.kind === 'senderAvailable' && request.user === ALICE);
  expect(late.length).toBeLessThanOrEqual(2);
  expect(asked.filter((one) => one.user === ALICE && one.shard === 5)).toHaveLength(2);
  pipelines.close();
});

test('a pause, and the erasure of a user, wait for the shard that stands still, and nobody else does', async () => {
  const store = new StallingStore();
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 0 });
  const [his, hers] = [USERS[5] as string, USERS[6] as string];
  const hisKey = aliceWrites({ recipient: his, id: 'm-1' }).key;
  const { key } = aliceWrites({ recipient: hers, id: 'm-1' });
  await pipelines.perform(aliceWrites({ recipient: hers, id: 'm-1' }));

  store.stalled = 5;
  const waiting = [
    pipelines.perform(pause('admin', 1)),
    pipelines.perform(resume()),
    pipelines.perform(erase(his, [hisKey])),
    pipelines.perform(forgetUser(hers, [])),
  ];
  // What concerns others is not behind it.
  expect(await pipelines.perform(erase(hers, [key]))).toBe(1);
  expect(await pipelines.perform(aliceWrites({ recipient: hers, id: 'm-2' }))).toMatchObject({ outcome: 'stored' });
  // A command is told that Redis does not answer; it may be given again.
  const told = Promise.allSettled(waiting);
  store.timeOut();
  for (const one of await told) expect(one).toMatchObject({ reason: { message: 'Redis does not answer' } });
  await store.goOn();
  await pipelines.perform(resume());
  pipelines.close();
});
