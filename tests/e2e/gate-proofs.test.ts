import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { deliver, GateStage } from '../support/gate/gate-stage.ts';
import type { RawClient } from '../support/gate/raw-client.ts';

/** Rules 16 to 21 of the gate: what proves that a client has a message, what a session's end leaves unproved, the offline storage. */
let stage: GateStage;
let alice: TestUser;
let component: GateComponent;
const BOB = 'bob@example.org';

beforeAll(async () => {
  stage = await GateStage.open();
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  component = await stage.hold();
  component.verdict = () => 'stored';
});
afterEach(() => stage.empty());

/** Alice says it, and it is let go. */
async function said(body: string): Promise<string> {
  await alice.say(BOB, body);
  const n = await component.held(body);
  await component.event('outcome', { n, copy: '1' });
  return n;
}

const shown = (n: string) => component.events('held', { n })[0]?.getChild('message') as Element;
const proofs = (kind = 'has') => component.events(kind).map(({ attrs }) => attrs.n);
const session = async (client: RawClient) =>
  (await component.event('session', { jid: client.jid, state: 'bound' })).attrs.id as string;

test('h-one-ahead-no-has: an acknowledgement proves what comes before the last stanza that it covers', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const before = bob.handled;
  const [one, two] = [await said('One'), await said('Two')];
  await bob.hears('Two');
  bob.ack(before + 2);
  await component.event('has', { n: one, by: 'sm' });
  await bob.handledBefore();
  expect(proofs()).toEqual([one]);
  // The server's question behind it is the later stanza.
  await bob.ping();
  bob.ack();
  await component.event('has', { n: two, by: 'sm' });
});

test('a count that was never sent proves nothing', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const id = await session(bob);
  const n = await said('One');
  await bob.hears('One');
  bob.ack(bob.handled + 10);
  await component.event('returned', { n, session: id });
  await component.event('session', { id, state: 'gone' });
  expect(proofs()).toEqual([]);
});

test('mallory-answers-no-has: a ping counts when it is answered on its session, once; an error will do', async () => {
  const bob = await stage.raw('bob', 'desk');
  const mallory = await stage.raw('carol', 'web');
  const other = await stage.raw('bob', 'other', { presence: false });
  const n = await said('One');
  const ping = await bob.ping();
  for (const one of [mallory, other]) {
    await one.answer(ping);
    await one.handledBefore();
  }
  await component.settled();
  expect(proofs()).toEqual([]);
  const two = await said('Two');
  expect(bob.received.filter((el) => el.getChild('ping') !== undefined)).toHaveLength(1);
  await bob.answer(ping, 'error');
  await component.event('has', { n, by: 'ping', jid: bob.jid });
  await bob.answer(await bob.ping());
  await component.event('has', { n: two, by: 'ping' });
  expect(proofs()).toEqual([n, two]);
});

test('iq-blocked-no-has: an answer that the server makes itself proves nothing', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const n = await said('One');
  await bob.ping();
  // The server bounces what was not acknowledged, its own question among it.
  await bob.leave();
  await component.event('returned', { n });
  expect(proofs()).toEqual([]);
});

test('no ping where nothing is to be proved: a receipt came first', async () => {
  const bob = await stage.raw('bob', 'desk');
  component.verdict = (_message, n) => {
    component.link.write(component.request(component.token, xml('stored', { n }), xml('forget', { n })).toString());
    return undefined;
  };
  await alice.say(BOB, 'One');
  await bob.hears('One');
  component.verdict = () => 'stored';
  const n = await said('Two');
  await bob.answer(await bob.ping());
  await component.event('has', { n });
  expect(component.events('has')).toHaveLength(1);
  expect(bob.received.filter((el) => el.getChild('ping') !== undefined)).toHaveLength(1);
});

test('a session that ends returns what it did not prove, and the server routes none of it again', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const tablet = await stage.raw('bob', 'tablet', { presence: false });
  const id = await session(bob);
  const before = bob.handled;
  const [one, two, three] = [await said('One'), await said('Two'), await said('Three')];
  await bob.hears('Three');
  bob.ack(before + 2);
  await component.event('has', { n: one });
  await bob.leave();
  await component.event('returned', { n: two, session: id });
  await component.event('returned', { n: three, session: id });
  await component.event('session', { id, state: 'gone' });
  await tablet.goesAvailable();
  await tablet.handledBefore();
  expect(tablet.bodies()).toEqual([]);
  expect(alice.count(({ attrs }) => attrs.type === 'error')).toBe(0);
  await component.command(deliver(two, 2, tablet.jid, shown(two)), deliver(three, 2, tablet.jid, shown(three)));
  await tablet.hears('Three');
  expect(tablet.bodies()).toEqual(['Two', 'Three']);
});

test('a client that closes its stream has ended its session in order; one that is cut off, replaced or only unavailable has not', async () => {
  const ends = async (resource: string, end: (client: RawClient) => unknown) => {
    const client = await stage.raw('bob', resource);
    const id = await session(client);
    await end(client);
    return (await component.event('session', { id, state: 'gone' })).attrs.graceful;
  };
  expect(await ends('closes', (client) => client.leave())).toBe('true');
  expect(await ends('reset', (client) => client.cut())).toBeUndefined();
  expect(await ends('lost', (client) => client.hangUp())).toBeUndefined();
  expect(await ends('replaced', () => stage.raw('bob', 'replaced'))).toBeUndefined();
  const unavailable = async (client: RawClient) => {
    await client.send('<presence type="unavailable"/>');
    await client.handledBefore();
    client.cut();
  };
  expect(await ends('unavailable', unavailable)).toBeUndefined();
});

test('10,001-unacked: what is over the bound of the server’s queue is returned as well', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  // Prosody keeps 500.
  for (let i = 0; i < 600; i += 1)
    await alice.say(BOB, `${i}`, { request: false, extra: [xml('no-store', { xmlns: 'urn:xmpp:hints' })] });
  await bob.hears('599');
  await component.settled();
  await bob.leave();
  await component.event('session', { jid: bob.jid, state: 'gone' });
  expect(new Set(proofs('returned'))).toEqual(new Set(component.events('held').map(({ attrs }) => attrs.n)));
});

test('replaced-while-detached: a session that another replaces ends like any other', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const id = await session(bob);
  bob.cut();
  await component.event('session', { id, state: 'detached' });
  const n = await said('To the detached');
  const again = await stage.raw('bob', 'desk');
  await component.event('returned', { n, session: id });
  await component.event('session', { id, state: 'gone' });
  expect(await session(again)).not.toBe(id);
  await again.handledBefore();
  expect(again.bodies()).toEqual([]);
});

test('forwarded-copy-passes: what is not ours is routed again by the server', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const n = await said('Tagged');
  component.verdict = () => 'pass';
  await alice.say(BOB, 'Untagged');
  await bob.hears('Untagged');
  await bob.leave();
  await component.event('returned', { n });
  const again = await stage.raw('bob', 'again');
  await again.hears('Untagged');
  expect(again.bodies()).toEqual(['Untagged']);
});

test('detached-once, frozen-then-resumed-five-lines: no copy goes to a session that still has it', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const id = await session(bob);
  const before = bob.handled;
  bob.freeze();
  const lines = ['1', '2', '3', '4', '5'];
  const ns: string[] = [];
  for (const line of lines.slice(0, 3)) ns.push(await said(line));
  const waits = async (n: string, copy: number) => {
    await component.command(deliver(n, copy, bob.jid, shown(n)));
    await component.event('outcome', { n, copy: `${copy}`, state: 'waits' });
  };
  for (const n of ns) await waits(n, 2);
  bob.cut();
  await component.event('session', { id, state: 'detached' });
  for (const line of lines.slice(3)) ns.push(await said(line));
  for (const n of ns) await waits(n, 3);
  const resumed = await stage.resume(bob, before);
  await component.event('session', { id, state: 'resumed' });
  for (const n of ns) await waits(n, 4);
  resumed.acksPings();
  await resumed.hears('5');
  resumed.ack();
  for (const n of ns) await component.event('has', { n, session: id });
  expect(resumed.bodies()).toEqual(lines);
  // From here on it is the component's to say.
  await component.command(deliver(ns[0] as string, 5, bob.jid, shown(ns[0] as string)));
  await resumed.hears('1');
  await resumed.hears('1');
});

test('what a resume acknowledges is proved', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const id = await session(bob);
  const before = bob.handled;
  const [one, two] = [await said('One'), await said('Two')];
  await bob.hears('Two');
  bob.cut();
  await component.event('session', { id, state: 'detached' });
  await stage.resume(bob, before + 2);
  await component.event('has', { n: one, by: 'sm' });
  expect(proofs()).not.toContain(two);
});

test('stored-between-flush-and-presence: offline, flushed at login before he is available, proved, and once', async () => {
  const [one, two] = [await said('One'), await said('Two')];
  expect(component.events('outcome').map(({ attrs }) => attrs.state)).toEqual(['offline', 'offline']);
  const bob = await stage.raw('bob', 'desk', { presence: false });
  const id = await session(bob);
  await bob.goesAvailable();
  await component.event('session', { id, state: 'available' });
  const names = component.received.filter(({ name, attrs }) => name === 'flushed' || attrs.state === 'available');
  expect(
    names.filter(({ attrs }) => (attrs.session ?? attrs.id) === id).map(({ name, attrs }) => attrs.n ?? name),
  ).toEqual([one, two, 'session']);
  await bob.answer(await bob.ping());
  await component.event('has', { n: two, session: id });
  expect(bob.bodies()).toEqual(['One', 'Two']);
});

test('flushed to a session that dies: returned, and not stored a second time', async () => {
  const n = await said('One');
  const bob = await stage.raw('bob', 'desk', { sm: true });
  await component.event('flushed', { n });
  await bob.leave();
  await component.event('returned', { n });
  const again = await stage.raw('bob', 'again');
  await again.handledBefore();
  expect(again.bodies()).toEqual([]);
});

test('what the component wants no more is not kept for a user who is away; what the server gives him of it is the server’s', async () => {
  const n = await said('One');
  await component.command(xml('forget', { n }));
  const bob = await stage.raw('bob', 'desk', { sm: true });
  await bob.hears('One');
  await bob.leave();
  const again = await stage.raw('bob', 'again');
  await again.hears('One');
  expect(component.events('flushed')).toEqual([]);
});

test('login-then-live-in-order: a redelivery goes before later messages that wait for their verdict', async () => {
  const bob = await stage.raw('bob', 'desk', { sm: true });
  const one = await said('One');
  await bob.leave();
  await component.event('returned', { n: one });
  const again = await stage.raw('bob', 'again');
  component.verdict = () => undefined;
  await alice.say(BOB, 'Two');
  const two = await component.held('Two');
  await component.command(deliver(one, 2, again.jid, shown(one)), xml('stored', { n: two }));
  await again.hears('Two');
  expect(again.bodies()).toEqual(['One', 'Two']);
});

test('copy-equals-original-on-the-wire: a redelivered copy is what the sender wrote, namespaces included', async () => {
  const bob = await stage.raw('bob', 'desk');
  const inner = xml('message', { xmlns: 'jabber:client', id: 'inner' }, xml('body', {}, 'Inner'));
  const message = xml(
    'message',
    { to: BOB, id: 'm1' },
    ...[xml('body', {}, 'Words'), xml('html', { xmlns: 'http://jabber.org/protocol/xhtml-im' }, xml('p', {}, 'Words'))],
    ...[
      xml('forwarded', { xmlns: 'urn:xmpp:forward:0' }, inner),
      xml('no-permanent-store', { xmlns: 'urn:xmpp:hints' }),
    ],
  );
  await alice.send(message);
  const n = await component.held('Words');
  const original = await bob.hears('Words');
  await bob.answer(await bob.ping());
  await component.event('has', { n });
  await component.command(deliver(n, 2, bob.jid, shown(n)));
  const copy = await bob.hears('Words');
  const canonical = (el: Element) =>
    el
      .toString()
      .replaceAll(
        /<(\S+)((?: [^ >]+="[^"]*")+)/g,
        (_, name, attrs) => `<${name} ${attrs.trim().split(' ').sort().join(' ')}`,
      );
  expect(canonical(copy)).toBe(canonical(original));
  expect(copy.getChild('body')?.attrs.xmlns).toBeUndefined();
});

test('same-resource-replaced, priority-raised: events name the stream and its priority', async () => {
  const bob = await stage.raw('bob', 'desk');
  const id = await session(bob);
  await bob.send(xml('presence', {}, xml('priority', {}, '7')));
  await component.event('session', { id, state: 'available', priority: '7' });
  const again = await stage.raw('bob', 'desk');
  const after = await session(again);
  expect(after).not.toBe(id);
  const states = component.events('session').filter(({ attrs }) => attrs.jid === bob.jid);
  const gone = states.findIndex(({ attrs }) => attrs.id === id && attrs.state === 'gone');
  const bound = states.findIndex(({ attrs }) => attrs.id === after && attrs.state === 'bound');
  expect([gone >= 0, gone < bound]).toEqual([true, true]);
});
