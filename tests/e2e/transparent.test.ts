// Users write to each other's own addresses, and a gate in the server holds each message until the component has stored it.

import xml, { type Element } from '@xmpp/xml';
import { Redis } from 'ioredis';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { askRedis } from '../support/servers/redis.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { spoil } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const MODE = { MODE: 'transparent', RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s', PROOF_GRACE: '1s' };

/** What another server does not do: Openfire says nothing of an unknown user, and its gate is there in all tests. */
const onOwnServer = OWN_SERVER ? test : test.skip;

let world: World;

beforeAll(async () => {
  world = await World.open({ gate: true, ...(OWN_SERVER && { modules: ['gate_control'] }) });
});
afterAll(() => world?.close());

async function begin(settings: Record<string, string> = {}): Promise<void> {
  await world.startProxy({ ...MODE, ...settings });
  await until(() => world.proxy.readiness.ready, { what: 'the gate' });
}
afterEach(async () => {
  await world.empty();
  await world.stopProxy();
});

const bareOf = ({ jid }: TestUser) => jid.split('/', 1)[0] as string;
const counts = () => world.proxy.metrics.counts;

/** The component's features (XEP-0030). */
async function features(user: TestUser): Promise<(string | undefined)[]> {
  const question = xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' });
  const answer = await user.iq(xml('iq', { type: 'get', to: `receipts.${bareOf(user).split('@')[1]}` }, question));
  return (
    answer
      .getChild('query')
      ?.getChildren('feature')
      .map(({ attrs }) => attrs.var) ?? []
  );
}

test('a message is stored, acknowledged, delivered as it was written, and confirmed', async () => {
  await begin();
  const bob = await world.user('bob');
  const alice = await world.user('alice');
  expect(await features(alice)).toContain('urn:openfire-receipts:0#transparent');
  const id = await alice.say(bareOf(bob), 'hello');
  const heard = await bob.hears('hello');
  expect(heard.attrs.from).toBe(alice.jid);
  expect(heard.getChild('delay')).toBeUndefined();
  const acknowledged = await alice.acknowledged(id);
  expect(acknowledged.attrs).toMatchObject({ from: world.xmpp.componentDomain });
  expect(acknowledged.attrs.type ?? 'normal').toBe('normal');
  expect(acknowledged.getChild('received')).toBeUndefined();
  const delivered = await alice.delivered(id);
  expect(delivered.attrs.from).toBe(bob.jid);
  await until(() => counts().delivered === 1, { what: 'the receipt' });
  // The receipt is not held: it has gone to her by itself.
  expect(counts()).toMatchObject({ gateHeld: 1, gateStored: 1, gateDropped: 0, gatePassed: 0, redelivered: 0 });
  expect(alice.count((stanza: Element) => stanza.getChild('received') !== undefined)).toBe(1);
});

test('what was sent to a session that ends without it is sent again, once, to the next', async () => {
  await begin();
  const first = await world.user('bob', { autoReceipt: false, streamManagement: false });
  const alice = await world.user('alice');
  first.freeze();
  const id = await alice.say(bareOf(first), 'to be lost');
  await alice.acknowledged(id);
  await until(() => counts().handedOver > 0, { what: 'the outcome' });
  first.cut();
  const next = await world.user('bob');
  const copy = await next.hears('to be lost');
  expect(copy.attrs.from).toBe(alice.jid);
  await alice.delivered(id);
  await until(() => counts().delivered === 1, { what: 'the receipt' });
  expect(next.bodies()).toEqual(['to be lost']);
});

test('old-redis-copy: when Redis was set back, what was pending is not sent to the next session until an administrator says so', async () => {
  await begin();
  const redis = (command: string) => askRedis(world.redis.port, command);
  await redis('HINCRBY {receipts}:identity count 1000');
  const first = await world.user('bob', { autoReceipt: false, streamManagement: false });
  const alice = await world.user('alice');
  first.freeze();
  const id = await alice.say(bareOf(first), 'to be lost');
  await alice.acknowledged(id);
  await until(() => counts().handedOver > 0, { what: 'the outcome' });
  const probes = async () => Number((await redis('HINCRBY {receipts}:identity count 0')).slice(1));
  const before = await probes();
  await until(async () => (await probes()) > before + 1, { what: 'probes', within: 30_000 });
  await redis('HINCRBY {receipts}:identity count -1000');
  const asks = async () => (await fetch(`${world.proxy.url}/api/restored`)).status === 200;
  await until(asks, { what: 'the finding', within: 30_000 });
  first.cut();
  const next = await world.user('bob');
  await alice.delivered(await alice.say(bareOf(first), 'after it'));
  // The clock would send it within a minute; a login at once, and the message after it is not held up.
  expect(next.bodies()).toEqual(['after it']);
  await fetch(`${world.proxy.url}/api/restored`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"action":"send"}',
  });
  await next.hears('to be lost', { within: 90_000 });
  await alice.delivered(id);
  expect(next.bodies()).toEqual(['after it', 'to be lost']);
});

test('a process that starts together with the copy knows it by the gate: nothing of it is sent until an administrator says so', async () => {
  const redis = (command: string) => askRedis(world.redis.port, command);
  await begin();
  // More than the copy of another test lacked: what was found once is not found again.
  await redis('HINCRBY {receipts}:identity count 5000');
  await world.stopProxy();
  await begin();
  const first = await world.user('bob', { autoReceipt: false, streamManagement: false });
  const alice = await world.user('alice');
  first.freeze();
  const id = await alice.say(bareOf(first), 'of the copy');
  await alice.acknowledged(id);
  await until(() => counts().handedOver > 0, { what: 'the outcome' });
  await world.stopProxy();
  await redis('HINCRBY {receipts}:identity count -5000');
  await begin();
  const asks = async () => (await fetch(`${world.proxy.url}/api/restored`)).status === 200;
  await until(asks, { what: 'the finding', within: 30_000 });
  first.cut();
  const next = await world.user('bob');
  await alice.delivered(await alice.say(bareOf(first), 'written since'));
  expect(next.bodies()).toEqual(['written since']);
  await until(() => world.proxy.readiness.warnings.some((text) => /gone back to an older copy/.test(text)), {
    what: 'the loss',
  });
  await fetch(`${world.proxy.url}/api/restored`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"action":"send"}',
  });
  await next.hears('of the copy', { within: 90_000 });
  await alice.delivered(id);
});

test('a client without receipts is proved to have it, and its sender is told nothing', async () => {
  await begin();
  const bob = await world.user('bob', { autoReceipt: false });
  const alice = await world.user('alice');
  const id = await alice.say(bareOf(bob), 'no receipt');
  await bob.hears('no receipt');
  await alice.acknowledged(id);
  await until(() => counts().provedBySession === 1, { what: 'the proof' });
  expect(alice.count((stanza: Element) => stanza.getChild('received') !== undefined)).toBe(0);
});

test('PROOF_COUNTS=receipt: the proof is a receipt to who asked for one', async () => {
  await begin({ PROOF_COUNTS: 'receipt', PROOF_GRACE: '50ms' });
  const bob = await world.user('bob', { autoReceipt: false });
  const alice = await world.user('alice');
  const id = await alice.say(bareOf(bob), 'proved');
  expect((await alice.delivered(id)).attrs.from).toBe(bob.jid);
  expect(bob.bodies()).toEqual(['proved']);
});

test('a receipt that comes after the proof still goes to the sender', async () => {
  await begin({ PROOF_GRACE: '50ms' });
  const bob = await world.user('bob', { autoReceipt: false });
  const alice = await world.user('alice');
  const id = await alice.say(bareOf(bob), 'late');
  await bob.hears('late');
  await until(() => counts().provedBySession === 1, { what: 'the proof' });
  await bob.send(
    `<message to="${alice.jid}" type="chat" id="r"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
  );
  expect((await alice.delivered(id)).attrs.from).toBe(bob.jid);
  // It may have gone by itself, and be counted when she has it.
  await until(() => counts().lateReceipts === 1, { what: 'the late receipt to be counted' });
  expect(counts().redelivered).toBe(0);
});

test('a receipt for a session that has ended goes to its user, who is there with another', async () => {
  await begin();
  const bob = await world.user('bob', { autoReceipt: false });
  const phone = await world.user('alice');
  const id = await phone.say(bareOf(bob), 'hello');
  await bob.hears('hello');
  await phone.offline();
  const desk = await world.user('alice');
  await bob.send(xml('message', { to: phone.jid, type: 'chat' }, xml('received', { xmlns: 'urn:xmpp:receipts', id })));
  const { from, to } = (await desk.delivered(id)).attrs;
  expect(from).toBe(bob.jid);
  // Openfire names the session that it has chosen.
  expect([bareOf(desk), desk.jid]).toContain(to);
});

test('written to while he was away: all come once, in order, before what is written when he is there', async () => {
  await begin();
  const alice = await world.user('alice');
  const to = `bob@${world.xmpp.domain}`;
  const ids = [];
  for (const text of ['one', 'two', 'three']) ids.push(await alice.say(to, text));
  for (const id of ids) await alice.acknowledged(id);
  const bob = await world.user('bob');
  ids.push(await alice.say(to, 'four'));
  for (const id of ids) await alice.delivered(id);
  expect(bob.bodies()).toEqual(['one', 'two', 'three', 'four']);
  await until(() => counts().delivered === 4, { what: 'the receipts' });
});

onOwnServer('somebody who does not exist: the server returns it, and its sender is told once', async () => {
  await begin();
  const alice = await world.user('alice');
  const id = await alice.say(`nobody@${world.xmpp.domain}`, 'to nobody');
  const failure = await alice.failed(id);
  expect(failure.attrs.from).toBe(`nobody@${world.xmpp.domain}`);
  const bob = await world.user('bob');
  await alice.delivered(await alice.say(bareOf(bob), 'after'));
  expect(alice.count(({ attrs }) => attrs.type === 'error')).toBe(1);
});

onOwnServer(
  'his offline storage is full: the server returns the message, and that ends it; its sender is told once',
  async () => {
    await begin();
    const alice = await world.user('alice');
    const id = await alice.say(`bob@${world.xmpp.domain}`, 'Full');
    const failure = await alice.failed(id);
    expect(failure.attrs.from).toBe(`bob@${world.xmpp.domain}`);
    expect(failure.getChild('error')?.getChild('service-unavailable')).toBeDefined();
    await until(() => counts().rejected === 1, { what: 'the end' });
    // She knows that it failed, and may have written it anew: it does not come when he is there.
    const bob = await world.user('bob');
    await alice.delivered(await alice.say(bareOf(bob), 'after'));
    expect(bob.bodies()).toEqual(['after']);
    expect(alice.count(({ attrs }) => attrs.type === 'error')).toBe(1);
  },
);

test('what is no content passes, and a receipt for nothing that is known', async () => {
  await begin();
  const bob = await world.user('bob');
  const alice = await world.user('alice');
  await alice.send(
    `<message to="${bareOf(bob)}" type="chat" id="r"><received xmlns="urn:xmpp:receipts" id="nothing"/></message>`,
  );
  await bob.hears((stanza) => stanza.getChild('received')?.attrs.id === 'nothing');
  expect(counts()).toMatchObject({ gateStored: 0, gatePassed: 1, accepted: 0 });
});

test('the record of a message is damaged: its sender is told in his contact’s name, and the link lives', async () => {
  await begin();
  const alice = await world.user('alice');
  const to = `bob@${world.xmpp.domain}`;
  const before = counts().handedOver;
  const id = await alice.say(to, 'soon damaged');
  await alice.acknowledged(id);
  // The outcome sets a time at which it is due, which would come after ours.
  await until(() => counts().handedOver > before, { what: 'the outcome' });
  const redis = new Redis(world.redis.url);
  const record = recordKey(bareOf(alice), to, id);
  const [name = ''] = await redis.keys(`*}.${record}`);
  await spoil(redis, name);
  // The next sweep looks at it.
  await redis.zadd(`${name.slice(0, -record.length - 1)}:dues`, 'XX', 1, record);
  await redis.quit();
  const error = await alice.failed(id);
  expect(error.attrs.from).toBe(to);
  expect(error.getChild('error')?.getChild('internal-server-error')).toBeDefined();
  expect(world.proxy.link.stats.reconnects).toBe(0);
});

test('what was stored under addresses of another mode is sent again under these, and confirmed', async () => {
  await begin({ MODE: 'both' });
  const first = await world.user('bob', { autoReceipt: false, streamManagement: false });
  const alice = await world.user('alice');
  first.freeze();
  const id = await alice.say(world.proxied('bob'), 'of another mode');
  await alice.acknowledged(id);
  await until(() => counts().handedOver > 0, { what: 'the proof of hand-over' });
  const seenAs = world.seenAs(alice);
  await world.stopProxy();
  await begin();
  first.cut();
  const next = await world.user('bob');
  expect((await next.hears('of another mode')).attrs.from).toBe(seenAs);
  expect((await alice.delivered(id)).attrs.from).toBe(next.jid);
  await until(() => counts().delivered === 1, { what: 'the receipt' });
  expect(world.proxy.link.stats.reconnects).toBe(0);
});

test('MODE=both: a message to either address is confirmed from that address', async () => {
  await begin({ MODE: 'both' });
  const bob = await world.user('bob');
  const alice = await world.user('alice');
  const held = await alice.say(bareOf(bob), 'to himself');
  const routed = await alice.say(world.proxied('bob'), 'to the component');
  expect((await alice.delivered(held)).attrs.from).toBe(bob.jid);
  expect((await alice.delivered(routed)).attrs.from).toBe(world.seenAs(bob));
  expect((await bob.hears('to himself')).attrs.from).toBe(alice.jid);
  expect((await bob.hears('to the component')).attrs.from).toBe(world.seenAs(alice));
});

onOwnServer('a server without the gate is named in /readyz, with what to do; chat goes on', async () => {
  const bare = await World.open();
  try {
    await bare.startProxy(MODE);
    const named = () => bare.proxy.readiness.problems.some((text) => text.includes('install the plugin'));
    await until(named, { what: 'the problem' });
    const bob = await bare.user('bob');
    const alice = await bare.user('alice');
    expect(await features(alice)).not.toContain('urn:openfire-receipts:0#transparent');
    await alice.delivered(await alice.say(bareOf(bob), 'as ever'));
  } finally {
    await bare.close();
  }
});
