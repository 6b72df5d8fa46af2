// Two people who know each other by their proxied addresses only, and what becomes of messages as they come and go.
import xml from '@xmpp/xml';
import { Redis } from 'ioredis';
import type { TestUser } from '../support/clients/test-user.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

let world: World;
let redis: Redis;
let kept: KeptShards;

beforeEach(async () => {
  world = await World.open();
  redis = new Redis(world.redis.url);
  kept = new KeptShards(redis);
});
afterEach(async () => {
  redis.disconnect();
  await world.close();
});

const AVATAR = 'urn:xmpp:avatar:data';
const range = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}`);

async function becomeContacts(alice: TestUser, bob: TestUser): Promise<void> {
  const [aliceIs, bobIs] = [world.proxied('alice'), world.proxied('bob')];
  await alice.subscribesTo(bobIs);
  await bob.isAskedBy(aliceIs);
  await bob.approves(aliceIs);
  await alice.isApprovedBy(bobIs);
  await bob.subscribesTo(aliceIs);
  await alice.isAskedBy(bobIs);
  await alice.approves(bobIs);
  await bob.isApprovedBy(aliceIs);
  await alice.seesPresence(world.seenAs(bob));
  await bob.seesPresence(world.seenAs(alice));
}

async function bobs(what: 'sessions' | 'copies'): Promise<string> {
  const jid = `bob@${world.xmpp.domain}`;
  return (await kept.ofUser(jid))[what](jid);
}

/** The proxy knows of so many sessions of bob's, and what their clients can. */
async function theProxySeesBob(sessions: number, receipts?: 'y' | 'n'): Promise<void> {
  const seen = async () => {
    const { '': known, ...found } = await redis.hgetall(await bobs('sessions'));
    return known === undefined ? undefined : Object.values(found);
  };
  const asWanted = (one: string) => receipts === undefined || one.split(';')[1] === receipts;
  await until(
    async () => {
      const found = await seen();
      return found?.length === sessions && found.every(asWanted);
    },
    { what: `${sessions} sessions of bob's` },
  );
}

/** The server has proved to have so many copies that bob has not confirmed. */
const copiesAreOut = (count: number) =>
  until(async () => (await redis.hlen(await bobs('copies'))) === count, { what: `${count} copies that are out` });

test('they become contacts, talk, and learn of each other what contacts do', async () => {
  await world.startProxy();
  const [alice, bob] = [await world.user('alice'), await world.user('bob')];
  await becomeContacts(alice, bob);

  const id = await alice.say(world.proxied('bob'), 'Hello');
  await bob.hears('Hello');
  await alice.acknowledged(id);
  await alice.delivered(id);

  const info = await alice.asks(world.seenAs(bob), xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' }));
  expect(info.toString()).toContain('urn:xmpp:receipts');

  await bob.publishes(AVATAR, xml('data', { xmlns: AVATAR }, 'aGVsbG8='), 'a1b2');
  const avatar = await alice.retrieves(world.proxied('bob'), AVATAR);
  expect(avatar.toString()).toContain('aGVsbG8=');
});

test('he was lost with what he had not confirmed: he has it when he is back, in order', async () => {
  await world.startProxy();
  const [alice, bob] = [await world.user('alice'), await world.user('bob')];
  await becomeContacts(alice, bob);
  await theProxySeesBob(1, 'y');
  // What he confirms before must not come again.
  for (const text of ['before 1', 'before 2']) await alice.delivered(await alice.say(world.proxied('bob'), text));

  bob.freeze();
  const texts = range(50);
  const ids: string[] = [];
  for (const text of texts) ids.push(await alice.say(world.proxied('bob'), text));
  for (const id of ids) await alice.acknowledged(id);
  // The server has taken them all for a session that reads nothing; a short timetable has come and gone meanwhile.
  await copiesAreOut(texts.length);
  bob.cut();
  await alice.seesPresence(world.proxied('bob'), { type: 'unavailable' });
  await theProxySeesBob(0);
  expect(world.proxy.metrics.counts.redelivered).toBe(0);

  const back = await world.user('bob');
  for (const text of texts) await back.hears(text);
  for (const id of ids) await alice.delivered(id);
  expect(back.bodies().filter((text) => text.startsWith('before'))).toEqual([]);
  expect(back.bodies()).toEqual(texts);
});

test('away overnight: the server keeps a hundred messages for him, and he sees each once', async () => {
  // Nights are short here: six steps of the timetable. The first is what he has for his receipts when he is back.
  await world.startProxy({ RETRY_SCHEDULE: '2s,300ms' });
  const [alice, bob] = [await world.user('alice'), await world.user('bob')];
  await becomeContacts(alice, bob);
  await alice.delivered(await alice.say(world.proxied('bob'), 'good night'));
  await bob.offline();
  await theProxySeesBob(0);
  const texts = range(100);
  const ids: string[] = [];
  for (const text of texts) ids.push(await alice.say(world.proxied('bob'), text));
  for (const id of ids) await alice.acknowledged(id);

  // Somebody of whom nothing is known, and who confirms nothing, is sent several copies meanwhile.
  const dave = await world.user('dave', { autoReceipt: true });
  await alice.delivered(await alice.say(world.proxied('dave'), 'are you there?'));
  dave.autoReceipt = false;
  await alice.say(world.proxied('dave'), 'night watch');
  for (let i = 0; i < 6; i += 1) await dave.hears('night watch');

  const back = await world.user('bob');
  for (const text of texts) await back.hears(text);
  for (const id of ids) await alice.delivered(id);
  // Whatever else was due by now would be here before this.
  await alice.say(world.proxied('bob'), 'good morning');
  await back.hears('good morning');
  const stored = back.bodies();
  expect(stored.pop()).toBe('good morning');
  // Openfire hands out in any order what it has stored in the same millisecond.
  if (!OWN_SERVER) stored.sort((one, other) => Number(one) - Number(other));
  expect(stored).toEqual(texts);
});

test('his client gives no receipts, and says so: each message once, and its end is not known', async () => {
  await world.startProxy({ RETRY_SCHEDULE: '200ms', UNCONFIRMED_RETRY_AFTER: '200ms', MESSAGE_TTL: '4s' });
  const alice = await world.user('alice');
  const plain = { autoReceipt: false, features: ['http://jabber.org/protocol/disco#info'] };
  const bob = await world.user('bob', plain);
  await becomeContacts(alice, bob);
  await theProxySeesBob(1, 'n');
  const texts = range(5);
  const ids: string[] = [];
  for (const text of texts.slice(0, 2)) ids.push(await alice.say(world.proxied('bob'), text));
  // What comes while a client leaves is lost with it, if it gives no receipts (seen on Openfire 4.2.4).
  await bob.hears('2');
  await bob.offline();
  await alice.seesPresence(world.proxied('bob'), { type: 'unavailable' });
  for (const text of texts.slice(2)) ids.push(await alice.say(world.proxied('bob'), text));
  const back = await world.user('bob', plain);
  const unconfirmed = (id: string) =>
    alice.hears((el) => el.getChild('unconfirmed', 'urn:openfire-receipts:0')?.attrs.id === id);
  for (const id of ids) await unconfirmed(id);
  expect([...bob.bodies(), ...back.bodies()]).toEqual(texts);
  expect(world.proxy.metrics.counts.redelivered).toBe(0);
});

test('a thousand messages to a healthy client, and no copy at all', async () => {
  await world.startProxy();
  const [alice, bob] = [await world.user('alice'), await world.user('bob')];
  await becomeContacts(alice, bob);
  const texts = range(1000);
  let last = '';
  for (const text of texts) last = await alice.say(world.proxied('bob'), text);
  await alice.delivered(last);
  await until(() => world.proxy.metrics.counts.delivered === 1000, { what: 'a thousand receipts' });
  expect(bob.bodies()).toEqual(texts);
  expect(world.proxy.metrics.counts).toMatchObject({ redelivered: 0, evidenceGap: 0, evidenceSessionEnded: 0 });
});

test('he confirms a later message and not an earlier one: that one comes again, once', async () => {
  await world.startProxy({ RECEIPT_GAP: '300ms' });
  const [alice, bob] = [await world.user('alice'), await world.user('bob')];
  await becomeContacts(alice, bob);
  await alice.delivered(await alice.say(world.proxied('bob'), 'hello'));
  bob.autoReceipt = false;
  const lost = await alice.say(world.proxied('bob'), 'lost on the way');
  await bob.hears('lost on the way');
  // Not before the server has proved to have handled it: until then it is still on its way.
  await copiesAreOut(1);
  bob.autoReceipt = true;
  await alice.delivered(await alice.say(world.proxied('bob'), 'a later one'));
  await bob.hears('lost on the way');
  await alice.delivered(lost);
  expect(world.proxy.metrics.counts).toMatchObject({ evidenceGap: 1, redelivered: 1 });
});

test('her message fails while she is away: she is told when she comes', async () => {
  await world.startProxy({ MESSAGE_TTL: '2s', RETRY_SCHEDULE: '1s' });
  const [alice, bob] = [await world.user('alice'), await world.user('bob')];
  await becomeContacts(alice, bob);
  await alice.delivered(await alice.say(world.proxied('bob'), 'hello'));
  bob.autoReceipt = false;
  const id = await alice.say(world.proxied('bob'), 'anybody?');
  await alice.acknowledged(id);
  await alice.offline();
  await until(() => world.proxy.metrics.counts.expired === 1, { what: 'the end of it' });
  const back = await world.user('alice');
  const failure = await back.failed(id);
  expect(failure.toString()).toContain('<expired xmlns="urn:openfire-receipts:0"/>');
});
