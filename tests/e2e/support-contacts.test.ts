import xml from '@xmpp/xml';
import { RECEIPT_CLIENT, verificationString } from '../support/clients/request-dialogue.ts';
import { login, type TestUser } from '../support/clients/test-user.ts';
import { type ProsodyServer, startProsody } from '../support/servers/prosody.ts';

/** The words of the test users, said on a real server without a proxy. */
let prosody: ProsodyServer;
const there: TestUser[] = [];
/** Who is whose contact stays with the server, so that each test has two of its own. */
const PAIRS = Array.from({ length: 8 }, (_, i) => [`alice${i}`, `bob${i}`] as const);
const pairs = PAIRS.values();

type Options = Partial<Parameters<typeof login>[0]>;
const two = (one: Options = {}, other: Options = {}): Promise<[TestUser, TestUser]> => {
  const names = pairs.next().value ?? [];
  const { c2sPort: port, domain } = prosody;
  const both = [one, other].map(async (options, i) => {
    const username = names[i] ?? '';
    const user = await login({ host: '127.0.0.1', port, domain, username, password: 'pw', ...options });
    there.push(user);
    return user;
  });
  return Promise.all(both) as Promise<[TestUser, TestUser]>;
};
const become = async (one: TestUser, other: TestUser) => {
  for (const [requester, asked] of [
    [one, other],
    [other, one],
  ] as const) {
    await requester.subscribesTo(asked.bare);
    await asked.isAskedBy(requester.bare);
    await asked.approves(requester.bare);
    await requester.isApprovedBy(asked.bare);
  }
};

beforeAll(async () => {
  prosody = await startProsody({ users: Object.fromEntries(PAIRS.flat().map((name) => [name, 'pw'])) });
});
afterAll(() => prosody.stop());
afterEach(() => Promise.all(there.splice(0).map((user) => user.offline())));

test('alice and bob become contacts, see each other, and no more when she removes him', async () => {
  const [alice, bob] = await two({ resource: 'phone' }, { resource: 'desk' });
  await become(alice, bob);
  await alice.hasContact(bob.bare, 'both');
  expect(await bob.roster()).toEqual(new Map([[alice.bare, { subscription: 'both', asked: false }]]));
  await bob.goesAvailable({ show: 'away', status: 'Lunch', priority: 3 });
  await alice.seesPresence(`${bob.bare}/desk`, { show: 'away', status: 'Lunch', priority: 3 });
  await bob.goesUnavailable('Bye');
  await alice.seesPresence(bob.bare, { type: 'unavailable', status: 'Bye' });
  expect((await alice.removes(bob.bare)).attrs.type).toBe('result');
  await alice.hasContact(bob.bare, 'remove');
  await bob.isDeniedBy(alice.bare);
  expect(await alice.roster()).toEqual(new Map());
});

test('a request is denied; a subscription is ended', async () => {
  const [alice, bob] = await two();
  await bob.subscribesTo(alice.bare, xml('nick', { xmlns: 'http://jabber.org/protocol/nick' }, 'Bob'));
  expect((await alice.isAskedBy(bob.bare)).getChildText('nick')).toBe('Bob');
  await alice.denies(bob.bare);
  await bob.isDeniedBy(alice.bare);
  await bob.subscribesTo(alice.bare);
  await alice.isAskedBy(bob.bare);
  await alice.approves(bob.bare);
  await bob.hasContact(alice.bare, 'to');
  await bob.unsubscribesFrom(alice.bare);
  await bob.hasContact(alice.bare, 'none');
});

test('directed presence is seen by one, and taken back', async () => {
  const [alice, bob] = await two();
  await alice.shows(bob.jid, { status: 'For you' });
  await bob.seesPresence(alice.jid, { status: 'For you' });
  await alice.hidesFrom(bob.jid);
  await bob.seesPresence(alice.jid, { type: 'unavailable' });
});

test('a connection that is reset is seen as unavailable', async () => {
  const [alice, bob] = await two();
  await become(alice, bob);
  await alice.seesPresence(bob.jid);
  bob.freeze();
  bob.cut();
  await alice.seesPresence(bob.jid, { type: 'unavailable' });
});

test('what a client can is in its presence by hash, and told when it is asked', async () => {
  const [alice, bob] = await two({}, { features: [...RECEIPT_CLIENT, 'urn:xmpp:jingle:1'] });
  await bob.shows(alice.jid);
  await alice.shows(bob.jid);
  const caps = (await alice.seesPresence(bob.jid)).getChild('c', 'http://jabber.org/protocol/caps');
  expect(caps?.attrs).toMatchObject({ hash: 'sha-1', ver: verificationString(bob.features ?? []) });
  const query = (node?: string) => xml('query', { xmlns: 'http://jabber.org/protocol/disco#info', node });
  const info = await alice.asks(bob.jid, query(`${caps?.attrs.node}#${caps?.attrs.ver}`));
  const features = info.getChild('query')?.getChildren('feature') ?? [];
  expect(features.map(({ attrs }) => attrs.var)).toEqual(bob.features);
  expect((await alice.asks(bob.jid, query('other'))).attrs.type).toBe('error');
  bob.features = undefined;
  expect((await alice.asks(bob.jid, query())).attrs.type).toBe('error');
});

test('the hash is that of the standard’s first example (XEP-0115 section 5.2)', () => {
  const features = ['disco#info', 'disco#items', 'muc', 'caps'].map((name) => `http://jabber.org/protocol/${name}`);
  const identity = { category: 'client', type: 'pc', name: 'Exodus 0.9.1' };
  expect(verificationString(features, identity)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
});

test('a request is answered, refused, or not answered, once', async () => {
  const [alice, bob] = await two({ streamManagement: true }, { streamManagement: true });
  await Promise.all([bob.shows(alice.jid), alice.shows(bob.jid)]);
  const last = () => xml('query', { xmlns: 'jabber:iq:last' });
  expect((await alice.asks(bob.jid, last())).getChild('error')?.getChild('service-unavailable')).toBeDefined();
  bob.answers('jabber:iq:last', { error: 'forbidden' });
  expect((await alice.asks(bob.jid, last())).getChild('error')?.getChild('forbidden')).toBeDefined();
  bob.answers('jabber:iq:last', [xml('query', { xmlns: 'jabber:iq:last', seconds: '3' })]);
  const answer = await alice.asks(bob.jid, last());
  expect(answer.getChild('query')?.attrs.seconds).toBe('3');
  bob.answers('jabber:iq:last', 'silence');
  const unanswered = alice.iq(xml('iq', { type: 'get', id: 'unanswered', to: bob.jid }, last()));
  await bob.hears((el) => el.attrs.id === 'unanswered');
  await alice.receivesNothing((el) => el.attrs.id === 'unanswered', alice.hasAllFrom(bob));
  await bob.send(xml('iq', { type: 'result', id: 'unanswered', to: alice.jid }));
  await unanswered;
  expect(alice.count((el) => el.attrs.type === 'result' && el.attrs.id === answer.attrs.id)).toBe(1);
  expect([...alice.errors, ...bob.errors]).toEqual([]);
});

test('bob publishes, alice is told as she wants to be, and asks for it', async () => {
  const mood = 'http://jabber.org/protocol/mood';
  const [alice, bob] = await two({ features: [...RECEIPT_CLIENT, `${mood}+notify`] });
  await become(alice, bob);
  await alice.goesAvailable();
  expect((await bob.publishes(mood, xml('mood', { xmlns: mood }, xml('happy')))).attrs.type).toBe('result');
  const item = await alice.hearsOf(bob.bare, mood);
  expect(item.getChild('mood', mood)?.getChild('happy')).toBeDefined();
  expect((await alice.retrieves(bob.bare, mood)).toString()).toContain('<happy');
});

test('nothing came: shown by what came after it', async () => {
  const [alice, bob] = await two();
  await bob.say(alice.jid, 'One');
  await alice.receivesNothing('Two', alice.hasAllFrom(bob));
  await expect(alice.receivesNothing('One', alice.hasAllFrom(bob))).rejects.toThrow(/was not to hear .*One/);
  await alice.hears('One');
  await alice.receivesNothing('One', alice.hasAllFrom(bob));
});
