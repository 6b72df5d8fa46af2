import xml, { type Element } from '@xmpp/xml';
import { BareComponent } from '../support/openfire/bare-component.ts';
import { type OpenfireLike, type OpenfireOptions, startOpenfire } from '../support/openfire/openfire.ts';

/** Rosters, presence and IQs of the scripted server, each beside what was observed of real ones. */
const DOMAIN = 'receipts.example.org';
const BOB = `bob@${DOMAIN}`;
let server: OpenfireLike;
let component: BareComponent;

const start = async (options: OpenfireOptions = {}) => {
  server = await startOpenfire(options);
  component = await BareComponent.connect(server.componentPort, DOMAIN, 'secret');
};
const presence = (attrs: Record<string, string>, ...payload: Element[]) =>
  component.send(xml('presence', { from: BOB, to: 'alice@example.org', ...attrs }, payload));
const is = (type: string | undefined, from: string) => (el: Element) =>
  el.name === 'presence' && el.attrs.type === type && el.attrs.from === from;
const isRosterPush = (el: Element) => el.attrs.type === 'set' && el.getChild('query', 'jabber:iq:roster') !== undefined;
/** What the server sent the component so far, in short, in order; without its questions at the start. */
const sentToComponent = async () => {
  await component.iq(
    xml('iq', { type: 'get', from: DOMAIN, to: 'example.org' }, xml('ping', { xmlns: 'urn:xmpp:ping' })),
  );
  const stanzas = component.received.filter(({ name, attrs }) => name === 'presence' || attrs.from?.includes('@'));
  return stanzas.map(({ name, attrs: { type, from, to } }) => `${name} ${type ?? 'available'} ${from} > ${to}`);
};
const forget = async () => {
  await sentToComponent();
  component.received.splice(0);
};

afterEach(async () => {
  component?.end();
  await server?.stop();
});

describe('“alice subscribes to bob@receipts...: the component gets it”', () => {
  beforeEach(() => start());

  test('from her bare address, with what she says; her roster shows that she asks', async () => {
    const alice = server.user('alice', 'phone');
    await alice.subscribesTo(`${BOB}/desk`, xml('nick', { xmlns: 'http://jabber.org/protocol/nick' }, 'Alice'));
    const request = await component.hears(is('subscribe', 'alice@example.org'));
    expect(request.attrs.to).toBe(BOB);
    expect(request.getChildText('nick')).toBe('Alice');
    expect(await alice.roster()).toEqual(new Map([[BOB, { subscription: 'none', asked: true }]]));
  });

  test('“answering `subscribed` makes a roster push; 5.1.1 probes us”', async () => {
    const alice = server.user('alice', 'phone');
    await alice.subscribesTo(BOB);
    await presence({ type: 'subscribed' });
    await alice.isApprovedBy(BOB);
    await alice.hasContact(BOB, 'to');
    expect(await sentToComponent()).toEqual([
      `presence subscribe alice@example.org > ${BOB}`,
      `presence probe alice@example.org > ${BOB}`,
    ]);
  });

  test('“after mutual subscription we get available, changes, `unavailable` (even on RST) and a probe at each login”', async () => {
    const alice = server.user('alice', 'phone', { online: false });
    server.roster('alice').put(BOB, 'both');
    alice.online();
    await alice.goesAvailable({ show: 'away', status: 'Lunch', priority: 5 });
    const change = await component.hears((el) => el.getChildText('status') === 'Lunch');
    expect(change.getChildText('show')).toBe('away');
    expect(change.getChild('c', 'http://jabber.org/protocol/caps')).toBeDefined();
    expect(alice.priority).toBe(5);
    alice.cut();
    alice.online();
    expect(await sentToComponent()).toEqual([
      `presence available alice@example.org/phone > ${BOB}`,
      `presence probe alice@example.org/phone > ${BOB}`,
      `presence available alice@example.org/phone > ${BOB}`,
      `presence unavailable alice@example.org/phone > ${BOB}`,
      `presence available alice@example.org/phone > ${BOB}`,
      `presence probe alice@example.org/phone > ${BOB}`,
    ]);
  });

  test('she only sees him: a probe, and no presence of hers', async () => {
    server.roster('alice').put(BOB, 'to');
    server.user('alice', 'phone').cut();
    expect(await sentToComponent()).toEqual([`presence probe alice@example.org/phone > ${BOB}`]);
  });

  test('who sees the contact already and asks again is not heard', async () => {
    server.roster('alice').put(BOB, 'to');
    const alice = server.user('alice', 'phone');
    await forget();
    await alice.subscribesTo(BOB);
    expect(await sentToComponent()).toEqual([]);
  });
});

describe('the contact asks', () => {
  beforeEach(() => start());

  test('she approves: he gets it, and her presence', async () => {
    const alice = server.user('alice', 'phone');
    await presence({ type: 'subscribe' });
    await alice.isAskedBy(BOB);
    expect(await alice.roster()).toEqual(new Map());
    await alice.approves(BOB);
    await alice.hasContact(BOB, 'from');
    expect(await sentToComponent()).toEqual([
      `presence subscribed alice@example.org > ${BOB}`,
      `presence available alice@example.org/phone > ${BOB}`,
    ]);
  });

  test('she denies, and takes back: `unsubscribed`, and `unavailable` of each session', async () => {
    const alice = server.user('alice', 'phone');
    await presence({ type: 'subscribe' });
    await alice.isAskedBy(BOB);
    await alice.denies(BOB);
    server.roster('alice').put(BOB, 'from');
    await alice.denies(BOB);
    expect(await sentToComponent()).toEqual([
      `presence unsubscribed alice@example.org > ${BOB}`,
      `presence unavailable alice@example.org/phone > ${BOB}`,
      `presence unsubscribed alice@example.org > ${BOB}`,
      `presence unavailable alice@example.org/phone > ${BOB}`,
    ]);
    await alice.hasContact(BOB, 'none');
  });

  test('he asks to see no more', async () => {
    server.roster('alice').put(BOB, 'both');
    const alice = server.user('alice', 'phone');
    await forget();
    await presence({ type: 'unsubscribe' });
    await alice.hears(is('unsubscribe', BOB));
    await alice.hasContact(BOB, 'to');
    expect(await sentToComponent()).toEqual([`presence unavailable alice@example.org/phone > ${BOB}`]);
  });

  test('“A subscribe to an offline user is stored and re-sent at each login”, as it was', async () => {
    server.register('alice');
    await presence({ type: 'subscribe' }, xml('status', {}, 'Please!'));
    await sentToComponent();
    const alice = server.user('alice', 'phone');
    expect((await alice.isAskedBy(BOB)).getChildText('status')).toBe('Please!');
    alice.offline();
    alice.online();
    await alice.isAskedBy(BOB);
    await alice.denies(BOB);
    alice.offline();
    alice.online();
    expect(alice.count(is('subscribe', BOB))).toBe(2);
  });

  test('a user who never asked is told nothing of a `subscribed`', async () => {
    const alice = server.user('alice', 'phone');
    await presence({ type: 'subscribed' });
    await sentToComponent();
    expect(alice.received).toEqual([]);
  });
});

test.each([
  ['5.1.1', [`presence subscribed alice@example.org > ${BOB}`]],
  ['4.2.4', []],
] as const)('Openfire %s, he asks again what was granted: the server answers, or nobody', async (version, answers) => {
  await start({ version });
  server.roster('alice').put(BOB, 'from');
  const alice = server.user('alice', 'phone');
  await forget();
  await presence({ type: 'subscribe' });
  expect(await sentToComponent()).toEqual(answers);
  expect(alice.received).toEqual([]);
});

describe('a component’s probe', () => {
  test.each([
    ['5.1.1', 'unsubscribed'],
    ['4.2.4', 'error'],
  ] as const)('“without a subscription: `unsubscribed` (5.1.1), `forbidden` (4.2.4)”: %s', async (version, type) => {
    await start({ version });
    server.user('alice', 'phone');
    for (const to of ['alice@example.org', 'nobody@example.org']) {
      await presence({ type: 'probe', to });
      const answer = await component.hears(is(type, to));
      expect(answer.getChild('error')?.getChild('forbidden') !== undefined).toBe(version === '4.2.4');
    }
  });

  test('with one, each session answers as it is, or the bare address says that there is none', async () => {
    await start();
    server.roster('alice').put(BOB, 'from');
    const phone = server.user('alice', 'phone', { show: 'dnd' });
    const desk = server.user('alice', 'desk');
    await forget();
    await presence({ type: 'probe' });
    expect(await sentToComponent()).toEqual([
      `presence available alice@example.org/phone > ${BOB}`,
      `presence available alice@example.org/desk > ${BOB}`,
    ]);
    expect(component.received[0]?.getChildText('show')).toBe('dnd');
    phone.cut();
    desk.cut();
    await forget();
    await presence({ type: 'probe' });
    expect(await sentToComponent()).toEqual([`presence unavailable alice@example.org > ${BOB}`]);
  });

  test('or nobody says anything, as a server may that remembers no last word', async () => {
    await start({ answersProbesOfOffline: false });
    server.roster('alice').put(BOB, 'from');
    await presence({ type: 'probe' });
    expect(await sentToComponent()).toEqual([]);
  });
});

describe('“Removing the contact also sends the component `<iq type=set>` with a `jabber:iq:roster` remove item”', () => {
  beforeEach(() => start());

  test('beside the presences; its answer goes to the session', async () => {
    server.roster('alice').put(BOB, 'both');
    const alice = server.user('alice', 'phone');
    await forget();
    expect((await alice.removes(BOB)).attrs.type).toBe('result');
    await alice.hasContact(BOB, 'remove');
    expect(await sentToComponent()).toEqual([
      `presence unsubscribe alice@example.org > ${BOB}`,
      `presence unsubscribed alice@example.org > ${BOB}`,
      `presence unavailable alice@example.org/phone > ${BOB}`,
      `iq set alice@example.org/phone > ${BOB}`,
    ]);
    const iq = component.received.find(isRosterPush) as Element;
    const item = iq.getChild('query', 'jabber:iq:roster')?.getChild('item');
    expect(item?.attrs).toEqual({ jid: 'alice@example.org', subscription: 'remove' });
    await component.send(xml('iq', { type: 'result', id: iq.attrs.id, from: BOB, to: iq.attrs.from }));
    await alice.hears((el) => el.attrs.id === iq.attrs.id);
    expect(await alice.roster()).toEqual(new Map());
  });

  test('who only asked: the IQ alone tells it', async () => {
    const alice = server.user('alice', 'phone');
    await alice.subscribesTo(BOB);
    await forget();
    await alice.removes(BOB);
    expect(await sentToComponent()).toEqual([`iq set alice@example.org/phone > ${BOB}`]);
  });
});

describe('“When the component’s link drops, users get no `unavailable`; when it returns, nothing is re-sent or probed”', () => {
  test('', async () => {
    await start();
    server.roster('alice').put(BOB, 'both');
    const alice = server.user('alice', 'phone');
    await presence({ from: `${BOB}/desk` });
    await alice.seesPresence(BOB);
    component.end();
    await server.connections[0]?.ended;
    component = await BareComponent.connect(server.componentPort, DOMAIN, 'secret');
    expect(await sentToComponent()).toEqual([]);
    expect(alice.count(is('unavailable', `${BOB}/desk`))).toBe(0);
  });
});

test('“A user whose roster holds the component’s own domain (both or from) sends it presence at login and logout”', async () => {
  await start();
  server.roster('alice').put(DOMAIN, 'from');
  const alice = server.user('alice', 'phone');
  alice.offline();
  expect(await sentToComponent()).toEqual([
    `presence available alice@example.org/phone > ${DOMAIN}`,
    `presence unavailable alice@example.org/phone > ${DOMAIN}`,
  ]);
});

describe('sessions', () => {
  beforeEach(() => start());

  test('directed presence goes to who is no contact, and is taken back at the end', async () => {
    const alice = server.user('alice', 'phone');
    await alice.shows(BOB, { status: 'Just for you' });
    await alice.shows(`eve@${DOMAIN}`);
    await alice.hidesFrom(`eve@${DOMAIN}`);
    alice.cut();
    expect(await sentToComponent()).toEqual([
      `presence available alice@example.org/phone > ${BOB}`,
      `presence available alice@example.org/phone > eve@${DOMAIN}`,
      `presence unavailable alice@example.org/phone > eve@${DOMAIN}`,
      `presence unavailable alice@example.org/phone > ${BOB}`,
    ]);
  });

  test('one that logs in on another’s resource replaces it: unavailable, then available', async () => {
    server.roster('alice').put(BOB, 'from');
    const old = server.user('alice', 'phone');
    const alice = server.user('alice', 'phone');
    expect(await sentToComponent()).toEqual([
      `presence available alice@example.org/phone > ${BOB}`,
      `presence unavailable alice@example.org/phone > ${BOB}`,
      `presence available alice@example.org/phone > ${BOB}`,
    ]);
    await component.say(alice.jid, 'Who?', { extra: [] });
    await alice.hears('Who?');
    expect(old.bodies()).toEqual([]);
    await expect(old.say(BOB, 'I')).rejects.toThrow('offline');
  });

  test('frozen, it looks alive; reset, its contacts are told, and what it did not read is lost', async () => {
    server.roster('alice').put(BOB, 'from');
    const alice = server.user('alice', 'phone');
    alice.freeze();
    await component.send(`<message from="${BOB}" to="alice@example.org" type="chat"><body>Lost</body></message>`);
    expect(await sentToComponent()).toEqual([`presence available alice@example.org/phone > ${BOB}`]);
    alice.cut();
    alice.online();
    expect((await sentToComponent()).slice(1)).toEqual([
      `presence unavailable alice@example.org/phone > ${BOB}`,
      `presence available alice@example.org/phone > ${BOB}`,
    ]);
    expect(alice.bodies()).toEqual([]);
    expect(server.stored('alice')).toEqual([]);
  });

  test('a contact’s presence comes to every session that is available', async () => {
    const [phone, desk] = [server.user('alice', 'phone'), server.user('alice', 'desk')];
    await presence({ from: `${BOB}/desk` }, xml('show', {}, 'xa'));
    for (const session of [phone, desk]) await session.seesPresence(`${BOB}/desk`, { show: 'xa' });
    await phone.goesUnavailable();
    await presence({ from: `${BOB}/desk`, type: 'unavailable' });
    await desk.seesPresence(BOB, { type: 'unavailable' });
    expect(phone.count(is('unavailable', `${BOB}/desk`))).toBe(0);
  });

  test('two users of the server become contacts, and see each other', async () => {
    const [alice, carol] = [server.user('alice', 'phone'), server.user('carol', 'desk')];
    await alice.subscribesTo(carol.bare);
    await carol.isAskedBy(alice.bare);
    await carol.approves(alice.bare);
    await alice.isApprovedBy(carol.bare);
    await alice.seesPresence(carol.jid);
    carol.cut();
    await alice.seesPresence(carol.jid, { type: 'unavailable' });
    expect((await alice.roster()).get(carol.bare)).toEqual({ subscription: 'to', asked: false });
  });

  test('nobody subscribes to the server itself', async () => {
    const alice = server.user('alice', 'phone');
    await alice.subscribesTo('example.org');
    await alice.isDeniedBy('example.org');
    expect(await alice.roster()).toEqual(new Map());
  });
});

describe('IQs', () => {
  test('between a user and the component, both ways; a client tells what it can', async () => {
    await start();
    const alice = server.user('alice', 'phone');
    const answer = alice.asks(BOB, xml('vCard', { xmlns: 'vcard-temp' }));
    const request = await component.hears((el) => el.getChild('vCard', 'vcard-temp') !== undefined);
    expect(request.attrs).toMatchObject({ type: 'get', from: alice.jid, to: BOB });
    await component.send(xml('iq', { type: 'result', id: request.attrs.id, from: BOB, to: alice.jid }));
    expect((await answer).attrs.from).toBe(BOB);
    const ask = (xmlns: string) =>
      component.iq(xml('iq', { type: 'get', from: `${BOB}/desk`, to: alice.jid }, xml('query', { xmlns })));
    const info = await ask('http://jabber.org/protocol/disco#info');
    expect(info.getChild('query')?.getChildren('feature')).toContainEqual(
      expect.objectContaining({ attrs: { var: 'urn:xmpp:receipts' } }),
    );
    expect((await ask('jabber:iq:last')).attrs.type).toBe('error');
    alice.answers('jabber:iq:last', [xml('query', { xmlns: 'jabber:iq:last', seconds: '3' })]);
    expect((await ask('jabber:iq:last')).getChild('query')?.attrs.seconds).toBe('3');
  });

  test('“replies are mapped by id alone, across components”: the one that asked last with that id gets the answer', async () => {
    await start();
    const other = await BareComponent.connect(server.componentPort, 'other.example.org', 'secret');
    const alice = server.user('alice', 'phone');
    alice.answers('jabber:iq:last', 'silence');
    const ask = (who: BareComponent, from: string) =>
      who.send(xml('iq', { type: 'get', id: 'q', from, to: alice.jid }, xml('query', { xmlns: 'jabber:iq:last' })));
    await ask(component, DOMAIN);
    await alice.hears((el) => el.attrs.id === 'q');
    await ask(other, 'other.example.org');
    await alice.hears((el) => el.attrs.id === 'q');
    await alice.send(xml('iq', { type: 'result', id: 'q', to: DOMAIN }));
    expect((await other.hears((el) => el.attrs.id === 'q')).attrs.to).toBe(DOMAIN);
    expect(component.count((el) => el.attrs.id === 'q')).toBe(0);
    other.end();
  });

  test('of several connections of a domain the one that asked gets the answer', async () => {
    await start();
    const second = await BareComponent.connect(server.componentPort, DOMAIN, 'secret', ' allowMultiple="true"');
    const ping = (who: BareComponent) =>
      who.iq(xml('iq', { type: 'get', from: DOMAIN, to: 'example.org' }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
    for (const who of [second, second, component, component, component]) await ping(who);
    expect(second.count((el) => el.attrs.type === 'result')).toBe(2);
    second.end();
  });
});
