// Clients that are inactive (XEP-0352), on a Prosody whose mod_csi_simple keeps back from them what is not urgent.

import { setTimeout as delay } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { deliver, GateStage } from '../support/gate/gate-stage.ts';
import type { RawClient } from '../support/gate/raw-client.ts';

let stage: GateStage;
let alice: TestUser;
let component: GateComponent;
const BOB = 'bob@example.org';
const [ACTIVE, INACTIVE] = ['active', 'inactive'].map((name) => `<${name} xmlns="urn:xmpp:csi:0"/>`) as [
  string,
  string,
];

beforeAll(async () => {
  stage = await GateStage.open({ modules: ['gate_control', 'csi_simple'] });
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  component = await stage.hold();
  component.verdict = () => 'stored';
});
afterEach(() => stage.empty());

async function inactiveBob(options: { sm?: boolean } = {}): Promise<RawClient> {
  const bob = await stage.raw('bob', 'desk', options);
  await bob.handledBefore();
  bob.write(INACTIVE);
  return bob;
}

/** Content without a body, which mod_csi_simple takes for not urgent. Resolves with its number when it was let go. */
async function reacts(id: string): Promise<string> {
  const reactions = xml('reactions', { xmlns: 'urn:xmpp:reactions:0', id: 'm' }, xml('reaction', {}, '+'));
  await alice.send(xml('message', { to: BOB, type: 'chat', id }, reactions));
  const { attrs } = await component.hears((el) => el.name === 'held' && el.getChild('message')?.attrs.id === id);
  const n = attrs.n as string;
  expect((await component.event('outcome', { n, copy: '1' })).attrs.state).toBe('sent');
  return n;
}
const shown = (n: string) => component.events('held', { n })[0]?.getChild('message') as Element;
const hasId = (id: string) => (el: Element) => el.name === 'message' && el.attrs.id === id;

test('what is kept back wakes nobody and is not proved; it is when the client is active again', async () => {
  const bob = await inactiveBob();
  const before = bob.received.length;
  const n = await reacts('r1');
  // Longer than the gate waits before it pings.
  await delay(200);
  expect(bob.received.slice(before)).toEqual([]);
  bob.write(ACTIVE);
  await bob.hears(hasId('r1'));
  await component.command();
  expect(component.events('has')).toEqual([]);
  await bob.answer(await bob.ping());
  await component.event('has', { n, by: 'ping' });
});

test('what is urgent takes along what was kept back, and both are proved', async () => {
  const bob = await inactiveBob();
  const n = await reacts('r2');
  await alice.say(BOB, 'Urgent');
  const urgent = await component.held('Urgent');
  await bob.hears('Urgent');
  expect(bob.received.findIndex(hasId('r2'))).toBeGreaterThan(0);
  await bob.answer(await bob.ping());
  await component.event('has', { n, by: 'ping' });
  await component.event('has', { n: urgent, by: 'ping' });
});

test('what was kept back when the session ends is returned, and goes to the next one once', async () => {
  const bob = await inactiveBob({ sm: true });
  const n = await reacts('r3');
  await bob.leave();
  await component.event('returned', { n, jid: bob.jid });
  const next = await stage.raw('bob', 'next');
  await next.handledBefore();
  expect(next.received.filter(hasId('r3'))).toEqual([]);
  await component.command(deliver(n, 2, next.jid, shown(n)));
  await next.hears(hasId('r3'));
  expect(component.events('has')).toEqual([]);
});
