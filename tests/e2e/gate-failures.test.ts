import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { GateStage } from '../support/gate/gate-stage.ts';

/** Rules 1 to 11 of the gate: whatever happens to the component or to the module, chat goes on: nothing lost, nothing twice, in order. */
let stage: GateStage;
let alice: TestUser;
let bob: TestUser;
const BOB = 'bob@example.org';

beforeAll(async () => {
  // A tenth of what is held is one sender's.
  stage = await GateStage.open({ gate: 'receipts_max_held = 3000\nreceipts_max_held_bytes = 2000000' });
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', 'desk');
});
afterEach(() => stage.empty());

const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const say = (text: string, from = alice) =>
  from.say(BOB, text, { request: false, extra: [xml('no-store', { xmlns: 'urn:xmpp:hints' })] });
/** Resolves when the server has all that alice wrote. */
const handled = () => alice.asks(stage.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));
const opened = (component: GateComponent) => component.event('opened');
const outcomes = (events: Element[]) =>
  events.filter(({ name }) => name === 'outcome').map(({ attrs }) => `${attrs.n?.split('-')[1]} ${attrs.state}`);

async function saysAll(texts: readonly string[], from = alice): Promise<void> {
  for (const text of texts) await say(text, from);
}

test('component killed among 200: all once, in order', async () => {
  const component = await stage.hold();
  let shown = 0;
  component.verdict = () => {
    shown += 1;
    if (shown === 100) component.cut();
    return shown < 100 ? 'stored' : undefined;
  };
  const texts = lines(200);
  await saysAll([...texts, 'last']);
  await bob.hears('last');
  expect(bob.bodies()).toEqual([...texts, 'last']);
});

test('component hung: one pause of the time-out, then everything passes unheld; late verdicts make no duplicate', async () => {
  const component = await stage.hold({ timeout: '300' });
  const texts = lines(20);
  await saysAll(texts);
  const { attrs } = await opened(component);
  const numbers = component.events('held').map((event) => event.attrs.n as string);
  expect(attrs).toEqual({ why: 'timeout', held: `${numbers.length}` });
  await say('Unheld');
  await bob.hears('Unheld');
  const late = await component.command(...numbers.map((n) => xml('stored', { n })));
  expect(late.getChild('error')?.getChild('forbidden')).toBeDefined();
  const events = await component.enable();
  expect(outcomes(events)).toEqual(numbers.map((n) => `${n.split('-')[1]} passed`));
  const unheld = events.filter(({ name }) => name === 'unheld');
  expect(unheld).toHaveLength(texts.length + 1 - numbers.length);
  const session = events.find(({ name, attrs }) => name === 'session' && attrs.jid === bob.jid)?.attrs.id;
  const passed = events.filter(({ name }) => name === 'outcome');
  for (const one of [...unheld, ...passed])
    expect(one.getChildren('session').map(({ attrs }) => attrs.id)).toEqual([session]);
  await component.command(...numbers.map((n) => xml('stored', { n })));
  await component.event('outcome', { n: numbers[0] as string, state: 'passed' });
  expect(bob.bodies()).toEqual([...texts, 'Unheld']);
});

test('stored, then the component is killed before any verdict was answered; a new one asks: all known as sent, no duplicate', async () => {
  const component = await stage.hold();
  const texts = lines(50);
  await saysAll(texts);
  const numbers: string[] = [];
  for (const text of texts) numbers.push(await component.held(text));
  component.link.write(component.request(component.token, ...numbers.map((n) => xml('stored', { n }))).toString());
  await bob.hears('49');
  component.cut();
  const again = await stage.attach();
  const events = await again.enable();
  expect(outcomes(events)).toEqual(numbers.map((n) => `${n.split('-')[1]} sent`));
  await again.command(xml('ask', { n: numbers[7] as string }), xml('stored', { n: numbers[7] as string }));
  await again.event('outcome', { n: numbers[7] as string, state: 'sent' });
  expect(bob.bodies()).toEqual(texts);
});

test('silence: a lease that is not renewed ends, and any command renews it', async () => {
  // As long as a busy machine may let the test stand still between two commands.
  const component = await stage.hold({ lease: '5000' });
  for (const until = Date.now() + 7000; Date.now() < until; await sleep(100)) await component.command(xml('renew'));
  expect(component.events('opened')).toEqual([]);
  expect((await opened(component)).attrs.why).toBe('silence');
});

test('poison-message: what is unanswered while later ones are answered is passed alone', async () => {
  const component = await stage.hold({ timeout: '3000' });
  const carol = await stage.user('carol', 'web');
  component.verdict = (message) => (message.getChildText('body') === 'Poison' ? undefined : 'stored');
  await say('Poison');
  const n = await component.held('Poison');
  await say('Behind it');
  await say('Beside it', carol);
  await bob.hears('Beside it');
  await component.event('outcome', { n, state: 'passed' });
  await bob.hears('Behind it');
  expect(bob.bodies()).toEqual(['Beside it', 'Poison', 'Behind it']);
  await component.command(xml('renew'));
  expect(component.events('opened')).toEqual([]);
});

test('disable, toggle-under-load-none-held: when it is answered nothing is held', async () => {
  const component = await stage.hold();
  let sent = 0;
  for (let i = 0; i < 5; i += 1) {
    const load = saysAll(lines(60).map((text) => `${sent + Number(text)}`));
    sent += 60;
    await component.held(`${sent - 30}`);
    await component.command(xml('disable'));
    const last = component.events('held').at(-1)?.getChild('message')?.getChildText('body') as string;
    // The server wrote it before the answer.
    await bob.hears(last);
    await load;
    await component.enable();
  }
  await component.command(xml('disable'));
  await say('last');
  await bob.hears('last');
  expect(bob.bodies()).toEqual([...lines(sent), 'last']);
});

test('flooder-alone-unheld: who is over his bound is passed in order, alone', async () => {
  const component = await stage.hold();
  const carol = await stage.user('carol', 'web');
  const texts = lines(320);
  await saysAll(texts);
  await handled();
  await say('Held', carol);
  const held = await component.held('Held');
  await component.command();
  expect(component.events('held')).toHaveLength(301);
  expect(component.events('unheld').length).toBe(20);
  component.verdict = () => 'stored';
  const numbers = component.events('held').map((event) => event.attrs.n as string);
  await component.command(...numbers.filter((n) => n !== held).map((n) => xml('stored', { n })));
  await bob.hears('319');
  expect(bob.bodies()).toEqual(texts);
  await component.command(xml('stored', { n: held }));
  await bob.hears('Held');
  // By bytes as well: a tenth of 2 MB.
  component.verdict = () => undefined;
  const large = 'x'.repeat(120_000);
  for (const name of ['a', 'b', 'c']) await say(`${large}${name}`);
  await component.held(`${large}b`);
  await component.event('unheld');
  expect(
    component.events('held').map((event) => event.getChild('message')?.getChildText('body')?.at(-1)),
  ).not.toContain('c');
});

test('unload-under-load: all once, in order; loaded again, it knows what it knew before', async () => {
  const component = await stage.hold();
  const carol = await stage.user('carol', 'web');
  component.verdict = (message) => (Number(message.getChildText('body')) % 7 === 6 ? undefined : 'stored');
  const texts = lines(100);
  const load = saysAll(texts);
  await component.event('outcome', { n: await component.held('5'), state: 'sent' });
  await stage.control(carol, 'unload');
  await load;
  await say('last');
  await bob.hears('last');
  expect(bob.bodies()).toEqual([...texts, 'last']);
  expect((await opened(component)).attrs.why).toBe('unloading');
  await stage.control(carol, 'load');
  const { epoch } = component;
  const remembered = outcomes(await component.enable());
  expect(component.epoch).toBe(epoch);
  const states = new Set(remembered.map((one) => one.split(' ')[1]));
  expect(states).toEqual(new Set(['sent', 'passed']));
});

test('reload-no-duplicates: what was known is known after the module is loaded again', async () => {
  const component = await stage.hold();
  const carol = await stage.user('carol', 'web');
  const tablet = await stage.raw('bob', 'tablet', { sm: true });
  await say('Stored');
  const stored = await component.held('Stored');
  await component.command(xml('stored', { n: stored }));
  await component.event('outcome', { n: stored });
  await say('Held');
  const held = await component.held('Held');
  await stage.control(carol, 'reload');
  await bob.hears('Held');
  const { epoch } = component;
  const events = await component.enable();
  expect(component.epoch).toBe(epoch);
  expect(outcomes(events)).toEqual([`${stored.split('-')[1]} sent`, `${held.split('-')[1]} passed`]);
  await tablet.leave();
  await component.event('returned', { n: stored, jid: tablet.jid });
  await say('After');
  await component.command(xml('stored', { n: await component.held('After') }));
  await bob.hears('After');
  expect(bob.bodies()).toEqual(['Stored', 'Held', 'After']);
});

test('unloaded while a client is asked for its proof, and while a session ends: both are known when it is loaded again', async () => {
  const component = await stage.hold();
  const carol = await stage.user('carol', 'web');
  const tablet = await stage.raw('bob', 'tablet');
  await say('Stored');
  const n = await component.held('Stored');
  await component.command(xml('stored', { n }));
  await component.event('has', { n, jid: bob.jid });
  await tablet.hears('Stored');
  await stage.control(carol, 'unload');
  await tablet.leave();
  await stage.control(carol, 'load');
  const events = await component.enable();
  const about = events.filter(({ attrs }) => attrs.n === n).map(({ name, attrs }) => [name, attrs.jid]);
  expect(about).toEqual([
    ['outcome', undefined],
    ['has', bob.jid],
    ['returned', tablet.jid],
  ]);
});

test('opened-then-session-dies-equals-stock: what was let go is the server’s, and is routed again by it', async () => {
  await bob.offline();
  const component = await stage.hold({ timeout: '200' });
  const desk = await stage.raw('bob', 'raw', { sm: true });
  await say('Let go');
  await opened(component);
  await desk.hears('Let go');
  await desk.leave();
  const again = await stage.raw('bob', 'again');
  await again.hears('Let go');
  expect(again.bodies()).toEqual(['Let go']);
});

test('redis-refuses-bob-offline-one-copy, oversize-passed-offline: what is passed is the server’s to store', async () => {
  await bob.offline();
  const component = await stage.hold();
  await say('Passed');
  await component.command(xml('pass', { n: await component.held('Passed') }));
  await component.command(xml('disable'));
  await say('Unheld');
  await handled();
  const events = await component.enable();
  expect(events.map(({ name }) => name)).toEqual(['session', 'unheld']);
  // Nobody was there to be sent it.
  expect(events[1]?.children).toEqual([]);
  const again = await stage.raw('bob', 'again');
  await again.hears('Unheld');
  await component.command(xml('renew'));
  expect(again.bodies()).toEqual(['Passed', 'Unheld']);
  expect(component.events('outcome').concat(component.events('flushed'))).toEqual([]);
});

test('an entry that waits for the server’s storage holds up its own conversation only', async () => {
  const component = await stage.hold();
  component.verdict = () => 'stored';
  const carol = await stage.user('carol', 'web');
  await say('Slow');
  const n = await component.held('Slow');
  await say('Behind it');
  await component.held('Behind it');
  await say('Beside it', carol);
  await bob.hears('Beside it');
  expect(bob.bodies()).toEqual(['Beside it']);
  await stage.control(carol, 'go-on');
  await component.event('outcome', { n, state: 'sent' });
  await bob.hears('Behind it');
  expect(bob.bodies()).toEqual(['Beside it', 'Slow', 'Behind it']);
});
