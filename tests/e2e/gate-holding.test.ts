import xml, { type Element } from '@xmpp/xml';
import { deliver, GateStage, tell } from '../support/gate/gate-stage.ts';

/** The gate of Prosody: hold, verdicts, redelivery, notices, and what is seen of each message. */
let stage: GateStage;
const BOB = 'bob@example.org';

beforeAll(async () => {
  stage = await GateStage.open();
});
afterAll(() => stage.close());
afterEach(() => stage.empty());

test('enabled with the sessions that there are, held until it is stored, proved by a ping', async () => {
  const alice = await stage.user('alice', 'phone');
  const bob = await stage.user('bob', 'desk');
  const component = await stage.attach();
  await alice.say(BOB, 'Before the lease');
  await bob.hears('Before the lease');
  const first = await component.enable();
  expect(first.map(({ name, attrs }) => [name, attrs.jid ?? attrs.from]).sort()).toEqual([
    ['session', alice.jid],
    ['session', bob.jid],
    ['unheld', alice.jid],
  ]);
  await alice.say(BOB, 'Hello');
  const n = await component.held('Hello');
  expect(n.startsWith(`${component.epoch}-`)).toBe(true);
  await alice.iq(xml('iq', { type: 'get', to: stage.domain }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
  expect(bob.bodies()).toEqual(['Before the lease']);
  await component.command(xml('stored', { n }));
  await bob.hears('Hello');
  const session = first.find(({ attrs }) => attrs.jid === bob.jid)?.attrs.id;
  const outcome = await component.event('outcome', { n, copy: '1', state: 'sent' });
  expect(outcome.getChild('session')?.attrs).toMatchObject({ jid: bob.jid, id: session });
  await component.event('has', { n, jid: bob.jid, session: session as string, by: 'ping' });
});

test('an id so long that a few thousand would fill the memory is not kept of what passed unheld', async () => {
  const alice = await stage.user('alice', 'phone');
  const bob = await stage.user('bob', 'desk');
  for (const length of [4096, 4097]) {
    await alice.send(xml('message', { to: BOB, type: 'chat', id: 'x'.repeat(length) }, xml('body', {}, `${length}`)));
    await bob.hears(`${length}`);
  }
  const component = await stage.attach();
  const told = await component.enable();
  const unheld = told.filter(({ name, attrs }) => name === 'unheld' && attrs.to === BOB);
  expect(unheld.slice(-2).map(({ attrs }) => attrs.id?.length)).toEqual([4096, undefined]);
});

test('dropped is not delivered, passed is untagged, and a verdict is answered again', async () => {
  const alice = await stage.user('alice', 'phone');
  const bob = await stage.user('bob', 'desk');
  const component = await stage.hold();
  for (const body of ['One', 'Two', 'Three']) await alice.say(BOB, body);
  const [one, two, three] = [await component.held('One'), await component.held('Two'), await component.held('Three')];
  await component.command(xml('drop', { n: one }), xml('pass', { n: two }), xml('stored', { n: three }));
  await bob.hears('Three');
  expect(bob.bodies()).toEqual(['Two', 'Three']);
  await component.event('outcome', { n: one, state: 'dropped' });
  await component.event('outcome', { n: three, state: 'sent' });
  await component.command(xml('stored', { n: three }), xml('stored', { n: two }));
  await component.event('outcome', { n: three, state: 'sent' });
  await component.event('outcome', { n: two, state: 'unknown' });
  expect(bob.bodies()).toEqual(['Two', 'Three']);
  await component.command(xml('forget', { n: three }), xml('ask', { n: three }));
  await component.event('outcome', { n: three, state: 'unknown' });
});

test('a redelivery goes into one session, and a receipt in the name of the contact', async () => {
  const alice = await stage.user('alice', 'phone');
  const bob = await stage.user('bob', 'desk');
  const component = await stage.hold();
  const id = await alice.say(BOB, 'Hello');
  const n = await component.held('Hello');
  await component.command(xml('stored', { n }));
  await component.event('has', { n });
  const shown = component.events('held', { n })[0]?.getChild('message') as Element;
  await component.command(deliver(n, 2, bob.jid, shown));
  await component.event('outcome', { n, copy: '2', state: 'sent' });
  const receipt = xml('received', { xmlns: 'urn:xmpp:receipts', id });
  await component.command(tell(bob.jid, alice.jid, 'r1', receipt));
  await alice.delivered(id);
  await bob.hears('Hello');
  await bob.hears('Hello');
  expect(bob.bodies()).toEqual(['Hello', 'Hello']);
});

test('session events: bound, available, priority, unavailable, gone', async () => {
  const component = await stage.hold();
  const bob = await stage.user('bob', 'desk', { streamManagement: true });
  const bound = await component.event('session', { jid: bob.jid, state: 'bound' });
  const id = bound.attrs.id as string;
  await component.event('session', { id, state: 'available', priority: '0', sm: 'true' });
  await bob.send(xml('presence', {}, xml('priority', {}, '5')));
  await component.event('session', { id, state: 'available', priority: '5' });
  await bob.unavailable();
  await component.event('session', { id, state: 'unavailable' });
  await bob.offline();
  await component.event('session', { id, state: 'gone' });
});
