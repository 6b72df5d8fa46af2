import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { GateStage } from '../support/gate/gate-stage.ts';
import { NO_OPENFIRE, OpenfireGate } from '../support/gate/openfire-gate.ts';
import { until } from '../support/time/until.ts';

/**
 * Receipts and markers that the gate routes without the component's telling them (docs/gate-protocol.md): in Prosody, or in the
 * Openfire that the environment names.
 */
let stage: GateStage | OpenfireGate;
let alice: TestUser;
let bob: TestUser;
let component: GateComponent;
const BOB = 'bob@example.org';

beforeAll(async () => {
  stage = NO_OPENFIRE === undefined ? new OpenfireGate() : await GateStage.open();
  if (stage instanceof OpenfireGate) await stage.clean();
});
afterAll(async () => {
  if (stage instanceof GateStage) await stage.close();
});
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', 'desk');
  component = await stage.hold();
  component.verdict = (message) => (message.getChild('body') === undefined ? undefined : 'stored');
});
afterEach(async () => {
  await component.forgetAll().catch(() => {});
  await stage.empty();
  if (stage instanceof OpenfireGate) await stage.clean();
});

/** Alice says it, and it is let go; gives its number and its id. */
async function said(body: string): Promise<{ n: string; id: string }> {
  const id = await alice.say(BOB, body);
  const n = await component.held(body);
  await component.event('outcome', { n, copy: '1' });
  await bob.hears(body);
  return { n, id };
}

const received = (id: string) => xml('received', { xmlns: 'urn:xmpp:receipts', id });
const displayed = (id: string) => xml('displayed', { xmlns: 'urn:xmpp:chat-markers:0', id });

async function confirms(by: TestUser, child: Element, to = alice.jid): Promise<void> {
  await by.send(xml('message', { to, type: 'chat' }, child));
}
/** Resolves when alice has it. */
const alicesHas = (id: string, name = 'received') =>
  alice.hears((el) => el.getChildElements().some((one) => one.name === name && one.attrs.id === id));
const byReceipt = (events: readonly Element[]) =>
  events.filter(({ name, attrs }) => name === 'has' && attrs.by !== 'ping').map(({ attrs }) => [attrs.by, attrs.n]);

test('one that passes while nobody holds is said at each enable until it is forgotten', async () => {
  const { n, id } = await said('One');
  await component.command(xml('disable'));
  await confirms(bob, received(id));
  await alicesHas(id);
  for (let i = 0; i < 2; i += 1) {
    const has = (await component.enable()).filter(({ attrs }) => attrs.by === 'receipt');
    expect(has.map(({ attrs }) => attrs)).toEqual([
      { n, jid: bob.jid, session: expect.any(String), by: 'receipt', id, to: alice.jid },
    ]);
    await component.command(xml('disable'));
  }
  await component.enable();
  await component.command(xml('forget', { n }), xml('disable'));
  expect(byReceipt(await component.enable())).toEqual([]);
});

test('one that is held counts by what becomes of it: not when it is dropped', async () => {
  const [one, two, three] = [await said('One'), await said('Two'), await said('Three')];
  const shown = async (id: string) => {
    const held = (el: Element) => el.name === 'held' && el.getChild('message')?.getChild('received')?.attrs.id === id;
    return (await component.hears(held)).attrs.n as string;
  };
  for (const { id } of [one, two, three]) await confirms(bob, received(id));
  await component.command(xml('drop', { n: await shown(one.id) }), xml('pass', { n: await shown(two.id) }));
  await component.event('has', { by: 'receipt', n: two.n });
  await shown(three.id);
  // Nobody has answered for it.
  await component.command(xml('disable'));
  await alicesHas(three.id);
  await component.enable();
  expect(new Set(byReceipt(component.received).map(([, n]) => n))).toEqual(new Set([two.n, three.n]));
});

test('a marker counts, nobody else’s receipt does, nor one for what is not known', async () => {
  const { n, id } = await said('One');
  const carol = await stage.user('carol', 'web');
  await component.command(xml('disable'));
  await confirms(carol, received(id));
  await confirms(bob, received('unknown'));
  await confirms(bob, received(id), carol.jid);
  await alicesHas('unknown');
  await carol.hears((el) => el.getChild('received') !== undefined);
  expect(byReceipt(await component.enable())).toEqual([]);
  await component.command(xml('disable'));
  await confirms(bob, displayed(id), 'alice@example.org');
  await alicesHas(id, 'displayed');
  await confirms(bob, received(id));
  await alicesHas(id);
  expect(byReceipt(await component.enable())).toEqual([['marker', n]]);
});

test('it proves the message: the session that returned it has it, and is not said to have ended without it', async () => {
  component.verdict = (message) => (message.getChild('body') === undefined ? 'pass' : 'stored');
  for (const sm of [false, true]) {
    const raw = await stage.raw('bob', `raw-${sm}`, { sm });
    const [one, two] = [`One ${sm}`, `Two ${sm}`];
    const id = await alice.say(raw.jid, one);
    const n = await component.held(one);
    await raw.hears(one);
    await raw.send(xml('message', { to: alice.jid, type: 'chat' }, received(id)));
    await component.event('has', { by: 'receipt', n });
    await alice.say(raw.jid, two);
    const open = await component.held(two);
    await raw.hears(two);
    await raw.leave();
    await component.event('returned', { n: open, jid: raw.jid });
    await component.event('session', { jid: raw.jid, state: 'gone' });
    expect(component.events('returned', { n })).toEqual([]);
    expect(component.events('has', { n })).toHaveLength(1);
  }
});

test('of a message that was let go without a verdict, too', async () => {
  component.verdict = () => undefined;
  const id = await alice.say(BOB, 'Let go');
  const n = await component.held('Let go');
  await component.command(xml('disable'));
  await bob.hears('Let go');
  await confirms(bob, received(id));
  await alicesHas(id);
  const events = await component.enable();
  expect(events.filter(({ name }) => name === 'outcome').map(({ attrs }) => attrs.state)).toEqual(['passed']);
  expect(byReceipt(events)).toEqual([['receipt', n]]);
});

const PROSODY_ONLY = NO_OPENFIRE === undefined ? test.skip : test;

PROSODY_ONLY(
  'routed: one that the gate can tell of is not shown, and passes at once; what is owed to one who is away is shown',
  async () => {
    await component.command(xml('disable'));
    await component.enable({ receipts: 'routed' });
    const [one, two, three] = [await said('One'), await said('Two'), await said('Three')];
    const shown = () => component.events('held').filter((el) => el.getChild('message')?.getChild('body') === undefined);
    await bob.send(
      xml('message', { to: alice.jid, type: 'chat' }, received(one.id), xml('store', { xmlns: 'urn:xmpp:hints' })),
    );
    await component.event('has', { by: 'receipt', n: one.n });
    await alicesHas(one.id);
    expect(shown()).toEqual([]);
    // A second one, one with a text, one for what is not known, and one for what has a receipt are shown.
    await confirms(bob, received(one.id));
    await bob.send(xml('message', { to: alice.jid, type: 'chat' }, received(two.id), xml('body', {}, 'And a text')));
    await confirms(bob, received('unknown'));
    await component.held('And a text');
    await until(() => shown().length === 2, { what: 'the two receipts' });
    await alice.offline();
    await confirms(bob, received(three.id));
    await until(() => shown().length === 3, { what: 'the receipt to one who is away' });
  },
);

PROSODY_ONLY('routed: one for a copy of what was forgotten is shown, since the first may have been told', async () => {
  await component.command(xml('disable'));
  await component.enable({ receipts: 'routed' });
  const { n, id } = await said('One');
  await confirms(bob, received(id));
  await component.event('has', { by: 'receipt', n });
  await alicesHas(id);
  await component.command(xml('forget', { n }));
  const copy = xml('message', { from: alice.jid, to: BOB, type: 'chat', id }, xml('body', {}, 'One'));
  await component.command(xml('deliver', { n, copy: '2', to: bob.jid }, copy));
  await bob.hears('One');
  await confirms(bob, received(id));
  const shown = () => component.events('held').filter((el) => el.getChild('message')?.getChild('body') === undefined);
  await until(() => shown().length === 1, { what: 'the second receipt' });
});

PROSODY_ONLY('for what passed unheld: who confirmed it is told with it, once more if it was told before', async () => {
  // The receipts pass unheld as well, without an id.
  const unheld = () =>
    component
      .events('unheld')
      .filter(({ attrs }) => attrs.id !== undefined)
      .map(({ attrs }) => [attrs.id, attrs.confirmed]);
  await component.command(xml('disable'));
  const [one, two] = [await alice.say(BOB, 'One'), await alice.say(BOB, 'Two')];
  await bob.hears('Two');
  await confirms(bob, received(one));
  await alicesHas(one);
  await component.enable();
  expect(unheld()).toEqual([
    [one, bob.jid],
    [two, undefined],
  ]);
  await component.command(xml('disable'));
  await confirms(bob, received(two));
  await confirms(bob, received(two));
  await alicesHas(two);
  await alicesHas(two);
  await component.enable();
  expect(unheld().slice(2)).toEqual([[two, bob.jid]]);
});

PROSODY_ONLY('one that passes while the gate’s module is not loaded is known when it is loaded again', async () => {
  const carol = await stage.user('carol', 'web');
  const [one, two] = [await said('One'), await said('Two')];
  const prosody = stage as GateStage;
  await prosody.control(carol, 'unload');
  for (const id of [one.id, one.id, 'unknown']) await confirms(bob, received(id));
  await alicesHas('unknown');
  await prosody.control(carol, 'load');
  expect(byReceipt(await component.enable())).toEqual([['receipt', one.n]]);
  // The handler has ended with the loading.
  await component.command(xml('disable'));
  await confirms(bob, received(two.id));
  await alicesHas(two.id);
  expect(byReceipt(await component.enable())).toEqual([
    ['receipt', one.n],
    ['receipt', two.n],
  ]);
});

test('of a message that its sender wrote again before he had an answer, each is proved by the one receipt', async () => {
  component.verdict = () => undefined;
  const id = await alice.say(BOB, 'Again');
  await alice.say(BOB, 'Again', { id });
  const numbers = [await component.held('Again'), await component.held('Again')];
  await component.command(xml('disable'));
  for (let i = 0; i < 2; i += 1) await bob.hears('Again');
  await confirms(bob, received(id));
  await alicesHas(id);
  await component.enable();
  const has = byReceipt(component.received);
  expect(has.map(([by]) => by)).toEqual(['receipt', 'receipt']);
  expect(new Set(has.map(([, n]) => n))).toEqual(new Set(numbers));
});

/** Alice says it under that id, to that session, and it is stored. */
async function saidTo(user: TestUser, body: string, id: string): Promise<string> {
  await alice.say(user.jid, body, { id });
  const n = await component.held(body);
  await component.event('outcome', { n, copy: '1' });
  await user.hears(body);
  return n;
}

test('of two messages of one id, a receipt proves the one that its session was given, and one only', async () => {
  component.verdict = () => 'stored';
  const tablet = await stage.user('bob', 'tablet');
  const first = await saidTo(bob, 'First', 'same');
  const second = await saidTo(tablet, 'Second', 'same');
  await confirms(tablet, received('same'));
  await component.event('has', { by: 'receipt', n: second });
  // Who shows it says so as well.
  await confirms(tablet, displayed('same'));
  await alicesHas('same', 'displayed');
  expect(byReceipt(component.received)).toEqual([['receipt', second]]);
  await confirms(bob, received('same'));
  await component.event('has', { by: 'receipt', n: first });
});

test('what was let go without a verdict names the session that it is for: the receipt of another for a message of its id is not for it', async () => {
  const tablet = await stage.user('bob', 'tablet');
  component.verdict = () => undefined;
  await alice.say(bob.jid, 'First', { id: 'same' });
  const first = await component.held('First');
  await component.command(xml('disable'));
  await bob.hears('First');
  const [passed] = (await component.enable()).filter(({ name }) => name === 'outcome');
  expect(passed?.attrs).toMatchObject({ n: first, state: 'passed' });
  expect(passed?.getChildren('session').map(({ attrs }) => attrs.jid)).toEqual([bob.jid]);
  component.verdict = () => 'stored';
  const second = await saidTo(tablet, 'Second', 'same');
  await confirms(tablet, received('same'));
  await component.event('has', { by: 'receipt', n: second });
  await confirms(bob, received('same'));
  await component.event('has', { by: 'receipt', n: first });
});

test('who was given two messages of one id proves one with each receipt, in their order', async () => {
  component.verdict = () => 'stored';
  const numbers = [await saidTo(bob, 'First', 'same'), await saidTo(bob, 'Second', 'same')];
  for (const [i, n] of numbers.entries()) {
    await confirms(bob, received('same'));
    await component.event('has', { by: 'receipt', n });
    await confirms(bob, received(`other-${i}`));
    await alicesHas(`other-${i}`);
    expect(byReceipt(component.received).map(([, one]) => one)).toEqual(numbers.slice(0, i + 1));
  }
});

// Openfire gives a message to one of two devices of the same priority, unless its property route.all-resources says otherwise.
PROSODY_ONLY(
  'who has two devices, which were both given two messages of one id, proves one with each receipt of either',
  async () => {
    component.verdict = () => 'stored';
    const tablet = await stage.user('bob', 'tablet');
    const numbers: string[] = [];
    for (const body of ['First', 'Second']) {
      await alice.say(BOB, body, { id: 'same' });
      numbers.push(await component.held(body));
      await Promise.all([bob.hears(body), tablet.hears(body)]);
    }
    const [one, two] = numbers as [string, string];
    await confirms(bob, received('same'));
    await component.event('has', { by: 'receipt', n: one });
    // It has not said that it has the second.
    await confirms(tablet, received('same'));
    await confirms(tablet, received('other'));
    await alicesHas('other');
    await component.command();
    expect(byReceipt(component.received)).toEqual([['receipt', one]]);
    await confirms(tablet, received('same'));
    await component.event('has', { by: 'receipt', n: two });
  },
);

test('of messages that all have one id, receipts find the first hundred, and confirm no others', async () => {
  component.verdict = () => 'stored';
  const numbers: string[] = [];
  for (let i = 0; i < 102; i += 1) numbers.push(await saidTo(bob, `Text ${i}`, 'same'));
  const tablet = await stage.user('bob', 'tablet');
  await saidTo(tablet, 'The last', 'same');
  // It was given one that is not found, and says nothing of what others were given.
  for (const user of [tablet, ...numbers.map(() => bob)]) await confirms(user, received('same'));
  for (const user of [tablet, bob]) {
    await confirms(user, received(`other of ${user.jid}`));
    await alicesHas(`other of ${user.jid}`);
  }
  await component.command();
  expect(byReceipt(component.received)).toEqual(numbers.slice(0, 100).map((n) => ['receipt', n]));
});

test('what was sent while a component was there is pinged for when one is there again', async () => {
  const { n } = await said('One');
  component.cut();
  // Longer than the gate waits before it pings.
  await sleep(400);
  component = await stage.attach();
  await component.enable();
  await component.event('has', { n, by: 'ping' });
});
