import xml, { type Element } from '@xmpp/xml';
import { BareComponent } from '../support/openfire/bare-component.ts';
import { type OpenfireLike, type OpenfireOptions, startOpenfire } from '../support/openfire/openfire.ts';

const DOMAIN = 'receipts.example.org';
const NS_PING = 'urn:xmpp:ping';
let server: OpenfireLike;
let component: BareComponent;

const start = async (options: OpenfireOptions = {}) => {
  server = await startOpenfire(options);
  component = await connect();
};
const connect = (attribute = '', secret = 'secret') =>
  BareComponent.connect(server.componentPort, DOMAIN, secret, attribute);
const ping = (to = 'example.org') =>
  component.iq(xml('iq', { type: 'get', from: DOMAIN, to }, xml('ping', { xmlns: NS_PING })));
/** The component writes to a user; all is handled when this resolves. */
const write = async (to: string, body: string, attrs: Record<string, string> = {}, ...payload: Element[]) => {
  const content = body === '' ? payload : [xml('body', {}, body), ...payload];
  await component.send(
    xml('message', { type: 'chat', from: `alice@${DOMAIN}/phone`, to, id: body, ...attrs }, content),
  );
  await ping();
};
const lastFate = () => server.fates.at(-1)?.fate;
const noStore = () => xml('no-store', { xmlns: 'urn:xmpp:hints' });

afterEach(async () => {
  component?.end();
  await server?.stop();
});

describe.each(['5.1.1', '4.2.4'] as const)('Openfire %s, the link', (version) => {
  beforeEach(() => start({ version }));

  test('asks at once who the component is, and shows it to users when it says so', async () => {
    const question = await component.hears(
      (el) => el.getChild('query', 'http://jabber.org/protocol/disco#info') !== undefined,
    );
    expect(question.attrs).toMatchObject({ type: 'get', from: 'component.example.org', to: DOMAIN });
    expect(server.discoItems).toEqual([]);
    await component.send(xml('iq', { type: 'result', id: question.attrs.id, from: DOMAIN, to: question.attrs.from }));
    await ping();
    expect(server.discoItems).toEqual([DOMAIN]);
    expect(component.count((el) => el.getChild('query', 'jabber:iq:version') !== undefined)).toBe(
      version === '5.1.1' ? 1 : 0,
    );
  });

  test('refuses a wrong secret', async () => {
    const stranger = await connect(' allowMultiple="true"', 'wrong');
    await stranger.closed();
    expect(stranger.header.id).toBeDefined();
    expect(stranger.error?.getChild('not-authorized')).toBeDefined();
  });

  test('refuses a second one for the domain', async () => {
    const second = await connect();
    await second.closed();
    expect(second.header.id).toBeUndefined();
    expect(second.error?.getChild('conflict') !== undefined).toBe(version === '4.2.4');
    expect(second.wasClosed).toBe(version === '4.2.4');
  });

  test('takes several in turn with allowMultiple', async () => {
    const second = await connect(' allowMultiple="true"');
    const alice = server.user('alice', 'phone');
    for (let i = 0; i < 20; i += 1) await alice.say(`bob@${DOMAIN}`, `${i}`);
    await Promise.all(
      [component, second].map((each) => each.hears((el) => /1[89]/.test(el.getChildText('body') ?? ''))),
    );
    expect([component.bodies().length, second.bodies().length]).toEqual([10, 10]);
    second.end();
  });

  test('answers a ping to its own domain in order, and sends one to the component’s domain back', async () => {
    server.register('bob');
    await component.say('bob@example.org', 'before', { id: 'b' });
    expect((await ping()).attrs).toMatchObject({ type: 'result', from: 'example.org', to: DOMAIN });
    expect(server.stored('bob').map((el) => el.attrs.id)).toEqual(['b']);
    await component.send(
      xml('iq', { type: 'get', id: 'own', from: DOMAIN, to: DOMAIN }, xml('ping', { xmlns: NS_PING })),
    );
    await component.hears((el) => el.attrs.id === 'own' && el.attrs.type === 'get');
  });

  test.each([
    ['a control character', '<message from="a" to="b">\u0001</message>'],
    ['a reference to one', '<message from="a" to="b">&#1;</message>'],
    ['U+FFFF', '<message from="a" to="b">\uffff</message>'],
    ['an unescaped &', '<message from="a" to="b"><body>a & b</body></message>'],
    ['an undeclared prefix', '<message from="a" to="b"><x:y/></message>'],
    ['an unknown element', '<query from="a" to="b"/>'],
    ['more than 1 MB', `<message from="a" to="b"><body>${'x'.repeat(1_100_000)}</body></message>`],
    ['neither from nor to', '<message><body>a</body></message>'],
  ])('is killed by %s, after what came before', async (_, stanza) => {
    server.register('bob');
    component.write(`<message type="chat" from="a@${DOMAIN}" to="bob@example.org"><body>ok</body></message>${stanza}`);
    await component.closed();
    expect(component.wasClosed).toBe(true);
    expect(await server.connections[0]?.ended).toMatchObject({ by: 'killer' });
    expect(server.stored('bob')).toHaveLength(1);
  });

  test('swallows everything after a mismatched end tag', async () => {
    component.write('<message from="a" to="b"><body>x</bod></message>');
    await component.send(
      xml('iq', { type: 'get', id: 'unheard', from: DOMAIN, to: 'example.org' }, xml('ping', { xmlns: NS_PING })),
    );
    await component.hearsNothing((el) => el.attrs.id === 'unheard', { for: 100 });
    expect(server.links).toHaveLength(1);
  });

  test('keeps characters that two chunks share, prefixes that are declared, and ">" in attributes', async () => {
    const bob = server.user('bob', 'desk');
    const bytes = Buffer.from(
      `<message type='chat' from='a@${DOMAIN}' to='bob@example.org' id='>'><body>👋 &amp; &#x1F44B;</body><p:x xmlns:p='urn:p'/></message>`,
    );
    for (const byte of bytes) {
      component.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    expect((await bob.hears('👋 & 👋')).attrs.id).toBe('>');
  });

  test('says that nobody serves the domain when the component is gone', async () => {
    const alice = server.user('alice', 'phone');
    component.end();
    await server.connections[0]?.ended;
    const id = await alice.say(`bob@${DOMAIN}`, 'Hello?');
    const error = await alice.failed(id);
    expect(error.getChild('error')?.getChild('remote-server-not-found')).toBeDefined();
    expect(error.getChild('body')).toBeUndefined();
  });
});

test.each([['5.1.1', true] as const, ['4.2.4', false] as const])(
  'Openfire %s closes an idle link',
  async (version, says) => {
    await start({ version, idle: 50 });
    await component.closed();
    expect(component.wasClosed).toBe(true);
    expect(component.error?.getChild('connection-timeout') !== undefined).toBe(says);
  },
);

describe('users', () => {
  beforeEach(() => start());

  test('their sender is stamped, their address prepared; all else is as they sent it', async () => {
    const alice = server.user('alice', 'phone');
    await alice.send(`<message from='eve@example.org' to='Bob@Receipts.Example.org/Desk'><body>hi</body></message>`);
    const heard = await component.hears('hi');
    expect(heard.attrs).toEqual({ from: 'alice@example.org/phone', to: `bob@${DOMAIN}/Desk` });
  });

  test('the whole way: alice, the component, bob, his receipt', async () => {
    const alice = server.user('alice', 'phone');
    const bob = server.user('bob', 'desk');
    const id = await alice.say(`bob@${DOMAIN}`, 'Hello');
    await component.hears('Hello');
    await component.say(bob.bare, 'Hello', { id, extra: [] });
    await bob.hears('Hello');
    await component.send(
      `<message from='bob@${DOMAIN}/desk' to='${alice.jid}'><received xmlns='urn:xmpp:receipts' id='${id}'/></message>`,
    );
    await alice.delivered(id);
  });

  test('of two resources the one with the highest priority, then show, then latest activity', async () => {
    const [a, b, c] = [server.user('bob', 'a', { priority: 1 }), server.user('bob', 'b'), server.user('bob', 'c')];
    await write('bob@example.org', 'priority');
    a.priority = 0;
    b.show = 'away';
    c.show = 'dnd';
    await write('bob@example.org', 'show');
    [a, b, c].forEach((each) => {
      each.show = undefined;
    });
    await b.send(xml('presence', { to: DOMAIN }));
    await write('bob@example.org', 'activity');
    expect([a, b, c].map((each) => each.bodies())).toEqual([['priority', 'show'], ['activity'], []]);
  });

  test('all that have carbons get a direct copy of what goes to the bare address', async () => {
    const [a, b] = [server.user('bob', 'a', { carbons: true }), server.user('bob', 'b', { carbons: true })];
    await write('bob@example.org', 'both');
    expect([a.bodies(), b.bodies()]).toEqual([['both'], ['both']]);
    await write('bob@example.org/a', 'one');
    expect(a.bodies()).toEqual(['both', 'one']);
    expect(b.received.at(-1)?.getChild('received', 'urn:xmpp:carbons:2')).toBeDefined();
  });

  test('offline, chat and normal wait and come with their ids and a delay', async () => {
    server.register('bob');
    await write('bob@example.org', 'chat');
    await write('bob@example.org', 'normal', { type: 'normal' });
    await write('bob@example.org', 'headline', { type: 'headline' });
    await write('bob@example.org', 'unkept', {}, noStore());
    const stamp = '2020-01-01T00:00:00Z';
    await write('bob@example.org', 'delayed', {}, xml('delay', { xmlns: 'urn:xmpp:delay', stamp }));
    await write(
      'bob@example.org',
      '',
      { id: 'typing' },
      xml('active', { xmlns: 'http://jabber.org/protocol/chatstates' }),
    );
    await write('bob@example.org', '', { id: 'receipt' }, xml('received', { xmlns: 'urn:xmpp:receipts', id: 'x' }));
    const bob = server.user('bob', 'desk');
    expect(bob.received.map(({ attrs }) => attrs.id)).toEqual(['chat', 'normal', 'delayed', 'receipt']);
    const delays = bob.received.map((el) => el.getChildren('delay', 'urn:xmpp:delay'));
    expect(delays.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    expect(delays[2]?.[0]?.attrs.stamp).toBe(stamp);
    expect(server.stored('bob')).toEqual([]);
  });

  test('unknown ones, silence', async () => {
    await write('nobody@example.org', 'hello?');
    expect(lastFate()).toBe('dropped');
    expect(component.count((el) => el.attrs.type === 'error')).toBe(0);
  });

  test('frozen, they swallow; thawed, they hear it; cut, it is lost', async () => {
    const bob = server.user('bob', 'desk');
    bob.freeze();
    await write('bob@example.org', 'late');
    expect(bob.bodies()).toEqual([]);
    bob.thaw();
    expect(bob.bodies()).toEqual(['late']);
    bob.freeze();
    await write('bob@example.org', 'lost');
    bob.cut();
    bob.online();
    expect(lastFate()).toBe('delivered');
    expect(bob.bodies()).toEqual(['late']);
    await expect(server.user('carol', 'x', { online: false }).say('a@b', 'c')).rejects.toThrow('offline');
  });

  test('an IQ to one is answered by the client, or by the server if there is none', async () => {
    server.user('bob', 'desk');
    expect((await ping('bob@example.org/desk')).attrs).toMatchObject({ type: 'result', from: 'bob@example.org/desk' });
    expect((await ping('bob@example.org/gone')).getChild('error')?.getChild('service-unavailable')).toBeDefined();
  });
});

test('a full offline store bounces with the body', async () => {
  await start({ offlineQuota: 1000 });
  server.register('bob');
  await write('bob@example.org', 'x'.repeat(600), { id: '1' });
  await write('bob@example.org', 'y'.repeat(600), { id: '2' });
  const error = await component.failed('2');
  expect(error.getChild('error')?.getChild('service-unavailable')).toBeDefined();
  expect(error.getChildText('body')).toMatch(/^y/);
  expect(error.attrs).toMatchObject({ from: 'bob@example.org', to: `alice@${DOMAIN}/phone` });
});

test.each([
  ['5.1.1', 0, 'delivered'],
  ['4.2.4', 0, 'stored'],
  ['4.2.4', 1, 'delivered'],
] as const)('Openfire %s, a resource is gone, another has priority %i: chat is %s', async (version, priority, fate) => {
  await start({ version });
  const other = server.user('bob', 'other', { priority });
  await write('bob@example.org/gone', 'chat');
  expect(lastFate()).toBe(fate);
  expect(other.bodies()).toEqual(fate === 'delivered' ? ['chat'] : []);
  await write('bob@example.org/gone', 'normal', { type: 'normal' });
  expect(lastFate()).toBe('dropped');
});

test.each([
  ['5.1.1', 1],
  ['4.2.4', 0],
] as const)('Openfire %s and a private carbon: %i copies', async (version, copies) => {
  await start({ version });
  const [phone, tablet] = [server.user('bob', 'phone'), server.user('bob', 'tablet', { carbons: true })];
  await write('bob@example.org/phone', 'private', {}, xml('private', { xmlns: 'urn:xmpp:carbons:2' }));
  expect(tablet.received).toHaveLength(copies);
  expect(phone.received[0]?.getChild('private') === undefined).toBe(version === '5.1.1');
});

describe('faults', () => {
  beforeEach(() => start());

  test('a reset loses the last of what is in flight, and handles the others', async () => {
    server.register('bob');
    server.hold();
    for (let i = 0; i < 10; i += 1) await component.say('bob@example.org', 'x', { id: `${i}` });
    await server.holding(10);
    expect(server.fates).toEqual([]);
    server.reset({ loseInFlight: 4 });
    await component.closed();
    expect(component.wasClosed).toBe(false);
    expect(server.stored('bob').map(({ attrs }) => attrs.id)).toEqual(['0', '1', '2', '3', '4', '5']);
    server.release();
    component = await connect();
    await ping();
  });

  test('what is held is handled when it is released', async () => {
    server.hold();
    const answer = ping();
    await server.holding(1);
    server.release();
    expect((await answer).attrs.type).toBe('result');
  });

  test('stanzas take their time, in order', async () => {
    server.stanzaDelay = 2;
    server.register('bob');
    for (let i = 0; i < 10; i += 1) await component.say('bob@example.org', 'x', { id: `${i}` });
    await server.holding(2);
    server.stanzaDelay = 0;
    await ping();
    expect(server.stored('bob').map(({ attrs }) => attrs.id)).toEqual([...'0123456789']);
  });

  test('messages to users are lost on demand', async () => {
    const bob = server.user('bob', 'desk');
    server.loseNext(1);
    const stop = server.loseWhere((el) => el.getChildText('body') === 'b');
    for (const body of 'abcb') await write('bob@example.org', body);
    stop();
    await write('bob@example.org', 'b');
    expect(bob.bodies()).toEqual(['c', 'b']);
    expect(server.fates.map(({ fate }) => fate)).toEqual(['lost', 'lost', 'delivered', 'lost', 'delivered']);
  });

  test('stopped and listening again on its port, it still has its users', async () => {
    server.register('bob');
    await write('bob@example.org', 'before');
    const { componentPort } = server;
    await server.stop();
    await component.closed();
    await server.listen();
    expect(server.componentPort).toBe(componentPort);
    component = await connect();
    await server.linked();
    expect(server.user('bob', 'desk').bodies()).toEqual(['before']);
  });
});
