import xml, { type Element } from '@xmpp/xml';
import { Redis } from 'ioredis';
import type { TestUser } from '../support/clients/test-user.ts';
import { Relay } from '../support/peer/relay.ts';
import { World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

const QUICK = { perSecond: 1000, heartbeat: 200, unusableAfter: 200 };
const NICK = 'http://jabber.org/protocol/nick';
const CAPS = 'http://jabber.org/protocol/caps';

let world: World;
let redis: Redis;
let kept: KeptShards;

beforeEach(async () => {
  world = await World.open();
  redis = new Redis(world.redis.url);
  kept = new KeptShards(redis);
  await world.startProxy({}, { presence: QUICK });
});
afterEach(async () => {
  redis.disconnect();
  await world.close();
});

/** Presence of that type from a full JID, or from any session of a bare one. */
const presence =
  (from: string, type?: string, status?: string) =>
  (stanza: Element): boolean =>
    stanza.name === 'presence' &&
    stanza.attrs.type === type &&
    (stanza.attrs.from === from || stanza.attrs.from?.startsWith(`${from}/`) === true) &&
    (status === undefined || stanza.getChildText('status') === status);

const tell = (who: TestUser, type: string | undefined, to?: string, ...children: Element[]) =>
  who.send(xml('presence', { ...(type !== undefined && { type }), ...(to !== undefined && { to }) }, ...children));

/** Logs in as a client with a roster does: only who has asked for his own is told of subscriptions (RFC 6121 section 2.2). */
async function enter(name: string): Promise<TestUser> {
  const user = await world.user(name, { presence: false });
  await roster(user);
  await user.available();
  return user;
}

/** The address by which others know somebody. */
const contact = (who: TestUser) => world.seenAs(who).split('/')[0] as string;

/** `subscriber` asks, `watched` grants it. */
async function subscribe(subscriber: TestUser, watched: TestUser): Promise<void> {
  await tell(subscriber, 'subscribe', contact(watched));
  await watched.hears(presence(contact(subscriber), 'subscribe'));
  await tell(watched, 'subscribed', contact(subscriber));
  await subscriber.hears(presence(contact(watched), 'subscribed'));
  await subscriber.hears(presence(world.seenAs(watched)));
}

async function befriend(alice: TestUser, bob: TestUser): Promise<void> {
  await subscribe(alice, bob);
  await subscribe(bob, alice);
}

/** What a user's own server has of his contacts. */
async function roster(who: TestUser): Promise<Record<string, string>> {
  const result = await who.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })));
  const items = result.getChild('query')?.getChildren('item') ?? [];
  return Object.fromEntries(items.map(({ attrs }) => [attrs.jid as string, attrs.subscription as string]));
}

test('two who know only the proxied addresses become contacts, and see each other', async () => {
  const alice = await enter('alice');
  const bob = await enter('bob');
  await tell(alice, 'subscribe', contact(bob), xml('nick', { xmlns: NICK }, 'Ally'));
  const asked = await bob.hears(presence(contact(alice), 'subscribe'));
  expect(asked.getChildText('nick', NICK)).toBe('Ally');
  // Asking again before he has answered does not bother him.
  await tell(alice, 'subscribe', contact(bob));
  await tell(bob, 'subscribed', contact(alice));
  await alice.hears(presence(contact(bob), 'subscribed'));
  await alice.hears(presence(world.seenAs(bob)));
  await subscribe(bob, alice);
  expect(await roster(alice)).toEqual({ [contact(bob)]: 'both' });
  expect(await roster(bob)).toEqual({ [contact(alice)]: 'both' });
  expect(bob.count(presence(contact(alice), 'subscribe'))).toBe(1);

  const caps = xml('c', { xmlns: CAPS, hash: 'sha-1', node: 'http://gajim.org', ver: 'abc=' });
  await tell(
    bob,
    undefined,
    undefined,
    xml('show', {}, 'dnd'),
    xml('status', {}, 'Busy'),
    xml('priority', {}, '7'),
    caps,
  );
  const seen = await alice.hears(presence(world.seenAs(bob), undefined, 'Busy'));
  expect(seen.getChildText('show')).toBe('dnd');
  expect(seen.getChildText('priority')).toBe('7');
  expect(seen.getChild('c', CAPS)?.attrs).toMatchObject({ hash: 'sha-1', node: 'http://gajim.org', ver: 'abc=' });

  const before = world.seenAs(bob);
  await bob.offline();
  await alice.hears(presence(before, 'unavailable'));
  const again = await enter('bob');
  await alice.hears(presence(world.seenAs(again)));
  await again.hears(presence(world.seenAs(alice)));
  // Cut without a word.
  const cut = world.seenAs(again);
  again.cut();
  await alice.hears(presence(cut, 'unavailable'));
});

test('denied, cancelled and removed', async () => {
  const alice = await enter('alice');
  const bob = await enter('bob');
  await tell(alice, 'subscribe', contact(bob));
  await bob.hears(presence(contact(alice), 'subscribe'));
  await tell(bob, 'unsubscribed', contact(alice));
  await alice.hears(presence(contact(bob), 'unsubscribed'));
  // Openfire 4.2 keeps nobody there whose request was denied.
  expect(await roster(alice)).toEqual((await world.isOpenfire42()) ? {} : { [contact(bob)]: 'none' });

  await befriend(alice, bob);
  await tell(bob, 'unsubscribed', contact(alice));
  await alice.hears(presence(contact(bob), 'unsubscribed'));
  await alice.hears(presence(world.seenAs(bob), 'unavailable'));
  expect(await roster(alice)).toEqual({ [contact(bob)]: 'from' });

  await subscribe(alice, bob);
  const item = xml('item', { jid: contact(bob), subscription: 'remove' });
  await alice.iq(xml('iq', { type: 'set' }, xml('query', { xmlns: 'jabber:iq:roster' }, item)));
  await bob.hears(presence(contact(alice), 'unsubscribe'));
  await bob.hears(presence(contact(alice), 'unsubscribed'));
  expect(await roster(alice)).toEqual({});
  expect(await roster(bob)).toEqual({ [contact(alice)]: 'none' });
  for (const { contacts } of await kept.all()) expect(await redis.scard(contacts)).toBe(0);
});

test('the link is lost and comes back: what changed meanwhile is shown, and nobody is left behind', async () => {
  await world.stopProxy();
  const relay = await Relay.to(world.xmpp.componentPort, undefined, world.xmpp.host);
  await world.startProxy({ XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}` }, { presence: QUICK });
  const alice = await enter('alice');
  const bob = await enter('bob');
  const carol = await enter('carol');
  await befriend(alice, bob);
  await befriend(alice, carol);
  const { link, metrics } = world.proxy;
  const offline = new Promise((resolve) => link.once('offline', resolve));
  const online = new Promise<void>((resolve) => link.once('online', resolve));
  // What is not proved to have arrived would be sent again.
  await until(() => link.stats.queued === 0, { what: 'the server to have all' });
  await relay.close();
  await offline;
  // Those of the start are fewer or more: on a busy machine the first contacts are there before all have been asked after.
  const { presenceProbes } = metrics.counts;
  await bob.offline();
  await tell(carol, undefined, undefined, xml('show', {}, 'away'), xml('status', {}, 'Lunch'));
  const back = await Relay.to(world.xmpp.componentPort, relay.port, world.xmpp.host);
  await online;
  await alice.hears(presence(world.seenAs(carol), undefined, 'Lunch'));
  await alice.hears(presence(world.seenAs(bob), 'unavailable'));
  await until(() => metrics.counts.staleSessions === 1, { what: 'the stale session' });
  // One for each subscription: alice's to both, and both's to alice.
  expect(metrics.counts.presenceProbes - presenceProbes).toBe(4);
  expect(alice.count(presence(world.seenAs(carol), undefined, 'Lunch'))).toBe(1);
  expect(alice.count(presence(world.seenAs(carol), 'unavailable'))).toBe(0);
  await world.stopProxy();
  await back.close();
});

test('subscriptions survive a restart; who is gone meanwhile is shown as gone', async () => {
  const alice = await enter('alice');
  const bob = await enter('bob');
  await befriend(alice, bob);
  await world.stopProxy();
  // On a clean stop both are told that they see nobody any more.
  await alice.hears(presence(world.seenAs(bob), 'unavailable'));
  await bob.hears(presence(world.seenAs(alice), 'unavailable'));
  await world.startProxy({}, { presence: QUICK });
  await alice.hears(presence(world.seenAs(bob)));
  await bob.hears(presence(world.seenAs(alice)));
  // Her client asks again, as some do at each login: she is answered, and he is not bothered.
  await tell(alice, 'subscribe', contact(bob));
  await tell(alice, undefined, contact(bob), xml('status', {}, 'after it'));
  await bob.hears(presence(world.seenAs(alice), undefined, 'after it'));
  expect(bob.count(presence(contact(alice), 'subscribe'))).toBe(1);
});

test('Redis has lost everything: the rosters are as they were, and are learned from again', async () => {
  const alice = await enter('alice');
  const bob = await enter('bob');
  await befriend(alice, bob);
  await until(() => world.proxy.link.stats.queued === 0, { what: 'the server to have all' });
  expect(await redis.flushall()).toBe('OK');
  await alice.offline();
  const again = await enter('alice');
  await again.hears(presence(world.seenAs(bob)));
  const his = (await kept.ofUser(bob.bare)).subscriptions(bob.bare);
  await until(async () => (await redis.hlen(his)) === 1, { what: 'his subscriber to be noted' });
  expect(await roster(again)).toEqual({ [contact(bob)]: 'both' });
});

test("the component's own domain shows whether messages are taken", async () => {
  const alice = await enter('alice');
  const domain = world.xmpp.componentDomain;
  await tell(alice, 'subscribe', domain);
  await alice.hears(presence(domain, 'subscribed'));
  await alice.hears(presence(domain));
  world.redis.freeze();
  await alice.hears(presence(domain, 'unavailable'));
  world.redis.thaw();
  await alice.hears(presence(domain));
  // At her next login she is shown it by herself.
  await alice.offline();
  const again = await enter('alice');
  await again.hears(presence(domain));
  expect(again.count(presence(domain, 'subscribe'))).toBe(0);
  await world.stopProxy();
  await again.hears(presence(domain, 'unavailable'));
});

test('what is told while Redis hangs goes on all the same, and is noted when it is back', async () => {
  await world.stopProxy();
  await world.startProxy({}, { presence: QUICK, pipelineTimeout: 500 });
  const alice = await enter('alice');
  const bob = await enter('bob');
  await befriend(alice, bob);
  const sessions = (await kept.ofUser(bob.bare)).sessions(bob.bare);
  const online = () => redis.hexists(sessions, bob.jid.split('/')[1] as string);
  await until(async () => (await online()) === 1, { what: 'his session to be noted' });
  const carol = await enter('carol');
  const { presenceProbes } = world.proxy.metrics.counts;
  world.redis.freeze();
  await tell(alice, 'subscribe', contact(carol));
  await bob.unavailable();
  // It is behind her request: when it goes on unrecorded, hers was not taken either.
  await alice.hears(presence(world.seenAs(bob), 'unavailable'));
  world.redis.thaw();
  await until(async () => (await online()) === 0, { what: 'his session to be over' });
  await until(() => world.proxy.metrics.counts.presenceProbes === presenceProbes + 2, { what: 'probes for both' });
  await carol.hears(presence(contact(alice), 'subscribe'));
  expect(alice.count(presence(contact(carol), 'error'))).toBe(0);
});
