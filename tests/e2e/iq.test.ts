import { randomBytes } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const NS_VERSION = 'jabber:iq:version';
const NS_PING = 'urn:xmpp:ping';
const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info';
const NS_PUBSUB = 'http://jabber.org/protocol/pubsub';
const NS_EVENT = 'http://jabber.org/protocol/pubsub#event';
const NS_NICK = 'http://jabber.org/protocol/nick';
const NS_AVATAR = 'urn:xmpp:avatar:data';

const get = (to: string, ...payload: Element[]) => xml('iq', { type: 'get', to }, ...payload);

/** Makes a client answer what stock clients answer. The library refuses what it does not know, but only afterwards. */
function answers(user: TestUser): void {
  user.listen((stanza) => {
    const { id, from: to, type } = stanza.attrs;
    if (stanza.name !== 'iq' || type !== 'get') return;
    const version =
      stanza.getChild('query', NS_VERSION) && xml('query', { xmlns: NS_VERSION }, xml('name', {}, user.bare));
    const info =
      stanza.getChild('query', NS_DISCO_INFO) &&
      xml('query', { xmlns: NS_DISCO_INFO }, xml('feature', { var: NS_PING }));
    const payload = version ?? info;
    if (payload || stanza.getChild('ping', NS_PING))
      user.send(xml('iq', { type: 'result', id, to }, payload ? [payload] : []));
  });
}

describe('on a real server', () => {
  let world: World;
  let alice: TestUser;
  let bob: TestUser;

  beforeAll(async () => {
    world = await World.open();
    await world.startProxy();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    alice = await world.user('alice');
    bob = await world.user('bob');
    answers(alice);
    answers(bob);
  });
  afterEach(() => world.empty());

  test('clients ask each other, both ways, and see each other’s proxied addresses', async () => {
    for (const [requester, asked] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const seen = world.seenAs(asked);
      const version = await requester.iq(get(seen, xml('query', { xmlns: NS_VERSION })));
      expect(version.attrs).toMatchObject({ type: 'result', from: seen });
      expect(version.getChild('query', NS_VERSION)?.getChildText('name')).toBe(asked.bare);
      const info = await requester.iq(get(seen, xml('query', { xmlns: NS_DISCO_INFO })));
      expect(info.getChild('query', NS_DISCO_INFO)?.getChild('feature')?.attrs.var).toBe(NS_PING);
      expect((await requester.iq(get(seen, xml('ping', { xmlns: NS_PING })))).attrs.type).toBe('result');
      expect(asked.received.some(({ name, attrs }) => name === 'iq' && attrs.from === world.seenAs(requester))).toBe(
        true,
      );
    }
    // Two clients that give their requests the same id get each his own answer.
    const twins = [alice, bob].map((requester, i) => {
      const request = get(world.seenAs(i === 0 ? bob : alice), xml('query', { xmlns: NS_VERSION }));
      request.attrs.id = 'same';
      return requester.iq(request);
    });
    const names = (await Promise.all(twins)).map((one) => one.getChild('query', NS_VERSION)?.getChildText('name'));
    expect(names).toEqual([bob.bare, alice.bare]);
  });

  test('the server answers for a user: his vCard, though he is away', async () => {
    const card = xml('vCard', { xmlns: 'vcard-temp' }, xml('FN', {}, 'Bob'));
    expect((await bob.iq(xml('iq', { type: 'set' }, card))).attrs.type).toBe('result');
    await bob.offline();
    const answer = await alice.iq(get(world.proxied('bob'), xml('vCard', { xmlns: 'vcard-temp' })));
    expect(answer.attrs).toMatchObject({ type: 'result', from: world.proxied('bob') });
    expect(answer.getChild('vCard', 'vcard-temp')?.getChildText('FN')).toBe('Bob');
  });

  test('what nobody answers is refused by the server, in the name of the one who was asked', async () => {
    const gone = `${world.proxied('bob')}/gone`;
    const answer = await alice.iq(get(gone, xml('ping', { xmlns: NS_PING })));
    expect(answer.attrs).toMatchObject({ type: 'error', from: gone });
    expect(answer.getChild('error')?.getChild('service-unavailable')).toBeDefined();
  });

  test('of an account that does not exist the requester is told so, be it by the server or, as it says nothing, for it', async () => {
    const nobody = world.proxied('nobody-of-that-name');
    await alice.send(xml('iq', { type: 'get', id: 'card', to: nobody }, xml('vCard', { xmlns: 'vcard-temp' })));
    // Openfire 5.1.1 gives a component no answer; it is given one after 8 s.
    const answer = await alice.hears(({ name, attrs }) => name === 'iq' && attrs.id === 'card', { within: 25_000 });
    expect(answer.attrs.from).toBe(nobody);
    // Openfire 4.2.4 says that there is an empty card, also to who asks it himself.
    if (answer.attrs.type === 'result') expect(answer.getChild('vCard', 'vcard-temp')?.children).toEqual([]);
    else expect(answer.getChild('error')?.toString()).toMatch(/<(service-unavailable|item-not-found) /);
  });

  const publish = (node: string, item: Element) =>
    xml(
      'iq',
      { type: 'set' },
      xml(
        'pubsub',
        { xmlns: NS_PUBSUB },
        xml('publish', { node }, xml('item', { id: 'current' }, item)),
        xml(
          'publish-options',
          {},
          xml(
            'x',
            { xmlns: 'jabber:x:data', type: 'submit' },
            xml('field', { var: 'FORM_TYPE', type: 'hidden' }, xml('value', {}, `${NS_PUBSUB}#publish-options`)),
            xml('field', { var: 'pubsub#access_model' }, xml('value', {}, 'open')),
          ),
        ),
      ),
    );

  /** Publishes what anybody may read; Openfire 4.2 knows no options of a publication (XEP-0060 section 7.1.5). */
  async function publishes(who: TestUser, node: string, item: Element): Promise<void> {
    expect((await who.iq(publish(node, item))).attrs.type).toBe('result');
    const owns = (...form: Element[]) =>
      xml('pubsub', { xmlns: `${NS_PUBSUB}#owner` }, xml('configure', { node }, ...form));
    const field = (name: string, value: string) => xml('field', { var: name }, xml('value', {}, value));
    const open = field('pubsub#access_model', 'open');
    const form = xml(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      field('FORM_TYPE', `${NS_PUBSUB}#node_config`),
      open,
    );
    expect((await who.asks(undefined, owns(form), 'set')).attrs.type).toBe('result');
  }

  test('an avatar of 100 kB is fetched from the proxied address (XEP-0084)', async () => {
    const data = randomBytes(75_000).toString('base64');
    await publishes(bob, NS_AVATAR, xml('data', { xmlns: NS_AVATAR }, data));
    const items = xml('pubsub', { xmlns: NS_PUBSUB }, xml('items', { node: NS_AVATAR }));
    const answer = await alice.iq(get(world.proxied('bob'), items));
    expect(answer.attrs).toMatchObject({ type: 'result', from: world.proxied('bob') });
    expect(answer.getChild('pubsub', NS_PUBSUB)?.getChild('items')?.getChild('item')?.getChildText('data')).toBe(data);
  });

  test('a subscription to a node is made in the proxied name, and its events come, once and untracked', async () => {
    const nick = (name: string) => xml('nick', { xmlns: NS_NICK }, name);
    await publishes(bob, NS_NICK, nick('Bobby'));
    const subscribe = xml('pubsub', { xmlns: NS_PUBSUB }, xml('subscribe', { node: NS_NICK, jid: alice.bare }));
    const subscribed = await alice.iq(xml('iq', { type: 'set', to: world.proxied('bob') }, subscribe));
    expect(subscribed.attrs.type).toBe('result');
    expect(subscribed.getChild('pubsub', NS_PUBSUB)?.getChild('subscription')?.attrs.jid).toBe(alice.bare);
    const accepted = world.proxy.metrics.counts.accepted;
    await bob.iq(publish(NS_NICK, nick('Robert')));
    const event = await alice.hears((el) => el.getChild('event', NS_EVENT)?.toString().includes('Robert') === true);
    expect(event.attrs.from).toBe(world.proxied('bob'));
    expect(world.proxy.metrics.counts.accepted).toBe(accepted);
  });
});

describe('on a server like Openfire, with two processes', () => {
  let stage: OpenfireStage;

  beforeAll(async () => {
    stage = await OpenfireStage.open();
  });
  afterAll(() => stage.close());
  afterEach(() => stage.empty());

  const ping = (id: string) =>
    xml('iq', { type: 'get', to: 'bob@receipts.example.org/desk', id }, xml('ping', { xmlns: NS_PING }));

  test('each request is answered once, whichever process gets the reply', async () => {
    const openfire = await stage.openfire();
    const proxies = [await stage.attach(), await stage.attach()];
    await openfire.linked(2);
    const alice = openfire.user('alice', 'phone');
    const bob = openfire.user('bob', 'desk');
    const ids = Array.from({ length: 40 }, (_, i) => `q-${i}`);
    const replies = await Promise.all(ids.map((id) => alice.iq(ping(id))));
    expect(replies.map(({ attrs }) => [attrs.id, attrs.type, attrs.from])).toEqual(
      ids.map((id) => [id, 'result', 'bob@receipts.example.org/desk']),
    );
    const seen = bob.received.map(({ attrs }) => attrs.id);
    expect(new Set(seen).size).toBe(40);
    const answered = proxies.map(({ metrics }) => metrics.counts.queriesAnswered);
    expect(answered.reduce((sum, one) => sum + one)).toBe(40);
    // Both had a share in it, or nothing was shown.
    expect(Math.min(...answered)).toBeGreaterThan(0);
  });

  test('a forged reply is none, and one that comes too late is not passed on', async () => {
    const openfire = await stage.openfire();
    const proxy = await stage.attach({}, { queries: { timeLimit: 2000, overdueEvery: 20 } });
    const alice = openfire.user('alice', 'phone');
    const carol = openfire.user('carol', 'desk');
    const bob = openfire.user('bob', 'desk');
    bob.freeze();
    const asking = alice.iq(ping('q'));
    const out = (await until(() =>
      openfire.handled.find(
        (el) => el.getChild('ping', NS_PING) && el.attrs.from === 'alice@receipts.example.org/phone',
      ),
    )) as Element;
    await carol.send(xml('iq', { type: 'result', to: out.attrs.from as string, id: out.attrs.id as string }));
    const answer = await asking;
    expect(answer.attrs).toMatchObject({ type: 'error', from: 'bob@receipts.example.org/desk' });
    expect(answer.getChild('error')?.getChild('remote-server-timeout')).toBeDefined();
    bob.thaw();
    // What comes after the late reply has come, so it would have come as well.
    bob.autoReceipt = false;
    await bob.say('alice@receipts.example.org', 'after it');
    await alice.hears('after it');
    expect(alice.count(({ name, attrs }) => name === 'iq' && attrs.id === 'q')).toBe(1);
    expect(proxy.metrics.counts).toMatchObject({
      repliesForged: 1,
      repliesLate: 1,
      queriesTimedOut: 1,
      queriesAnswered: 0,
    });
  });
});
