// Users write to each other's own addresses, and a gate in the server holds each message until the component has stored it.

import type { Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import { World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const MODE = { MODE: 'transparent', RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s', PROOF_GRACE: '1s' };

let world: World;

beforeAll(async () => {
  world = await World.open({ gate: true });
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

test('a message is stored, acknowledged, delivered as it was written, and confirmed', async () => {
  await begin();
  const bob = await world.user('bob');
  const alice = await world.user('alice');
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
  expect(counts()).toMatchObject({ gateHeld: 2, gateStored: 1, gateDropped: 1, gatePassed: 0, redelivered: 0 });
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
