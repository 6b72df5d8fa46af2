import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';

/** Who has two devices, both with carbons (XEP-0280): what each of them is told. By E2E_ variables on another server. */
let world: World;

beforeAll(async () => {
  world = await World.open();
  await world.startProxy(NO_COPIES);
});
afterAll(() => world.close());
afterEach(() => world.empty());

const NS_CARBONS = 'urn:xmpp:carbons:2';

async function withCarbons(name: string): Promise<TestUser> {
  const user = await world.user(name);
  const answer = await user.iq(xml('iq', { type: 'set' }, xml('enable', { xmlns: NS_CARBONS })));
  expect(answer.attrs.type).toBe('result');
  return user;
}

/** The copy of a message that another device of the same user's got or sent. */
function carbonOf(stanza: Element): Element | undefined {
  const carbon = stanza.getChild('received', NS_CARBONS) ?? stanza.getChild('sent', NS_CARBONS);
  return carbon?.getChild('forwarded', 'urn:xmpp:forward:0')?.getChild('message');
}

const isReceipt = (stanza: Element | undefined, id: string) =>
  stanza?.getChild('received', 'urn:xmpp:receipts')?.attrs.id === id && /@/.test(stanza.attrs.from ?? '');

test('an acknowledgement stays with the device that wrote; the receipt comes to both', async () => {
  const [phone, desk, bob] = [await withCarbons('alice'), await withCarbons('alice'), await world.user('bob')];
  const id = await phone.say(world.proxied('bob'), 'From my phone');
  await bob.hears('From my phone');
  await phone.acknowledged(id);
  await phone.delivered(id);
  await desk.hears((stanza) => isReceipt(carbonOf(stanza), id));
  const told = desk.received.map(String).filter((text) => text.includes(id) && text.includes('openfire-receipts'));
  expect(told).toEqual([]);
  // She sees on the other device what she wrote on the first: the carbons were there.
  expect(desk.count((stanza) => carbonOf(stanza)?.getChildText('body') === 'From my phone')).toBe(1);
});

test('so does what nobody knows', async () => {
  const { RETRY_SCHEDULE } = NO_COPIES;
  await world.stopProxy();
  await world.startProxy({ MESSAGE_TTL: '2s', RETRY_SCHEDULE, UNCONFIRMED_RETRIES: '0', DEDUP_WINDOW: '10s' });
  const [phone, desk] = [await withCarbons('alice'), await withCarbons('alice')];
  const silent = await world.user('carol', { autoReceipt: false });
  const id = await phone.say(world.proxied('carol'), 'Anybody?');
  await silent.hears('Anybody?');
  await phone.hears((stanza) => stanza.getChild('unconfirmed', 'urn:openfire-receipts:0')?.attrs.id === id);
  // What the server does for the other device it has done by now.
  await desk.iq(xml('iq', { type: 'get', to: world.xmpp.domain }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
  expect(desk.received.map(String).filter((text) => text.includes('openfire-receipts'))).toEqual([]);
  await world.stopProxy();
  await world.startProxy(NO_COPIES);
});

test('an error has the message’s body, on the device that wrote', async () => {
  const [phone, bob] = [await withCarbons('alice'), await world.user('bob', { autoReceipt: false })];
  const id = await phone.say(world.proxied('bob'), 'Not to be had');
  const { from } = (await bob.hears('Not to be had')).attrs;
  await bob.send(
    `<message type="error" to="${from}" id="${id}"><error type="cancel"><not-allowed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
  );
  const error = await phone.failed(id);
  expect(error.getChildText('body')).toBe('Not to be had');
  // A server that archives it says so in it (XEP-0359).
  const children = error.getChildElements().map((child) => child.getName());
  expect(children.filter((child) => child !== 'stanza-id')).toEqual(['body', 'error']);
});

test('a receipt with what clients put beside it comes as the receipt alone, and leaves nothing for who is away', async () => {
  const bob = await world.user('bob', { autoReceipt: false });
  const alice = await world.user('alice');
  const id = await alice.say(world.proxied('bob'), 'Hints?');
  const { from } = (await bob.hears('Hints?')).attrs;
  await alice.offline();
  const beside = '<store xmlns="urn:xmpp:hints"/><origin-id xmlns="urn:xmpp:sid:0" id="r-1"/>';
  await bob.send(
    `<message to="${from?.split('/')[0]}" type="chat" id="r-1"><received xmlns="urn:xmpp:receipts" id="${id}"/>${beside}</message>`,
  );
  // What bob writes next comes after it.
  await bob.say(from?.split('/')[0] as string, 'That was it');
  const again = await world.user('alice');
  await again.hears('That was it');
  const empty = again.received.filter(
    ({ name, attrs, children }) =>
      name === 'message' && attrs.from?.startsWith(world.proxied('bob')) && children.length === 0,
  );
  const rest = again.received.filter((stanza) => stanza.getChild('origin-id', 'urn:xmpp:sid:0')?.attrs.id === 'r-1');
  expect([...empty, ...rest].map(String)).toEqual([]);
});
