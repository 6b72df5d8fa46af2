// Whoever changes his device gets his messages: two contacts, and a phone that dies without a word.
import { Redis } from 'ioredis';
import type { TestUser } from '../support/clients/test-user.ts';
import { World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

let world: World;
let redis: Redis;
let kept: KeptShards;

beforeEach(async () => {
  world = await World.open({ config: 'smacks_hibernation_time = 300' });
  redis = new Redis(world.redis.url);
  kept = new KeptShards(redis);
});
afterEach(async () => {
  redis.disconnect();
  await world.close();
});

const range = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}`);
async function bobs(what: 'sessions' | 'copies' | 'asked'): Promise<string> {
  const jid = `bob@${world.xmpp.domain}`;
  return (await kept.ofUser(jid))[what](jid);
}

/** Whatever they were before: a server that is not our own remembers it. */
async function becomeContacts(alice: TestUser, bob: TestUser): Promise<void> {
  const [aliceIs, bobIs] = [world.proxied('alice'), world.proxied('bob')];
  if ((await alice.roster()).has(bobIs)) await alice.removes(bobIs);
  if ((await bob.roster()).has(aliceIs)) await bob.removes(aliceIs);
  for (const [one, oneIs, other, otherIs] of [
    [alice, aliceIs, bob, bobIs],
    [bob, bobIs, alice, aliceIs],
  ] as const) {
    await one.subscribesTo(otherIs);
    await other.isAskedBy(oneIs);
    await other.approves(oneIs);
    await one.isApprovedBy(otherIs);
  }
  await alice.seesPresence(world.seenAs(bob));
  await bob.seesPresence(world.seenAs(alice));
}

/** The proxy knows of so many sessions of bob's, whose clients return receipts. */
const theProxySeesBob = (sessions: number) =>
  until(
    async () => {
      const { '': known, ...found } = await redis.hgetall(await bobs('sessions'));
      const states = Object.values(found).map((one) => one.split(';')[1]);
      return known !== undefined && states.length === sessions && states.every((state) => state === 'y');
    },
    { what: `${sessions} sessions of bob's` },
  );

const copiesAreOut = (count: number) =>
  until(async () => (await redis.hlen(await bobs('copies'))) === count, { what: `${count} copies that are out` });
const isSilent = (resource: string) =>
  until(async () => (await redis.hget(await bobs('asked'), resource))?.endsWith(';s'), {
    what: `${resource} to be silent`,
  });

const resourceOf = (user: TestUser) => user.jid.split('/')[1] as string;

/** Steps of half a second, and answers within two. */
const start = (settings: Record<string, string> = {}) =>
  world.startProxy({ RETRY_SCHEDULE: '500ms', RECEIPT_GAP: '1s', ...settings }, { queries: { timeLimit: 2000 } });

async function aliceAndBob(options: Parameters<World['user']>[1] = {}): Promise<[TestUser, TestUser]> {
  const alice = await world.user('alice');
  const bob = await world.user('bob', options);
  await becomeContacts(alice, bob);
  await theProxySeesBob(1);
  await alice.delivered(await alice.say(world.proxied('bob'), 'before'));
  await bob.hears('before');
  return [alice, bob];
}

async function aliceSays(alice: TestUser, texts: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const text of texts) ids.push(await alice.say(world.proxied('bob'), text));
  for (const id of ids) await alice.acknowledged(id);
  return ids;
}

describe('his phone dies half-open, with three messages', () => {
  const texts = range(3);

  test('and he takes another device later', async () => {
    await start();
    const [alice, phone] = await aliceAndBob();
    phone.freeze();
    const ids = await aliceSays(alice, texts);
    await copiesAreOut(3);
    await isSilent(resourceOf(phone));
    expect(world.proxy.metrics.counts.redelivered).toBe(0);

    const tablet = await world.user('bob');
    for (const text of texts) await tablet.hears(text);
    for (const id of ids) await alice.delivered(id);
    expect(tablet.bodies()).toEqual(texts);
    expect(world.proxy.metrics.counts).toMatchObject({ redelivered: 3, evidenceSessionSilent: 3 });
  });

  test('and its session ends before it was asked, while another of his devices is there all the time', async () => {
    await start({ RETRY_SCHEDULE: '2s' });
    const [alice, phone] = await aliceAndBob();
    await phone.goesAvailable({ priority: 5 });
    const tablet = await world.user('bob');
    await theProxySeesBob(2);
    phone.freeze();
    const ids = await aliceSays(alice, texts);
    await copiesAreOut(3);
    phone.cut();
    for (const text of texts) await tablet.hears(text);
    for (const id of ids) await alice.delivered(id);
    await alice.delivered(await alice.say(world.proxied('bob'), 'after'));
    expect(tablet.bodies()).toEqual([...texts, 'after']);
  });

  test('or its connection breaks, and its session waits to be resumed (XEP-0198): he takes another device', async () => {
    await start();
    const [alice, phone] = await aliceAndBob({ streamManagement: true });
    phone.freeze();
    const ids = await aliceSays(alice, texts);
    await copiesAreOut(3);
    phone.cut();
    const tablet = await world.user('bob');
    for (const text of texts) await tablet.hears(text);
    for (const id of ids) await alice.delivered(id);
    expect(tablet.bodies().filter((text) => text !== 'before')).toEqual(texts);
  });

  test('and he has taken another device before anybody could know', async () => {
    await start({ RETRY_SCHEDULE: '2s' });
    const [alice, phone] = await aliceAndBob();
    phone.freeze();
    const ids = await aliceSays(alice, texts);
    await copiesAreOut(3);
    const tablet = await world.user('bob');
    for (const text of texts) await tablet.hears(text);
    for (const id of ids) await alice.delivered(id);
    expect(tablet.bodies()).toEqual(texts);
  });

  test('and another of his devices is there all the time, to which the server sends nothing', async () => {
    await start();
    const [alice, phone] = await aliceAndBob();
    await phone.goesAvailable({ priority: 5 });
    const tablet = await world.user('bob');
    await theProxySeesBob(2);
    phone.freeze();
    const ids = await aliceSays(alice, texts);
    for (const text of texts) await tablet.hears(text);
    for (const id of ids) await alice.delivered(id);
    expect(tablet.bodies()).toEqual(texts);
    expect(world.proxy.metrics.counts).toMatchObject({ redelivered: 3, evidenceSessionSilent: 3 });
  });
});

test('a phone that reads slowly but answers keeps its messages, and another device gets no copy', async () => {
  await start();
  const [alice, phone] = await aliceAndBob();
  // It returns no receipt, for whatever reason, and says that it would.
  phone.autoReceipt = false;
  await aliceSays(alice, range(3));
  await copiesAreOut(3);
  const tablet = await world.user('bob');
  await until(async () => (await redis.hget(await bobs('asked'), resourceOf(phone)))?.endsWith(';a'), {
    what: 'an answer',
  });
  // Each is asked about once and then waits for the end of its session.
  const ttl = 60_000;
  await until(
    async () => {
      const dues = [...(await kept.due()).values()];
      return dues.length === 3 && dues.every((due) => due > Date.now() + ttl / 2);
    },
    { what: 'all to wait' },
  );
  expect(tablet.bodies()).toEqual([]);
  expect(world.proxy.metrics.counts.redelivered).toBe(0);
});

test.each([1, 2, 3])(
  'his session is cut and not resumed, the same resource again: each message once (%i)',
  async () => {
    await start({ RETRY_SCHEDULE: '30s' });
    const [alice, phone] = await aliceAndBob({ streamManagement: true, resource: 'phone' });
    phone.freeze();
    const texts = range(3);
    const ids = await aliceSays(alice, texts);
    await copiesAreOut(3);
    phone.cut();
    const back = await world.user('bob', { streamManagement: true, resource: 'phone' });
    for (const text of texts) await back.hears(text);
    for (const id of ids) await alice.delivered(id);
    // Whatever else was on its way is here before this.
    await alice.delivered(await alice.say(world.proxied('bob'), 'after'));
    // Openfire itself sends again what the session has shown and not acknowledged by XEP-0198.
    expect(back.bodies().filter((text) => text !== 'before')).toEqual([...texts, 'after']);
  },
);
