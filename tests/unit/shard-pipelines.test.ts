// A shard that stands still, in Redis Cluster: its messages are refused or late, nobody else's.
import { type Outcome, type Request, settle, settleByMention, withdraw } from '../../src/store/contract.ts';
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

  /** Of what shards are asked beside the requests of the contract, whether they have a record: none has here. */
  batchIn(shard: number, requests: readonly (Request | InternalRequest)[]): Promise<Outcome[]> {
    const usual = requests.filter((request): request is Request => request.kind !== 'isKnown');
    if (shard === this.stalled) return this.#hold(usual);
    return usual.length === requests.length ? this.memory.batch(usual) : Promise.resolve(requests.map(() => false));
  }

  #hold(requests: readonly Request[]): Promise<Outcome[]> {
    return new Promise((_, reject) => {
      this.#held.push({ requests, timeOut: () => reject(new Error('Command timed out')) });
    });
  }

  get calls(): number {
    return this.#held.length;
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
