import xml, { type Element } from '@xmpp/xml';
import { CommandWindow } from '../support/clients/command-window.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { NO_COPIES, OWN_SERVER, World } from '../support/stages/world.ts';

/** Names that a server keeps apart and that a newer Unicode takes for one. Needs such accounts. */
const onOwnServer = OWN_SERVER ? test : test.skip;

const MKHEDRULI = '\u10d1\u10dd\u10d1';
const MTAVRULI = '\u1c91\u1c9d\u1c91';
// Modifier letter capital B; to NFKC and a newer Unicode it is "bob".
const LOOKS_LIKE_BOB = '\u1d2eob';
// Squared A.
const LOOKS_LIKE_ADMIN = '\u{1f130}dmin';
const NAMES = [MKHEDRULI, MTAVRULI, LOOKS_LIKE_BOB, LOOKS_LIKE_ADMIN, 'admin', '\u00e4rger'];

let world: World;

beforeAll(async () => {
  world = await World.open({ users: Object.fromEntries(NAMES.map((name) => [name, 'pw'])) });
  await world.startProxy({ ...NO_COPIES, ADMIN_JIDS: `admin@${world.xmpp.domain},\u00c4RGER@${world.xmpp.domain}` });
});
afterAll(() => world.close());
afterEach(() => world.empty());

/** Whom the client was shown as the sender: its own library folds its own address, so texts are compared. */
const shown = (stanza: Element) => stanza.attrs.from?.split('/')[0];
const refusal = (id: string) => (stanza: Element) => stanza.attrs.type === 'error' && stanza.attrs.id === id;
const condition = (stanza: Element) => stanza.getChild('error')?.getChildElements()[0]?.name;

onOwnServer('two accounts whose names differ in a case that the server does not know are two persons', async () => {
  const alice = await world.user('alice');
  const [small, capital] = [await world.user(MKHEDRULI), await world.user(MTAVRULI)];
  const write = async (who: TestUser, to: string, body: string) => {
    const id = await who.say(world.proxied(to), body, { id: `m-${body}` });
    await who.delivered(id);
  };
  await write(alice, MTAVRULI, 'to the capitals');
  await write(alice, MKHEDRULI, 'to the small ones');
  expect(capital.bodies()).toEqual(['to the capitals']);
  expect(small.bodies()).toEqual(['to the small ones']);
  await write(small, 'alice', 'from the small ones');
  await write(capital, 'alice', 'from the capitals');
  expect(shown(await alice.hears('from the small ones'))).toBe(world.proxied(MKHEDRULI));
  expect(shown(await alice.hears('from the capitals'))).toBe(world.proxied(MTAVRULI));
  // To each other, under one id: neither is a duplicate of the other.
  await write(small, MTAVRULI, 'same');
  await write(capital, MKHEDRULI, 'same');
  expect(small.bodies().at(-1)).toBe('same');
  expect(capital.bodies().at(-1)).toBe('same');
});

onOwnServer.each([LOOKS_LIKE_BOB, LOOKS_LIKE_ADMIN])(
  '%s is shown to nobody as somebody else, and nobody else gets what is for him',
  async (name) => {
    const alice = await world.user('alice');
    const other = await world.user(name.endsWith('ob') ? 'bob' : 'admin');
    const impostor = await world.user(name);
    const id = await impostor.say(world.proxied('alice'), 'It is me');
    expect(condition(await impostor.hears(refusal(id)))).toBe('jid-malformed');
    const answered = await alice.say(world.proxied(name), 'For you alone');
    expect(condition(await alice.hears(refusal(answered)))).toBe('jid-malformed');
    // What came later has come.
    await other.say(world.proxied('alice'), 'the last');
    await alice.hears('the last');
    expect(alice.bodies()).toEqual(['the last']);
    expect(other.bodies()).toEqual([]);
  },
);

onOwnServer('an administrator is who the server says, however his name is written in the settings', async () => {
  const domain = world.xmpp.componentDomain;
  const commandsOf = async (name: string) => new CommandWindow(await world.user(name), domain).list();
  const admins = await commandsOf('admin');
  expect(admins).toContain('Forget a user');
  expect(await commandsOf('\u00e4rger')).toEqual(admins);
  const impostor = await world.user(LOOKS_LIKE_ADMIN);
  const query = xml('query', {
    xmlns: 'http://jabber.org/protocol/disco#items',
    node: 'http://jabber.org/protocol/commands',
  });
  expect(condition(await impostor.asks(domain, query))).toBe('jid-malformed');
});

onOwnServer('what the server folds is one name: in an address, and in what a client asks about a message', async () => {
  const alice = await world.user('alice');
  const anger = await world.user('\u00e4rger');
  const written = world.proxied('\u00c4RGER');
  const id = await alice.say(written, 'In capitals');
  await alice.delivered(id);
  expect(anger.bodies()).toEqual(['In capitals']);
  const status = xml('status', { xmlns: 'urn:openfire-receipts:0' }, xml('message', { id, to: written }));
  const answer = await alice.asks(world.xmpp.componentDomain, status);
  expect(answer.getChild('status')?.getChild('message')?.attrs.state).toBe('delivered');
});
