import type { Report } from '../support/clients/reporting-client.ts';
import { buildSmack, type Smack, type SmackOptions, SmackUser } from '../support/clients/smack.ts';
import { Relay } from '../support/peer/relay.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** A chat as Smack's readers write it (tests/smack), on both sides, through the proxy. */
const built = await buildSmack();
if (typeof built === 'string') console.info(`Skipped: ${built}`);

(typeof built === 'string' ? describe.skip : describe)('Smack', () => {
  const smack = built as Smack;
  let world: World;
  const theirs: SmackUser[] = [];
  const login = async (name: string, options: SmackOptions = {}) => {
    const user = await SmackUser.login(smack, world, name, options);
    theirs.push(user);
    return user;
  };

  beforeAll(async () => {
    world = await World.open();
    await world.startProxy(NO_COPIES);
  });
  afterEach(async () => {
    await Promise.all(theirs.splice(0).map((user) => user.offline()));
    await world.empty();
  });
  afterAll(async () => {
    await world.close();
    await smack.close();
  });

  const bare = (jid = '') => jid.split('/')[0] as string;
  /** Whom the listeners of that name were told of, about that message, in their order. */
  const tellers = ({ reports }: SmackUser, event: 'receipt' | 'ticked', id: string) =>
    reports.filter((report) => report.event === event && report.about === id).map(({ from }) => bare(from));
  const count = ({ reports }: SmackUser, match: (report: Report) => boolean) => reports.filter(match).length;
  const shown = (user: SmackUser) => user.reports.flatMap(({ event, body }) => (event === 'message' ? [body] : []));

  test('the listener fires when the message is stored, from the component, and when it is delivered, from the contact', async () => {
    const alice = await login('alice');
    // He is away: so what she hears at once cannot be his.
    const id = await alice.say(world.proxied('carol'), 'Grüße & <3 👋');
    const acknowledgement = await alice.receipt(id, world.xmpp.componentDomain);
    expect(acknowledgement).toMatchObject({ from: world.xmpp.componentDomain, to: alice.jid, stored: true });
    await alice.reported((report) => report.event === 'taken' && report.id === id, 'that the server has it');
    expect(tellers(alice, 'receipt', id)).toEqual([world.xmpp.componentDomain]);

    const carol = await login('carol');
    const heard = await carol.hears('Grüße & <3 👋');
    expect(heard).toMatchObject({ id, type: 'chat', delay: expect.stringMatching(/^20\d\d-/) });
    const receipt = await alice.receipt(id, world.proxied('carol'));
    expect(receipt).toMatchObject({ from: `${world.proxied('carol')}/${carol.jid.split('/')[1]}`, stored: false });
    expect(tellers(alice, 'receipt', id)).toEqual([world.xmpp.componentDomain, world.proxied('carol')]);
    expect(shown(carol)).toEqual(['Grüße & <3 👋']);
  });

  test('a thousand messages: each shown once, in order; each stored, then delivered', async () => {
    const [alice, bob] = [await login('alice'), await login('bob')];
    const texts = Array.from({ length: 1000 }, (_, i) => `${i + 1}`);
    const ids: string[] = [];
    for (const text of texts) ids.push(await alice.say(world.proxied('bob'), text));
    const receipts = () => count(alice, ({ event }) => event === 'receipt');
    await until(() => receipts() >= 2 * texts.length, { within: 120_000, what: 'two receipts of each' });
    expect(shown(bob)).toEqual(texts);
    const both = [world.xmpp.componentDomain, world.proxied('bob')];
    expect(ids.map((id) => tellers(alice, 'ticked', id))).toEqual(ids.map(() => both));
    // The listener is called on several threads, so that two that come at the same time may be told in either order.
    expect(ids.map((id) => tellers(alice, 'receipt', id).sort())).toEqual(ids.map(() => [...both].sort()));
    expect(count(alice, ({ event }) => event === 'error')).toBe(0);
    expect(world.proxy.metrics.counts).toMatchObject({ redelivered: 0 });
  }, 240_000);

  test('bob’s connection ends with messages on their way, and he resumes his session: each is shown once', async () => {
    if (await world.isOpenfire42()) {
      console.info('Skipped on Openfire 4.2: it refuses to resume a session whose client has got anything in it');
      return;
    }
    const relay = await Relay.to(world.xmpp.c2sPort, undefined, world.xmpp.host);
    const [alice, bob] = [await login('alice'), await login('bob', { relay })];
    await alice.receipt(await alice.say(world.proxied('bob'), 'before'), world.proxied('bob'));
    relay.deafen('far');
    const texts = Array.from({ length: 10 }, (_, i) => `on its way ${i}`);
    const ids: string[] = [];
    for (const text of texts) ids.push(await alice.say(world.proxied('bob'), text));
    for (const id of ids) await alice.receipt(id, world.xmpp.componentDomain);
    await until(() => world.proxy.link.stats.queued === 0, { what: 'the server to have all' });
    // In order: after a reset, Openfire lets nobody resume.
    relay.hangUp();
    await bob.reported(({ event }) => event === 'resumed', 'that it resumed', 60_000);
    for (const id of ids) await alice.receipt(id, world.proxied('bob'));
    expect(shown(bob)).toEqual(['before', ...texts]);
    expect(world.proxy.metrics.counts).toMatchObject({ redelivered: 0 });
    await bob.offline();
    await relay.close();
  });

  test('with ACK_FORMAT=stored the listener fires once, when it is delivered', async () => {
    await world.stopProxy();
    await world.startProxy({ ...NO_COPIES, ACK_FORMAT: 'stored' });
    const [alice, bob] = [await login('alice'), await login('bob')];
    const id = await alice.say(world.proxied('bob'), 'One tick');
    await alice.reported((report) => report.event === 'stored' && report.about === id, 'the acknowledgement');
    await bob.hears('One tick');
    await alice.receipt(id, world.proxied('bob'));
    // Whatever was sent to her before this is here with it.
    await alice.receipt(await alice.say(world.proxied('bob'), 'Another'), world.proxied('bob'));
    expect(tellers(alice, 'ticked', id)).toEqual([world.proxied('bob')]);
  });
});
