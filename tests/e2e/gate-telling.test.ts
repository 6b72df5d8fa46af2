import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { GateStage } from '../support/gate/gate-stage.ts';
import { until } from '../support/time/until.ts';

/** What the gate in Prosody tells a connection that begins, or that takes another's place, when that is much. */
let stage: GateStage;
let alice: TestUser;
let bob: TestUser;
const BOB = 'bob@example.org';
/** About 1.5 MB of outcomes and proofs, each of which names the session. */
const MANY = 2000;
const DESK = 'desk'.padEnd(300, '-');
const ROOM = 1.1e6;

beforeAll(async () => {
  stage = await GateStage.open({ gate: 'receipts_several = true; receipts_reading_patience = 600000' });
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', DESK);
});
afterEach(async () => {
  const last = await stage.attach();
  await last.enable({ process: 'last' });
  await last.forgetAll();
  await stage.empty();
});

/** Has so much said that the gate remembers more than it may write ahead. */
async function remembered(first: GateComponent): Promise<void> {
  first.verdict = () => 'stored';
  for (let i = 0; i < MANY; i += 1) {
    await alice.send(xml('message', { to: BOB, type: 'chat', id: `m-${i}` }, xml('body', {}, `m-${i}`)));
    // Fewer under way than the gate holds of one sender.
    if (i % 500 === 499) await first.event('outcome', { n: await first.held(`m-${i}`) });
  }
}

const size = (events: readonly Element[]) => events.join('').length;
const outcomes = (events: readonly Element[]) =>
  new Set(events.filter(({ name }) => name === 'outcome').map(({ attrs }) => attrs.n)).size;

test('is no more than the component reads; until then nothing is held, and it is told what passed before it is ready', async () => {
  const first = await stage.hold();
  await remembered(first);
  await first.leave();
  const next = await stage.attach();
  next.answersPings = false;
  next.verdict = () => 'stored';
  const ready = next.enable({ process: 'p2' });
  await until(() => next.pings.length === 1, { what: 'the question whether it reads' });
  expect(size(next.received)).toBeLessThan(ROOM);
  expect(next.events('ready')).toEqual([]);
  await alice.say(BOB, 'meanwhile');
  await bob.hears('meanwhile');
  expect(next.events('held')).toEqual([]);
  const answer = next.command(xml('sessions', { jid: BOB }));
  next.answersPings = true;
  next.pong(next.pings[0] as string);
  const told = await ready;
  expect(outcomes(told)).toBe(MANY);
  const unheld = told.find(({ name, attrs }) => name === 'unheld' && attrs.to === BOB);
  expect(unheld?.attrs.ago).toMatch(/^[1-9]\d*$/);
  // What is answered comes behind what was told before.
  const places = next.received.map((el) => (el === undefined ? -1 : el.name));
  expect(next.received.indexOf(await answer)).toBeGreaterThan(places.lastIndexOf('session'));
  await alice.say(BOB, 'held again');
  await next.held('held again');
  await bob.hears('held again');
});

test('of one that has ended is told to another in the same way, beside what that is shown', async () => {
  const first = await stage.hold({ process: 'p1' });
  await remembered(first);
  const other = await stage.hold({ process: 'p2' });
  other.answersPings = false;
  other.verdict = () => 'stored';
  await first.leave();
  await until(() => other.pings.length === 1, { what: 'the question whether it reads' });
  const before = outcomes(other.received);
  expect(before).toBeLessThan(MANY);
  await alice.say(BOB, 'beside');
  await other.event('outcome', { n: await other.held('beside') });
  await bob.hears('beside');
  expect(outcomes(other.received)).toBe(before + 1);
  other.answersPings = true;
  other.pong(other.pings[0] as string);
  await until(() => outcomes(other.received) === MANY + 1, { what: 'the rest' });
});

test('what is little is written at once, without a question; whoever asks anew on his connection ends the lease that he has', async () => {
  const only = await stage.hold();
  await alice.say(BOB, 'One');
  await only.held('One');
  only.token = '';
  await only.enable();
  await bob.hears('One');
  expect(only.events('opened')).toEqual([]);
  expect(only.pings).toEqual([]);
  await alice.say(BOB, 'Two');
  const n = await only.held('Two');
  await only.command(xml('stored', { n }));
  await bob.hears('Two');
});

test('what passed unheld is told once more to the process whose link breaks before it has read it, under its number; not when it was read', async () => {
  const enabled = async (answersPings: boolean) => {
    const component = await stage.attach();
    component.answersPings = answersPings;
    const told = await component.enable();
    return { component, told: told.filter(({ name, attrs }) => name === 'unheld' && attrs.id === id) };
  };
  const id = await alice.say(BOB, 'unread');
  await bob.hears('unread');
  const first = await enabled(false);
  const number = first.told[0]?.attrs.number;
  expect(number).toMatch(/-\d+$/);
  await first.component.leave();
  const second = await enabled(true);
  expect(second.told.map(({ attrs }) => attrs.number)).toEqual([number]);
  // The gate's question comes before the first answer, and has its own before the second.
  for (let i = 0; i < 2; i += 1) await second.component.command(xml('sessions', { jid: BOB }));
  await second.component.leave();
  const third = await enabled(false);
  expect(third.told).toEqual([]);
  // It is confirmed while somebody is there, which is told at once.
  third.component.verdict = () => 'pass';
  await bob.send(xml('message', { to: alice.jid, type: 'chat' }, xml('received', { xmlns: 'urn:xmpp:receipts', id })));
  await third.component.event('unheld', { number: `${number}`, confirmed: bob.jid });
  await third.component.leave();
  expect((await enabled(true)).told.map(({ attrs }) => attrs.confirmed)).toEqual([bob.jid]);
});

test('goes on by itself, slowly, where the component answers no ping', async () => {
  await stage.empty();
  const other = await GateStage.open({ gate: 'receipts_reading_patience = 200' });
  try {
    [alice, bob] = [await other.user('alice', 'phone'), await other.user('bob', DESK)];
    const first = await other.hold();
    await remembered(first);
    await first.leave();
    const next = await other.attach();
    next.answersPings = false;
    expect(outcomes(await next.enable({ process: 'p2' }))).toBe(MANY);
    expect(next.pings.length).toBeGreaterThan(0);
  } finally {
    await other.close();
  }
});
