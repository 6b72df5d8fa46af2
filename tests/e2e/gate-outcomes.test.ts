import { readFile } from 'node:fs/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { deliver, GateStage, tell } from '../support/gate/gate-stage.ts';
import { BareComponent } from '../support/openfire/bare-component.ts';
import { until } from '../support/time/until.ts';

/** Rules 3, 4 and 11 to 15 of the gate: what is reported, and who may speak. */
let stage: GateStage;
let alice: TestUser;
let bob: TestUser;
let component: GateComponent;
const BOB = 'bob@example.org';
const OTHER = { domain: 'other.example.org', secret: 'other' };
const NS_GATE = 'urn:openfire-receipts:gate:1';

beforeAll(async () => {
  stage = await GateStage.open({ components: [OTHER], gate: 'receipts_remembered = 20' });
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', 'desk');
  component = await stage.hold();
});
afterEach(() => stage.empty());

const handled = () => alice.asks(stage.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));
const shown = (n: string) => component.events('held', { n })[0]?.getChild('message') as Element;
const gate = (...children: Element[]) => xml('gate', { xmlns: NS_GATE, token: component.token }, ...children);
const block = (user: TestUser, jid: string, action = 'block') =>
  user.asks(undefined, xml(action, { xmlns: 'urn:xmpp:blocking' }, xml('item', { jid })), 'set');
const failure = (answer: Element) =>
  answer
    .getChild('gate', NS_GATE)
    ?.getChildren('failed')
    .map(({ attrs }) => attrs.reason);

/** Says it, has it stored, and resolves with what was seen. */
async function outcome(body: string, to = BOB): Promise<Element> {
  await alice.say(to, body);
  const n = await component.held(body);
  await component.command(xml('stored', { n }));
  return component.event('outcome', { n, copy: '1' });
}

test('route-throws-unknown, and what a filter takes is refused', async () => {
  expect((await outcome('Throw')).attrs.state).toBe('unknown');
  expect((await outcome('Swallow')).attrs.state).toBe('refused');
  expect((await outcome('Neither')).attrs.state).toBe('sent');
});

test('no message body in the gate’s log, where a module fails with a text that quotes one', async () => {
  expect((await outcome('Throw this secret away')).attrs.state).toBe('unknown');
  const log = () => readFile(stage.server.logFile, 'utf8');
  await until(async () => /Routing a message failed: .*mod_gate_control/.test(await log()), { what: 'the line' });
  expect(await log()).not.toContain('secret');
});

test('asked about a message that it still holds, it says nothing', async () => {
  await alice.say(BOB, 'Held');
  const n = await component.held('Held');
  await component.command(xml('ask', { n }));
  expect(component.events('outcome', { n })).toEqual([]);
  await component.command(xml('stored', { n }));
  expect((await component.event('outcome', { n })).attrs.state).toBe('sent');
});

test('blocked: bounced or refused, as without us; blocked-deliver-refused-once', async () => {
  const n = (await outcome('Before')).attrs.n as string;
  await block(bob, 'alice@example.org');
  expect((await outcome('To bare')).attrs).toMatchObject({ state: 'bounced', condition: 'service-unavailable' });
  expect((await outcome('To full', bob.jid)).attrs.state).toBe('refused');
  await component.command(xml('ask', { n }));
  await component.event('has', { n });
  await component.command(deliver(n, 2, bob.jid, shown(n)));
  await component.event('outcome', { n, copy: '2', state: 'refused' });
  await block(bob, 'alice@example.org', 'unblock');
  await block(alice, BOB);
  expect((await outcome('Own block')).attrs).toMatchObject({ state: 'bounced', condition: 'not-acceptable' });
  await block(alice, BOB, 'unblock');
  expect(bob.bodies()).toEqual(['Before']);
});

test('the sender has gone before the verdict: his other device still has its carbon, and his archive the message', async () => {
  const tablet = await stage.user('alice', 'tablet');
  await tablet.asks(undefined, xml('enable', { xmlns: 'urn:xmpp:carbons:2' }), 'set');
  await alice.say(BOB, 'Going');
  const n = await component.held('Going');
  await alice.offline();
  await component.event('session', { jid: alice.jid, state: 'gone' });
  await component.command(xml('stored', { n }));
  await bob.hears('Going');
  await tablet.hears((el) => el.getChild('sent', 'urn:xmpp:carbons:2') !== undefined);
  await tablet.asks(undefined, xml('query', { xmlns: 'urn:xmpp:mam:2' }), 'set');
  await tablet.hears((el) => /Going/.test(el.getChild('result', 'urn:xmpp:mam:2')?.toString() ?? ''));
});

test('more than it remembers: what it forgot is said, and the rest is told again until forgotten', async () => {
  const seen: string[] = [];
  for (let i = 0; i < 25; i += 1) seen.push((await outcome(`${i}`)).attrs.n as string);
  await component.hears(({ name, attrs }) => name === 'forgotten' && attrs.n === seen[4]);
  expect(component.events('forgotten').map(({ attrs }) => attrs.n)).toEqual(seen.slice(0, 5));
  await component.command(xml('forget', { n: seen[6] as string }));
  const again = await component.enable();
  const told = again.filter(({ name }) => name === 'outcome').map(({ attrs }) => attrs.n);
  expect(told).toEqual([seen[5], ...seen.slice(7)]);
});

test('the longest of two waits: unshown messages keep their place behind what is held', async () => {
  await alice.say(BOB, 'Held');
  const n = await component.held('Held');
  await alice.send(
    xml(
      'message',
      { to: BOB, type: 'chat', id: 's' },
      xml('active', { xmlns: 'http://jabber.org/protocol/chatstates' }),
    ),
  );
  await alice.send(xml('message', { to: BOB, type: 'headline', id: 'h' }, xml('body', {}, 'News')));
  await handled();
  expect(bob.count(({ name }) => name === 'message')).toBe(0);
  await component.command(xml('stored', { n }));
  await bob.hears('News');
  expect(
    bob.received
      .filter(({ name }) => name === 'message')
      .map(({ attrs }) => attrs.id)
      .slice(1),
  ).toEqual(['s', 'h']);
  expect(component.events('held')).toHaveLength(1);
});

test('pep-event-not-held: what somebody publishes is not shown', async () => {
  const subscriber = await stage.user('alice', 'subscriber', { features: ['http://jabber.org/protocol/tune+notify'] });
  const tune = 'http://jabber.org/protocol/tune';
  await alice.publishes(tune, xml('tune', { xmlns: tune }, xml('title', {}, 'Song')));
  await subscriber.hearsOf('alice@example.org', tune);
  await component.command(xml('renew'));
  expect(component.events('held')).toEqual([]);
});

test('other-component-forges-each-verb, user-sends-has: only the component’s own stream with its token is heard', async () => {
  const other = await BareComponent.connect(stage.server.componentPort, OTHER.domain, OTHER.secret);
  await alice.say(BOB, 'Held');
  const n = await component.held('Held');
  const verbs = [
    'enable',
    'renew',
    'disable',
    'stored',
    'pass',
    'drop',
    'ask',
    'forget',
    'sessions',
    'deliver',
    'tell',
  ];
  for (const verb of verbs) {
    const request = (from?: string) =>
      xml('iq', { type: 'set', from, to: stage.domain, id: `${verb}-1` }, gate(xml(verb, { n })));
    expect((await other.iq(request(OTHER.domain))).getChild('error')?.getChild('forbidden')).toBeDefined();
    expect((await alice.iq(request())).getChild('error')?.getChild('forbidden')).toBeDefined();
    if (verb === 'enable') continue;
    const wrong = await component.ask('wrong', xml(verb, { n }));
    expect(wrong.getChild('error')?.getChild('forbidden')).toBeDefined();
  }
  expect(component.events('outcome').concat(component.events('opened'))).toEqual([]);
  await component.command(xml('stored', { n }));
  await bob.hears('Held');
  other.end();
});

test('unauthenticated-connection-receives-nothing, and without a lease none does', async () => {
  await component.leave();
  const stranger = await BareComponent.connect(stage.server.componentPort, stage.component, 'wrong');
  await alice.say(BOB, 'Unheld');
  await bob.hears('Unheld');
  expect(stranger.received).toEqual([]);
  expect(stranger.error?.getChild('not-authorized')).toBeDefined();
  component = await stage.attach();
  await alice.say(BOB, 'Nor this');
  await bob.hears('Nor this');
  await component.ask('none', xml('renew'));
  expect(component.received.map(({ name }) => name)).toEqual(['iq']);
});

test('two-marks, mark-in-headline, mark-to-component: our elements are taken out of what users send', async () => {
  const other = await BareComponent.connect(stage.server.componentPort, OTHER.domain, OTHER.secret);
  const old = () => xml('gate', { xmlns: 'urn:openfire-receipts:gate:0', n: '1' });
  component.verdict = () => 'stored';
  const marked = (to: string, type: string, body: string) =>
    alice.send(
      xml('message', { to, type, id: body }, gate(xml('has', { n: '1' })), xml('body', {}, body), old(), gate()),
    );
  await marked(BOB, 'chat', 'Two');
  await marked(BOB, 'headline', 'News');
  await marked(`x@${OTHER.domain}`, 'chat', 'Service');
  await marked(stage.component, 'normal', 'Component');
  const heard = [
    await bob.hears('Two'),
    await bob.hears('News'),
    await other.hears('Service'),
    await component.hears('Component'),
  ];
  heard.push(shown(await component.held('Two')));
  for (const el of heard) expect(el.toString()).not.toContain('openfire-receipts');
  other.end();
});

test('tell-with-body-refused, deliver-to-third-party-refused: notices and redeliveries have bounds', async () => {
  const carol = await stage.raw('carol', 'web');
  const n = (await outcome('Hello')).attrs.n as string;
  await component.event('has', { n });
  const receipt = xml('received', { xmlns: 'urn:xmpp:receipts', id: '1' });
  const to = alice.jid;
  expect(failure(await component.command(tell(bob.jid, to, 't', xml('body', {}, 'I owe you'))))).toEqual(['malformed']);
  expect(failure(await component.command(tell(bob.jid, to, '', receipt)))).toEqual(['malformed']);
  expect(failure(await component.command(tell('bob@elsewhere.example/x', to, 't', receipt)))).toEqual(['forbidden']);
  expect(failure(await component.command(deliver(n, 2, carol.jid, shown(n))))).toEqual(['not-addressee']);
  const forCarol = xml(
    'message',
    { xmlns: 'jabber:client', from: to, to: carol.jid, id: '1' },
    xml('body', {}, 'Hello'),
  );
  expect(failure(await component.command(deliver(n, 2, carol.jid, forCarol)))).toEqual(['not-addressee']);
  expect(failure(await component.command(deliver(n, 2, BOB, shown(n))))).toEqual(['malformed']);
  expect(failure(await component.command(deliver(n, 2, `${BOB}/gone`, shown(n))))).toEqual(['no-session']);
  expect(failure(await component.command(xml('unheard-of'), xml('renew')))).toEqual([]);
  await carol.handledBefore();
  expect(carol.bodies()).toEqual([]);
});

test('deleted-account: it is told, and told again to who begins within ten minutes', async () => {
  const before = performance.now();
  await stage.control(alice, 'delete');
  const dave = `dave@${stage.domain}`;
  const { ago } = (await component.event('deleted', { jid: dave })).attrs;
  expect(Number(ago)).toBeLessThanOrEqual(Math.ceil(performance.now() - before));
  const again = (await component.enable()).filter(({ name }) => name === 'deleted');
  expect(again.map(({ attrs }) => attrs.jid)).toEqual([dave]);
});

test('the sessions of one user, on request', async () => {
  const answer = await component.command(xml('sessions', { jid: BOB }));
  const sessions = answer.getChild('gate', NS_GATE)?.getChildren('session') ?? [];
  expect(sessions.map(({ attrs }) => [attrs.jid, attrs.state])).toEqual([[bob.jid, 'available']]);
});

test('closed: without a lease the sender is told to try later, and nothing is held', async () => {
  const closed = await GateStage.open({ gate: 'receipts_fail = "closed"' });
  const [from, to] = [await closed.user('alice', 'phone'), await closed.user('bob', 'desk')];
  const error = await from.failed(await from.say(BOB, 'Refused'));
  expect(error.getChild('error')?.attrs.type).toBe('wait');
  expect(error.getChild('error')?.getChild('resource-constraint')).toBeDefined();
  const component = await closed.hold();
  component.verdict = () => 'stored';
  await from.say(BOB, 'Taken');
  await to.hears('Taken');
  expect(to.bodies()).toEqual(['Taken']);
  // Without its receipt, what was stored would be said to have failed.
  await component.command(xml('disable'));
  await to.send(
    xml('message', { to: from.jid, type: 'chat' }, xml('received', { xmlns: 'urn:xmpp:receipts', id: 'r' })),
  );
  await from.hears((el) => el.getChild('received')?.attrs.id === 'r');
  await closed.close();
});

test('stopped-component-heap-flat: who does not read loses his connection and his lease, and chat goes on', async () => {
  const small = await GateStage.open({ gate: 'receipts_max_queue_bytes = 20000' });
  const [from, to] = [await small.user('alice', 'phone'), await small.user('bob', 'desk')];
  const stopped = await small.hold();
  const texts = Array.from({ length: 20 }, (_, i) => `${i} ${'x'.repeat(2000)}`);
  for (const text of texts) await from.say(BOB, text);
  await to.hears(texts[19] as string);
  await stopped.link.closed();
  expect(stopped.events('opened').map(({ attrs }) => attrs.why)).toEqual(['overflow']);
  expect(stopped.link.error?.getChild('resource-constraint')).toBeDefined();
  expect(to.bodies()).toEqual(texts);
  await small.close();
});
