import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import { GateStage } from '../support/gate/gate-stage.ts';

/** Rule 9 of the gate: how much of one sender may wait behind what is held of him. */
const BOB = 'bob@example.org';
let stage: GateStage;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  // A tenth of it is one sender's.
  stage = await GateStage.open({ gate: 'receipts_max_held = 50' });
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', 'desk');
});
afterEach(() => stage.empty());

const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const say = (text: string, from = alice) => from.say(BOB, text, { request: false });

test('who has so much waiting behind what is held of him is let go, alone and in order; then all begins anew', async () => {
  const component = await stage.hold();
  const carol = await stage.user('carol', 'web');
  await say('hers', carol);
  const hers = await component.held('hers');
  // Five are held, and five wait behind them.
  const texts = lines(11);
  for (const text of texts) await say(text);
  await bob.hears('10');
  expect(bob.bodies()).toEqual(texts);
  await component.command(xml('renew'));
  const numbers = component.events('held').map(({ attrs }) => attrs.n as string);
  expect(numbers).toHaveLength(6);
  for (const n of numbers.slice(1)) await component.event('outcome', { n, state: 'passed' });
  expect(component.events('unheld')).toHaveLength(6);
  await say('anew');
  await component.command(xml('stored', { n: await component.held('anew') }), xml('stored', { n: hers }));
  await bob.hears('hers');
  expect(component.events('opened')).toEqual([]);
});

test('more than may be in memory is refused, and is no message that passed: written again it is delivered', async () => {
  const component = await stage.hold();
  component.verdict = () => 'stored';
  await say('Slow');
  await component.held('Slow');
  // By then it is held no longer.
  await component.command(xml('renew'));
  const texts = lines(55);
  for (const text of texts) await say(text);
  const id = await say('too many');
  const error = (el: Element) => el.attrs.type === 'error' && el.attrs.id === id;
  const refused = await alice.hears(error);
  expect(refused.getChild('error')?.attrs.type).toBe('wait');
  expect(refused.getChild('error')?.getChild('resource-constraint')).toBeDefined();
  expect(component.events('unheld').map(({ attrs }) => attrs.id)).not.toContain(id);
  const carol = await stage.user('carol', 'web');
  await stage.control(carol, 'go-on');
  await bob.hears('54');
  expect(bob.bodies()).toEqual(['Slow', ...texts]);
  await alice.send(xml('message', { to: BOB, type: 'chat', id }, xml('body', {}, 'too many')));
  await component.held('too many');
  await bob.hears('too many');
});
