// Whom a message to the bare address reaches (RFC 6121 section 8.5), and who may know: on a real server.

import xml from '@xmpp/xml';
import { Redis } from 'ioredis';
import { RECEIPT_CLIENT } from '../support/clients/request-dialogue.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

const onOwnServer = OWN_SERVER ? test : test.skip;

const TIMING = { broadcast: 100, probeTimeout: 2_000 };

let world: World;
let redis: Redis;
let kept: KeptShards;

beforeEach(async () => {
  world = await World.open();
  redis = new Redis(world.redis.url);
  kept = new KeptShards(redis);
  await world.startProxy({ RETRY_SCHEDULE: '2s' }, { presence: TIMING });
});
afterEach(async () => {
  redis.disconnect();
  await world.close();
});

async function becomeContacts(one: TestUser, other: TestUser): Promise<void> {
  const addressOf = (who: TestUser) => world.seenAs(who).split('/')[0] as string;
  for (const [asks, asked] of [
    [one, other],
    [other, one],
  ] as const) {
    await asks.subscribesTo(addressOf(asked));
    await asked.isAskedBy(addressOf(asks));
    await asked.approves(addressOf(asks));
    await asks.isApprovedBy(addressOf(asked));
    await asks.seesPresence(world.seenAs(asked));
  }
}

const bare = (name: string) => `${name}@${world.xmpp.domain}`;
const bobs = async (what: 'sessions' | 'copies') => (await kept.ofUser(bare('bob')))[what](bare('bob'));

/** How the copies went that are out to bob: see evidence.lua. */
const copies = async () => Object.values(await redis.hgetall(await bobs('copies'))).map((entry) => entry[0]);

const clientIsKnown = () =>
  until(
    async () => Object.values(await redis.hgetall(await bobs('sessions'))).some((one) => one.split(';')[1] === 'y'),
    {
      what: "what bob's client can",
    },
  );

onOwnServer('a session of negative priority is not here: what was stored comes when it rises', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await becomeContacts(alice, bob);
  await clientIsKnown();
  await bob.goesAvailable({ priority: -1 });
  await alice.seesPresence(world.seenAs(bob), { priority: -1 });
  const id = await alice.say(world.proxied('bob'), 'Later');
  await alice.acknowledged(id);
  await until(async () => (await copies()).join() === 's', { what: 'the copy to be stored' });
  // To that very session he is written to all the same (section 8.5.3.1).
  const direct = await alice.say(world.seenAs(bob), 'For your desk');
  await alice.delivered(direct);
  expect(bob.bodies()).toEqual(['For your desk']);
  await bob.goesAvailable({ priority: 0 });
  await bob.hears('Later');
  await alice.delivered(id);
  expect(bob.count('Later')).toBe(1);
});

onOwnServer('unavailable to alice alone is no logout: nothing is sent again when he shows himself to her', async () => {
  const alice = await world.user('alice');
  const carol = await world.user('carol');
  const bob = await world.user('bob', { autoReceipt: false, features: RECEIPT_CLIENT });
  await becomeContacts(alice, bob);
  await becomeContacts(carol, bob);
  await clientIsKnown();
  await alice.say(world.proxied('bob'), 'Have you seen this?');
  await bob.hears('Have you seen this?');
  await until(async () => (await copies()).join() === 'o', { what: 'the copy to be noted' });
  const { counts } = world.proxy.metrics;
  const probes = counts.presenceProbes;
  const shown = carol.count((el) => el.name === 'presence' && el.attrs.from === world.seenAs(bob));
  await bob.hidesFrom(world.proxied('alice'));
  await alice.seesPresence(world.seenAs(bob), { type: 'unavailable' });
  await until(() => counts.presenceProbes === probes + 1, { what: 'the server to be asked' });
  // He is still there for messages, hers too.
  await alice.say(world.proxied('bob'), 'And this?');
  await bob.hears('And this?');
  await until(async () => (await copies()).join() === 'o,o', { what: 'both copies to be noted' });
  await bob.shows(world.proxied('alice'));
  await alice.seesPresence(world.seenAs(bob));
  await bob.receivesNothing('Have you seen this?', bob.hasAllFrom(alice, world.proxied('bob')));
  // The server's answer was for the proxy alone.
  expect(carol.count((el) => el.name === 'presence' && el.attrs.from === world.seenAs(bob))).toBe(shown);
  // And a logout is one, whoever is told of it.
  await bob.hidesFrom(world.proxied('alice'));
  await bob.offline();
  await until(async () => (await redis.hlen(await bobs('sessions'))) === 1, { what: 'his session to be over' });
  const again = await world.user('bob');
  await again.hears('Have you seen this?');
  await again.hears('And this?');
});

onOwnServer('a client’s own probes make her nobody’s subscriber, and tell her nothing', async () => {
  const alice = await world.user('alice');
  const carol = await world.user('carol');
  const bob = await world.user('bob');
  await becomeContacts(carol, bob);
  for (const name of ['bob', 'nobody', 'dave']) {
    await alice.send(xml('presence', { type: 'probe', to: world.proxied(name) }));
  }
  // Prosody answers nothing where there is no subscription. What is remembered of the question goes by itself.
  const awaited = () => redis.keys('*:probed:*');
  await until(async () => (await awaited()).length === 3, { what: 'the probes' });
  await alice.hasAllFrom(bob, world.proxied('alice'));
  for (const key of await awaited()) expect(await redis.pttl(key)).toBeGreaterThan(0);
  const subscribers = async (name: string) => redis.hgetall((await kept.ofUser(bare(name))).subscriptions(bare(name)));
  expect(await subscribers('bob')).toEqual({ [bare('carol')]: 's' });
  for (const name of ['nobody', 'dave']) expect(await subscribers(name)).toEqual({});
  await world.stopProxy();
  await carol.seesPresence(world.seenAs(bob), { type: 'unavailable' });
  expect(
    alice.count((el) => el.name === 'presence' && (el.attrs.from ?? '').startsWith(`${world.proxied('bob')}/`)),
  ).toBe(0);
});
