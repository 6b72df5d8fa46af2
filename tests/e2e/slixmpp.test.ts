import { SlixmppUser, slixmppPython } from '../support/clients/slixmpp.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';

/** A client of another family (python3-slixmpp with its xep_0184), beside the test users, through the proxy. */
if (slixmppPython === undefined) console.info('Skipped: no python3 here can "import slixmpp" (apt: python3-slixmpp)');

(slixmppPython === undefined ? describe.skip : describe)('slixmpp', () => {
  let world: World;
  const theirs: SlixmppUser[] = [];

  /** A user whose client is slixmpp. */
  const slixmpp = async (name: string) => {
    const user = await SlixmppUser.login(world, name);
    theirs.push(user);
    return user;
  };

  beforeAll(async () => {
    world = await World.open();
    await world.startProxy(NO_COPIES);
  });
  afterAll(() => world.close());
  afterEach(async () => {
    await Promise.all(theirs.splice(0).map((user) => user.offline()));
    await world.empty();
  });

  test('alice, a slixmpp, writes to bob: acknowledged by the domain, confirmed by him', async () => {
    const alice = await slixmpp('alice');
    const bob = await world.user('bob');
    const id = await alice.say(world.proxied('bob'), 'Grüße & <3 👋');
    expect((await bob.hears('Grüße & <3 👋')).attrs).toMatchObject({ id, from: world.seenAs(alice) });
    const acknowledgement = await alice.receipt(id, world.xmpp.componentDomain);
    const receipt = await alice.receipt(id, world.proxied('bob'));
    expect(alice.reports.indexOf(acknowledgement)).toBeLessThan(alice.reports.indexOf(receipt));
    expect(receipt.from).toBe(world.seenAs(bob));
  });

  test('bob, a slixmpp, confirms by himself what alice writes, and answers', async () => {
    const alice = await world.user('alice');
    const bob = await slixmpp('bob');
    const id = await alice.say(world.proxied('bob'), 'Are you there?');
    const heard = await bob.hears('Are you there?');
    expect(heard).toMatchObject({ id, type: 'chat', from: world.seenAs(alice), delay: null });
    expect((await alice.delivered(id)).attrs.from).toBe(world.seenAs(bob));
    const answer = await bob.say(heard.from ?? '', 'I am');
    await alice.hears('I am');
    await bob.receipt(answer, world.seenAs(alice));
    expect(bob.reports.filter(({ event }) => event === 'message')).toHaveLength(1);
  });

  test('both are slixmpps', async () => {
    const [alice, bob] = [await slixmpp('alice'), await slixmpp('bob')];
    const id = await alice.say(world.proxied('bob'), 'Twins');
    await bob.hears('Twins');
    await alice.receipt(id, world.seenAs(bob));
  });

  test('he is away, and finds the message when he comes', async () => {
    const alice = await slixmpp('alice');
    const id = await alice.say(world.proxied('carol'), 'For later');
    await alice.receipt(id, world.xmpp.componentDomain);
    const carol = await slixmpp('carol');
    expect((await carol.hears('For later')).delay).toMatch(/^20\d\d-/);
    await alice.receipt(id, world.proxied('carol'));
  });

  test('what nobody may read comes back as an error', async () => {
    const alice = await slixmpp('alice');
    const id = await alice.say(world.xmpp.componentDomain, 'Hello, proxy');
    expect((await alice.failed(id)).condition).toBe('service-unavailable');
  });

  /** @param by how the others know a user */
  const becomeContacts = async (by: (name: string) => string) => {
    const alice = await slixmpp('alice');
    const dave = await world.user('dave');
    const daveIs = `${by('dave')}/${dave.jid.split('/')[1]}`;
    alice.presence({ to: by('dave'), type: 'subscribe' });
    await dave.isAskedBy(by('alice'));
    await dave.approves(by('alice'));
    await alice.sees(by('dave'), 'subscribed');
    await alice.sees(daveIs, 'available');
    await dave.subscribesTo(by('alice'));
    await alice.sees(by('dave'), 'subscribe');
    alice.presence({ to: by('dave'), type: 'subscribed' });
    await dave.seesPresence(`${by('alice')}/${alice.jid.split('/')[1]}`);

    alice.presence({ show: 'dnd', status: 'Writing tests', priority: 7 });
    await dave.seesPresence(by('alice'), { show: 'dnd', status: 'Writing tests', priority: 7 });
    await dave.goesAvailable({ show: 'away', status: 'Lunch' });
    await alice.sees(daveIs, 'available', { show: 'away', status: 'Lunch' });
    await dave.goesUnavailable();
    await alice.sees(daveIs, 'unavailable');

    await dave.removes(by('alice'));
    await alice.sees(by('dave'), 'unsubscribed');
  };

  test('they become contacts, and see each other, without the proxy: so far it is not the client’s fault', () =>
    becomeContacts((name) => `${name}@${world.xmpp.domain}`));

  test('the same under their proxied addresses', () => becomeContacts((name) => world.proxied(name)));

  test('she asks what bob’s client can, at his proxied address', async () => {
    const alice = await slixmpp('alice');
    const bob = await world.user('bob');
    expect(await alice.featuresOf(world.seenAs(bob))).toContain('urn:xmpp:receipts');
  });
});
