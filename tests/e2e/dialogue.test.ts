import xml, { type Element } from '@xmpp/xml';
import { NO_COPIES, World } from '../support/stages/world.ts';

let world: World;

beforeAll(async () => {
  world = await World.open();
  await world.startProxy(NO_COPIES);
});
afterAll(() => world.close());
afterEach(() => world.empty());

const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_OWN = 'urn:openfire-receipts:0';

test('alice writes to bob: acknowledged, delivered, in that order', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  const id = await alice.say(world.proxied('bob'), 'Are you there?');

  const acknowledgement = await alice.acknowledged(id);
  expect(acknowledgement.attrs).toMatchObject({ from: world.xmpp.componentDomain, to: alice.jid });
  expect(acknowledgement.attrs.type).toBeUndefined();
  expect(acknowledgement.getChild('stored', NS_OWN)?.attrs).toMatchObject({ id, to: world.proxied('bob') });
  expect(acknowledgement.getChild('received', NS_RECEIPTS)?.attrs.id).toBe(id);
  expect(acknowledgement.getChild('no-store', 'urn:xmpp:hints')).toBeDefined();

  const heard = await bob.hears('Are you there?');
  expect(heard.attrs).toMatchObject({ id, type: 'chat', from: world.seenAs(alice) });
  expect(heard.getChild('request', NS_RECEIPTS)).toBeDefined();
  expect(heard.getChild('delay', 'urn:xmpp:delay')).toBeUndefined();

  const receipt = await alice.delivered(id);
  expect(receipt.attrs.from).toBe(world.seenAs(bob));
  expect(receipt.getChild('received', NS_RECEIPTS)?.attrs.id).toBe(id);
  expect(alice.received.indexOf(acknowledgement)).toBeLessThan(alice.received.indexOf(receipt));
});

test('bob answers the address that he sees, and alice hears him', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await alice.say(world.proxied('bob'), 'Ping?');
  const { from } = (await bob.hears('Ping?')).attrs;
  const id = await bob.say(from as string, 'Pong!');
  const answer = await alice.hears('Pong!');
  expect(answer.attrs.from).toBe(world.seenAs(bob));
  await bob.acknowledged(id);
  await bob.delivered(id);
});

test('alice asks for no receipt and gets none; bob’s client is asked all the same', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await alice.say(world.proxied('bob'), 'No receipt, please', { request: false, id: 'quiet' });
  const heard = await bob.hears('No receipt, please');
  expect(heard.getChild('request', NS_RECEIPTS)).toBeDefined();
  const loud = await alice.say(world.proxied('bob'), 'With one', { id: 'loud' });
  await alice.delivered(loud);
  expect(alice.count((el: Element) => el.toString().includes('quiet'))).toBe(0);
});

test('200 messages in a row arrive once each and in order', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  const bodies = Array.from({ length: 200 }, (_, i) => `number ${i}`);
  for (const body of bodies) await alice.say(world.proxied('bob'), body);
  await bob.hears('number 199');
  expect(bob.bodies()).toEqual(bodies);
});

test('alice sends the same message again: bob hears it once, and she is told what is known', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  // Of an id that may be a number, what comes 0.3 s after its end is a message of its own, which it is on a busy machine.
  const id = await alice.say(world.proxied('bob'), 'Only once');
  await alice.delivered(id);
  await alice.say(world.proxied('bob'), 'Only once', { id });
  await alice.acknowledged(id);
  await alice.delivered(id);
  // What comes after it has come; so the resend would have come as well.
  await alice.say(world.proxied('bob'), 'Something else');
  await bob.hears('Something else');
  expect(bob.count('Only once')).toBe(1);
});

test('the same id with another text is another message: both arrive, both are confirmed', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await alice.say(world.proxied('bob'), 'first text', { id: 'reused' });
  await alice.say(world.proxied('bob'), 'second text', { id: 'reused' });
  await bob.hears('first text');
  await bob.hears('second text');
  await alice.delivered('reused');
  await alice.delivered('reused');
});

test('bob loses a message with his connection: it comes again, with its id and first time', async () => {
  await world.stopProxy();
  await world.startProxy();
  const alice = await world.user('alice');
  const resource = world.newResource();
  const bob = await world.user('bob', { resource });
  // Bob is known to confirm, so the normal timetable holds for him.
  await alice.delivered(await alice.say(world.proxied('bob'), 'Hello'));
  const before = Date.now();
  bob.freeze();
  const id = await alice.say(world.proxied('bob'), 'Into the dark');
  await alice.acknowledged(id);
  const stored = Date.now();
  bob.cut();

  const again = await world.user('bob', { resource });
  const heard = await again.hears('Into the dark');
  expect(heard.attrs.id).toBe(id);
  const stamp = heard.getChild('delay', 'urn:xmpp:delay')?.attrs.stamp as string;
  // A stamp may be in whole seconds.
  expect(Date.parse(stamp)).toBeGreaterThan(before - 1000);
  expect(Date.parse(stamp)).toBeLessThanOrEqual(stored);
  await alice.delivered(id);
  expect(again.count('Into the dark')).toBe(1);
  await world.stopProxy();
  await world.startProxy(NO_COPIES);
});

test('dave is offline: the message waits at the server and comes once', async () => {
  const alice = await world.user('alice');
  const id = await alice.say(world.proxied('dave'), 'Good morning');
  await alice.acknowledged(id);
  const dave = await world.user('dave');
  await dave.hears('Good morning');
  await alice.delivered(id);
  await alice.delivered(await alice.say(world.proxied('dave'), 'And again'));
  expect(dave.count('Good morning')).toBe(1);
});

test('chat states and markers pass, and are not acknowledged', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  const states = 'http://jabber.org/protocol/chatstates';
  await alice.send(
    xml('message', { to: world.proxied('bob'), type: 'chat', id: 'typing' }, xml('composing', { xmlns: states })),
  );
  const heard = await bob.hears((el: Element) => el.getChild('composing', states) !== undefined);
  expect(heard.attrs.id).toBe('typing');
  expect(heard.getChild('request', NS_RECEIPTS)).toBeUndefined();
  await alice.delivered(await alice.say(world.proxied('bob'), 'done typing'));
  expect(alice.count((el: Element) => el.toString().includes('typing"'))).toBe(0);
});

test('a group chat message is refused', async () => {
  const alice = await world.user('alice');
  await alice.say(world.proxied('bob'), 'to all', { type: 'groupchat', id: 'muc' });
  const refusal = await alice.failed('muc');
  expect(refusal.getChild('error')?.getChild('not-acceptable')).toBeDefined();
});

test('a client that lost track asks for the status of its messages', async () => {
  const alice = await world.user('alice');
  await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'known', { id: 'known' }));
  const answer = await alice.iq(
    xml(
      'iq',
      { type: 'get', to: world.xmpp.componentDomain, id: 'q1' },
      xml(
        'status',
        { xmlns: NS_OWN },
        xml('message', { id: 'known', to: world.proxied('bob') }),
        xml('message', { id: 'never', to: world.proxied('bob') }),
      ),
    ),
  );
  const [known, never] = answer.getChild('status', NS_OWN)?.getChildren('message') ?? [];
  expect(known?.attrs).toMatchObject({ id: 'known', state: 'delivered', attempts: '1' });
  expect(Date.parse(known?.attrs.settled as string)).toBeGreaterThanOrEqual(Date.parse(known?.attrs.stored as string));
  expect(never?.attrs).toEqual({ id: 'never', to: world.proxied('bob'), state: 'unknown' });
  // Bob asks about a message of alice's and learns nothing.
  const bob = await world.user('bob');
  const denied = await bob.iq(
    xml(
      'iq',
      { type: 'get', to: world.xmpp.componentDomain, id: 'q2' },
      xml('status', { xmlns: NS_OWN }, xml('message', { id: 'known', to: world.proxied('bob') })),
    ),
  );
  expect(denied.getChild('status', NS_OWN)?.getChild('message')?.attrs.state).toBe('unknown');
});

test.each([
  ['http://jabber.org/protocol/disco#info', 'feature'],
  ['jabber:iq:version', 'version'],
])('the component answers %s', async (namespace, child) => {
  const alice = await world.user('alice');
  const answer = await alice.iq(
    xml('iq', { type: 'get', to: world.xmpp.componentDomain, id: 'd1' }, xml('query', { xmlns: namespace })),
  );
  expect(answer.attrs.type).toBe('result');
  expect(answer.getChild('query')?.getChild(child)).toBeDefined();
});

test('every other request gets an error', async () => {
  const alice = await world.user('alice');
  for (const to of [world.xmpp.componentDomain, world.proxied('bob')]) {
    const answer = await alice.iq(
      xml('iq', { type: 'get', to, id: `x-${to}` }, xml('query', { xmlns: 'urn:example' })),
    );
    expect(answer.attrs.type).toBe('error');
    expect(answer.getChild('error')?.getChild('service-unavailable')).toBeDefined();
  }
});
