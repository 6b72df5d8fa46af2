import { memoryStore } from '../../packages/client/src/index.ts';
import { LibraryUser, type LibraryUserOptions } from '../support/client-library/library-user.ts';
import { SlixmppUser, slixmppPython } from '../support/clients/slixmpp.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';

/** The library on one side, a stock client of another family (python3-slixmpp) on the other. */
if (slixmppPython === undefined) console.info('Skipped: no python3 here can "import slixmpp" (apt: python3-slixmpp)');

(slixmppPython === undefined ? describe.skip : describe)('the library and slixmpp', () => {
  let world: World;
  const closes: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    world = await World.open();
    await world.startProxy(NO_COPIES);
  });
  afterAll(() => world.close());
  afterEach(async () => {
    await Promise.all(closes.splice(0).map((close) => close()));
    await world.empty();
  });

  const slixmpp = async (name: string) => {
    const user = await SlixmppUser.login(world, name);
    closes.push(() => user.offline());
    return user;
  };
  const library = async (name: string, options: LibraryUserOptions = {}) => {
    const user = await LibraryUser.login(world, name, { store: memoryStore(), batch: false, ...options });
    closes.push(() => user.close());
    return user;
  };
  /** Resolves with all states of a message when it has ended. */
  const life = async (user: LibraryUser, id: string) => {
    const states: string[] = [];
    for await (const { state } of user.receipts.watch(id)) states.push(state);
    return states;
  };
  /** The user's address without the proxy. */
  const direct = (name: string) => `${name}@${world.xmpp.domain}`;

  /** How often slixmpp showed it. */
  const shown = (user: SlixmppUser, id: string) =>
    user.reports.filter((report) => report.event === 'message' && report.id === id).length;
  /** The receipts that it had, each by its sender's bare JID. */
  const receipts = (user: SlixmppUser, id: string) =>
    user.reports.flatMap(({ event, about, from }) =>
      event === 'receipt' && about === id ? [from?.split('/')[0] ?? ''] : [],
    );

  describe('through the proxy', () => {
    test('the library writes: acknowledged, shown, confirmed; and the answer the same way back', async () => {
      const alice = await library('alice');
      const bob = await slixmpp('bob');
      const sending = alice.receipts.send({ to: world.proxied('bob'), body: 'Grüße & <3 👋' });
      const states = life(alice, sending.id);
      expect(await sending).toMatchObject({ state: 'stored', storedBy: 'proxy' });
      const heard = await bob.hears('Grüße & <3 👋');
      expect(heard).toMatchObject({ id: sending.id, type: 'chat', delay: null });
      expect(await states).toEqual(['queued', 'sent', 'stored', 'delivered']);

      const answer = await bob.say(heard.from ?? '', 'And to you');
      expect(await alice.hears('And to you')).toMatchObject({ id: answer, proxied: true });
      await bob.receipt(answer, world.proxied('alice'));
      expect(receipts(bob, answer)).toEqual([world.xmpp.componentDomain, world.proxied('alice')]);
      expect([alice.bodies(), shown(bob, sending.id), alice.problems]).toEqual([['And to you'], 1, []]);
    });

    test('slixmpp says the same twice: shown once, acknowledged again, confirmed', async () => {
      const alice = await slixmpp('alice');
      const bob = await library('bob');
      for (const _ of [1, 2]) {
        await alice.say(world.proxied('bob'), 'Twice', { id: 'twice' });
        await alice.receipt('twice', world.xmpp.componentDomain);
      }
      await alice.receipt('twice', world.proxied('bob'));
      const last = await alice.say(world.proxied('bob'), 'The end');
      await alice.receipt(last, world.proxied('bob'));
      expect(bob.bodies()).toEqual(['Twice', 'The end']);
    });

    test('the library hears no acknowledgement and says it again: slixmpp shows it once', async () => {
      const alice = await library('alice', { resendAfter: 1000 });
      const bob = await slixmpp('bob');
      alice.loses = ({ name }) => name === 'message';
      // On a busy machine it may do so more than once.
      let resends = 0;
      alice.receipts.addEventListener('resend', () => {
        resends += 1;
        alice.loses = () => false;
      });
      const sent = await alice.receipts.send({ to: world.proxied('bob'), body: 'Say it again' });
      await life(alice, sent.id);
      expect(alice.receipts.get(sent.id)).toMatchObject({ state: 'delivered', attempts: 1 + resends });
      await life(alice, alice.receipts.send({ to: world.proxied('bob'), body: 'The end' }).id);
      expect(shown(bob, sent.id)).toBe(1);
    });

    test('the library was away: it finds what slixmpp wrote, with its time, and confirms it', async () => {
      const alice = await slixmpp('alice');
      const id = await alice.say(world.proxied('carol'), 'For later');
      await alice.receipt(id, world.xmpp.componentDomain);
      const carol = await library('carol');
      expect((await carol.hears('For later')).sentAt).toBeInstanceOf(Date);
      await alice.receipt(id, world.proxied('carol'));
      expect(carol.bodies()).toEqual(['For later']);
    });
  });

  describe('without the proxy', () => {
    test('the library writes: the server has it, slixmpp confirms it; and the answer the same way back', async () => {
      const alice = await library('alice', { autoReceipt: 'always' });
      const bob = await slixmpp('bob');
      const sending = alice.receipts.send({ to: direct('bob'), body: 'Directly' });
      const states = life(alice, sending.id);
      const heard = await bob.hears('Directly');
      expect(heard).toMatchObject({ id: sending.id, from: alice.xmpp.jid.toString() });
      // The server's word and the receipt are on two ways, of which either may be the shorter.
      expect((await states).filter((state) => state !== 'stored')).toEqual(['queued', 'sent', 'delivered']);

      const answer = await bob.say(heard.from ?? '', 'And back');
      expect(await alice.hears('And back')).toMatchObject({ id: answer, proxied: false });
      await bob.receipt(answer, direct('alice'));
      expect(receipts(bob, answer)).toEqual([direct('alice')]);
    });

    test('slixmpp says the same twice: shown once, and each copy is confirmed', async () => {
      const alice = await slixmpp('alice');
      const bob = await library('bob', { autoReceipt: 'always' });
      for (const _ of [1, 2]) {
        await alice.say(direct('bob'), 'Twice', { id: 'twice' });
        await alice.receipt('twice', direct('bob'));
      }
      expect(bob.bodies()).toEqual(['Twice']);
    });

    test('a cut, and nobody vouches for what was written: once more with the same id, which slixmpp shows again', async () => {
      const alice = await library('alice', { streamManagement: false });
      const bob = await slixmpp('bob');
      alice.loses = ({ name }) => name === 'message';
      const sending = alice.receipts.send({ to: direct('bob'), body: 'Perhaps' });
      expect((await sending).state).toBe('sent');
      await bob.hears('Perhaps');
      const resent = new Promise((resolve) => alice.receipts.addEventListener('resend', resolve, { once: true }));
      alice.relay.reset();
      await resent;
      alice.loses = () => false;
      await bob.hears('Perhaps');
      await life(alice, sending.id);
      expect(alice.receipts.get(sending.id)).toMatchObject({ state: 'delivered', attempts: 2 });
      // Another cut brings no third.
      alice.relay.reset();
      await life(alice, alice.receipts.send({ to: direct('bob'), body: 'The end' }).id);
      expect(shown(bob, sending.id)).toBe(2);
    });

    test('slixmpp is no contact: the library shows what it says, and tells it nothing, as Smack does', async () => {
      const alice = await slixmpp('alice');
      const bob = await library('bob');
      // Told when it is decided about the receipt.
      const taken = new Promise((resolve) => bob.receipts.addEventListener('message', resolve, { once: true }));
      const id = await alice.say(direct('bob'), 'A stranger');
      await taken;
      // What he says after it comes after a receipt.
      await bob.receipts.send({ to: alice.jid, body: 'Who are you?' });
      await alice.hears('Who are you?');
      expect(receipts(alice, id)).toEqual([]);
    });
  });
});
