import xml, { type Element } from '@xmpp/xml';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { deliver, GateStage } from '../support/gate/gate-stage.ts';
import { until } from '../support/time/until.ts';

/** The server is killed: what it gives a client from its offline storage has no number then, and is not written again. */
let stage: GateStage;
let component: GateComponent;
const BOB = 'bob@example.org';

beforeAll(async () => {
  stage = await GateStage.open();
});
afterAll(() => stage.close());
beforeEach(() => begin());
afterEach(() => stage.empty());

async function begin(): Promise<void> {
  component = await stage.hold();
  component.verdict = () => 'stored';
}

/** Alice writes it to Bob, who is away, and the server is killed; gives its number and what the component was shown. */
async function storedAndKilled(body: string, id = body): Promise<[n: string, message: Element]> {
  const alice = await stage.raw('alice', 'phone');
  await alice.say(BOB, body, { id });
  const n = await component.held(body);
  await component.event('outcome', { n, state: 'offline' });
  const message = component.events('held', { n })[0]?.getChild('message') as Element;
  await stage.server.kill();
  await stage.server.restart();
  await begin();
  return [n, message];
}

const textOf = (message: Element, body: string) =>
  xml('message', message.attrs, xml('body', {}, body), ...message.getChildElements().slice(1));

test('what the new gate saw go to a session is that session’s, and proved as any copy', async () => {
  const [n, message] = await storedAndKilled('One');
  const bob = await stage.raw('bob', 'desk', { sm: true });
  await bob.hears('One');
  const id = (await component.event('session', { jid: bob.jid, state: 'available' })).attrs.id as string;
  await component.command(deliver(n, 2, bob.jid, message));
  const outcome = await component.event('outcome', { n });
  expect(outcome.attrs).toMatchObject({ copy: '2', state: 'sent' });
  expect(outcome.getChild('session')?.attrs).toEqual({ jid: bob.jid, id });
  await component.command(deliver(n, 3, bob.jid, message));
  expect((await component.event('outcome', { n, copy: '3' })).attrs.state).toBe('waits');
  bob.acksPings();
  await component.event('has', { n, session: id });
  expect(bob.bodies()).toEqual(['One']);
});

test('one that is proved is not written again when its session has ended, nor after the next', async () => {
  const [n, message] = await storedAndKilled('Two');
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const id = (await component.event('session', { jid: bob.jid, state: 'bound' })).attrs.id as string;
  await bob.hears('Two');
  await bob.handledBefore();
  bob.ack();
  await bob.leave();
  await component.event('session', { id, state: 'gone' });
  const next = await stage.raw('bob', 'desk', { sm: true });
  await component.command(deliver(n, 2, next.jid, message));
  expect((await component.event('outcome', { n })).getChild('session')?.attrs.id).toBe(id);
  await component.event('has', { n, session: id });
  // A note is taken once: what is asked for now is asked for knowingly.
  await component.command(deliver(n, 3, next.jid, message));
  await next.hears('Two');
  expect(next.bodies()).toEqual(['Two']);
});

test('its session ended without it: it is written to the next', async () => {
  const [n, message] = await storedAndKilled('Three');
  const bob = await stage.raw('bob', 'desk');
  await bob.hears('Three');
  const { id } = (await component.event('session', { jid: bob.jid, state: 'available' })).attrs;
  bob.cut();
  await component.event('session', { id: id as string, state: 'gone' });
  const next = await stage.raw('bob', 'desk');
  expect(next.bodies()).toEqual([]);
  await component.command(deliver(n, 2, next.jid, message));
  await next.hears('Three');
  await next.answer(await next.ping());
  await component.event('has', { n });
});

test('asked for, and then its session ends without it: returned', async () => {
  const [n, message] = await storedAndKilled('Four');
  const bob = await stage.raw('bob', 'desk', { sm: true });
  await bob.hears('Four');
  await component.command(deliver(n, 2, bob.jid, message));
  await component.event('outcome', { n, state: 'sent' });
  await bob.leave();
  await component.event('returned', { n });
  const next = await stage.raw('bob', 'desk');
  await component.command(deliver(n, 3, next.jid, message));
  await next.hears('Four');
  expect(next.bodies()).toEqual(['Four']);
});

test('not asked for, and its session ends without it: the server sends it again, as it does without a gate', async () => {
  await storedAndKilled('Five');
  const bob = await stage.raw('bob', 'desk', { sm: true });
  await bob.hears('Five');
  await bob.leave();
  const next = await stage.raw('bob', 'desk');
  await next.hears('Five');
  expect(next.bodies()).toEqual(['Five']);
});

test('another text under the same id, and another id: written', async () => {
  const [n, message] = await storedAndKilled('Six', '1');
  const bob = await stage.raw('bob', 'desk');
  await bob.hears('Six');
  const [epoch] = n.split('-');
  await component.command(deliver(`${epoch}-91`, 2, bob.jid, textOf(message, 'Of the same id')));
  await bob.hears('Of the same id');
  const other = xml('message', { ...message.attrs, id: '2' }, ...message.getChildElements());
  await component.command(deliver(`${epoch}-92`, 2, bob.jid, other));
  await component.event('outcome', { n: `${epoch}-92`, state: 'sent' });
  await component.command(deliver(n, 2, bob.jid, message));
  await component.event('outcome', { n, state: 'sent' });
  await bob.handledBefore();
  expect(bob.bodies()).toEqual(['Six', 'Of the same id', 'Six']);
});

test('what the server gives of long messages that have no number fills no memory', async () => {
  const alice = await stage.user('alice', 'phone');
  component.verdict = () => 'pass';
  const size = 60_000;
  const bodies = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(size)}`);
  const before = await stage.memory(alice);
  for (const body of bodies) await alice.say(BOB, body, { id: body.slice(0, 3) });
  await until(() => component.events('held').length === bodies.length, { what: 'what is held' });
  await component.command();
  const bob = await stage.raw('bob', 'desk');
  await bob.hears(bodies.at(-1) as string);
  expect((await stage.memory(alice)) - before).toBeLessThan((bodies.length * size) / 4);
});
