import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { GateStage, tell } from '../support/gate/gate-stage.ts';

/** The gate tells senders that their messages are stored, where the component asks it to. */
let stage: GateStage;
let alice: TestUser;
let bob: TestUser;
let component: GateComponent;
const BOB = 'bob@example.org';
const ACK = { acks: 'replicas:1' };

beforeAll(async () => {
  stage = await GateStage.open();
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', 'desk');
});
afterEach(() => stage.empty());

const stored = (n: string) => xml('stored', { n, ack: 'true' });
const words = (user: TestUser) => user.received.filter((el) => el.getChild('stored') !== undefined);
const receipt = (id: string) => xml('received', { xmlns: 'urn:xmpp:receipts', id });
const bothOf = (id: string) => Promise.all([alice.acknowledged(id), alice.delivered(id)]);
/** Words and receipts, in the order of their coming. */
const said = ({ received }: TestUser) =>
  received.flatMap((el) => ['stored', 'received'].filter((name) => el.getChild(name) !== undefined));
const handled = (user: TestUser) => user.asks(stage.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));

/** Alice says it to Bob; gives its id, and its number. */
async function held(body: string): Promise<[id: string, n: string]> {
  const id = await alice.say(BOB, body);
  return [id, await component.held(body)];
}

test('it says so in the component’s name, to that session alone', async () => {
  component = await stage.hold(ACK);
  const tablet = await stage.user('alice', 'tablet');
  await tablet.asks(undefined, xml('enable', { xmlns: 'urn:xmpp:carbons:2' }), 'set');
  const [id, n] = await held('Hello');
  expect(words(alice)).toEqual([]);
  await component.command(stored(n));
  const word = await alice.hears((el) => el.getChild('stored') !== undefined);
  expect(word.attrs).toMatchObject({ from: stage.component, to: alice.jid });
  expect(word.attrs.type).toBeUndefined();
  expect(word.getChild('stored', 'urn:openfire-receipts:0')?.attrs).toMatchObject({
    id,
    to: BOB,
    durability: 'replicas:1',
  });
  expect(word.getChild('no-store', 'urn:xmpp:hints')).toBeDefined();
  await bob.hears('Hello');
  await tablet.hears((el) => el.getChild('sent', 'urn:xmpp:carbons:2') !== undefined);
  await handled(tablet);
  expect([words(tablet), words(bob)]).toEqual([[], []]);
});

test('what the server returns for it comes behind that: a sender is not told that it is stored after it has failed', async () => {
  component = await stage.hold(ACK);
  await alice.asks(undefined, xml('block', { xmlns: 'urn:xmpp:blocking' }, xml('item', { jid: BOB })), 'set');
  const [id, n] = await held('To nobody');
  await component.command(stored(n));
  await component.event('outcome', { n, state: 'bounced' });
  await handled(alice);
  const about = alice.received.filter((el) => el.attrs.id === id || el.getChild('stored')?.attrs.id === id);
  expect(about.map((el) => el.attrs.type ?? 'stored')).toEqual(['stored', 'error']);
  await alice.asks(undefined, xml('unblock', { xmlns: 'urn:xmpp:blocking' }), 'set');
});

test('a receipt that the server reads together with the verdict comes behind that', async () => {
  component = await stage.hold({ ...ACK, receipts: 'routed' });
  component.verdict = (message) => (message.getChild('received') ? 'pass' : undefined);
  // Which of two sockets a server reads first is its own choice.
  for (const isFirst of [true, false, true, false]) {
    const [id, n] = await held('Hello');
    const verdict = component.request(component.token, stored(n)).toString();
    // As where the machine is busy: by the time that the server goes on, the client has the message, and has answered.
    stage.server.freeze();
    if (isFirst) component.link.write(verdict);
    await bob.send(xml('message', { to: alice.jid, type: 'chat', id: `r-${id}` }, receipt(id)));
    if (!isFirst) component.link.write(verdict);
    stage.server.thaw();
    await bothOf(id);
  }
  expect(said(alice)).toEqual(Array(4).fill(['stored', 'received']).flat());
});

test('so does what the component tells her in his name', async () => {
  component = await stage.hold(ACK);
  const [id, n] = await held('Hello');
  await component.command(stored(n), tell(bob.jid, alice.jid, 'r-1', receipt(id)));
  await bothOf(id);
  expect(said(alice)).toEqual(['stored', 'received']);
});

test('not of what the component does not ask for, nor of another verdict', async () => {
  component = await stage.hold(ACK);
  for (const verdict of ['stored', 'pass', 'drop'] as const) {
    const [, n] = await held(`By ${verdict}`);
    await component.command(xml(verdict, verdict === 'stored' ? { n } : { n, ack: 'true' }));
  }
  await bob.hears('By pass');
  await handled(alice);
  expect(words(alice)).toEqual([]);
});

test('a verdict that comes late acknowledges nothing: it was passed', async () => {
  component = await stage.hold({ ...ACK, timeout: '500' });
  const [, late] = await held('Late');
  const [, early] = await held('In time');
  await component.command(xml('stored', { n: early }));
  expect((await component.event('outcome', { n: late })).attrs.state).toBe('passed');
  await component.command(stored(late));
  await handled(alice);
  expect(words(alice)).toEqual([]);
});

test('nothing was seen of what became of it: the outcome says that its sender was told, then and when it is asked for', async () => {
  component = await stage.hold(ACK);
  const [, silent] = await held('Throw without');
  await component.command(xml('stored', { n: silent }));
  const [id, n] = await held('Throw');
  await component.command(stored(n));
  expect((await component.event('outcome', { n: silent, state: 'unknown' })).attrs.acknowledged).toBeUndefined();
  expect((await component.event('outcome', { n, state: 'unknown' })).attrs.acknowledged).toBe('true');
  expect((await alice.hears((el) => el.getChild('stored') !== undefined)).getChild('stored')?.attrs.id).toBe(id);
  await component.command(xml('ask', { n }));
  expect(component.events('outcome', { n }).map(({ attrs }) => attrs.acknowledged)).toEqual(['true', 'true']);
});

test('a lease that was asked for without acknowledgements has none', async () => {
  component = await stage.attach();
  const answer = await component.ask(
    '',
    xml('enable', { version: '1', process: 'old', timeout: '60000', lease: '60000' }),
  );
  const enabled = answer.getChild('gate')?.getChild('enabled') as Element;
  expect(enabled.attrs.acks).toBeUndefined();
  await component.event('ready');
  await component.forgetAll();
  const [, n] = await held('Hello');
  await component.command(stored(n));
  await bob.hears('Hello');
  await handled(alice);
  expect(words(alice)).toEqual([]);
});

test('the sender has gone: nothing of it waits for her', async () => {
  component = await stage.hold(ACK);
  const [, n] = await held('Going');
  await alice.offline();
  await component.event('session', { jid: alice.jid, state: 'gone' });
  await component.command(stored(n));
  await component.event('outcome', { n, state: 'sent' });
  const next = await stage.user('alice', 'phone');
  await handled(next);
  expect(words(next)).toEqual([]);
});
