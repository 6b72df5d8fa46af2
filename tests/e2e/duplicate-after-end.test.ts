// Clients that count their ids, windows that count alike, corrections under one id: what arrives, and who is told.
import xml from '@xmpp/xml';
import { Redis } from 'ioredis';
import { LibraryUser } from '../support/client-library/library-user.ts';
import { NO_COPIES, OWN_SERVER, World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

const onOwnServer = OWN_SERVER ? test : test.skip;

let world: World;
let redis: Redis;

beforeAll(async () => {
  world = await World.open();
  redis = new Redis(world.redis.url);
  if (!OWN_SERVER) return;
  await world.startProxy();
  await becomeContacts();
  await world.empty();
  await world.stopProxy();
});
afterAll(async () => {
  redis.disconnect();
  await world.close();
});
beforeEach(() => world.startProxy(NO_COPIES));
afterEach(async () => {
  await world.empty();
  await world.stopProxy();
});

/** Somebody who gets messages: with a stock client, or with the client library. */
interface Reader {
  bodies(): (string | null)[];
  leave(): Promise<void>;
}

const READERS: readonly (readonly [string, () => Promise<Reader>])[] = [
  [
    'a stock client',
    async () => {
      const bob = await world.user('bob', { resource: 'desk' });
      return { bodies: () => bob.bodies(), leave: () => bob.offline() };
    },
  ],
  [
    'the client library',
    async () => {
      const bob = await LibraryUser.login(world, 'bob', { resource: 'desk', component: world.xmpp.componentDomain });
      return { bodies: () => bob.bodies(), leave: () => bob.close() };
    },
  ],
];

/** Carol is alice's contact: so the proxy knows when alice comes and goes. Of dave it knows nothing. */
async function becomeContacts(): Promise<void> {
  const [alice, carol] = await Promise.all(['alice', 'carol'].map((name) => world.user(name)));
  if (alice === undefined || carol === undefined) throw new Error('Nobody is there');
  await carol.subscribesTo(world.proxied('alice'));
  await alice.isAskedBy(world.proxied('carol'));
  await alice.approves(world.proxied('carol'));
  await carol.seesPresence(world.seenAs(alice));
}

/** Whoever is owed word of a message has been told, as far as the proxy knows. */
const allAreTold = () => until(async () => (await new KeptShards(redis).dueCount()) === 0, { what: 'all to be told' });

describe.each(READERS)('to %s', (_, login) => {
  let bob: Reader;
  beforeEach(async () => {
    bob = await login();
  });
  afterEach(() => bob.leave());

  onOwnServer.each(['alice', 'dave'])('a client that counts anew says the same after each login (%s)', async (name) => {
    for (const login of [1, 2, 3]) {
      const alice = await world.user(name, { resource: 'psi' });
      await alice.say(world.proxied('bob'), 'hi', { id: 'aab5a' });
      await alice.delivered('aab5a');
      expect(bob.bodies()).toEqual(Array(login).fill('hi'));
      await alice.offline();
      await allAreTold();
      // Sooner, what comes from somebody of whose logins nothing is known may have been written before he was told.
      const heard = Date.now();
      await until(() => Date.now() > heard + 300);
    }
  });

  onOwnServer('two windows that count alike say the same: both arrive, and each is told', async () => {
    const windows = await Promise.all(['a', 'b'].map((resource) => world.user('alice', { resource })));
    await Promise.all(windows.map((window) => window.say(world.proxied('bob'), 'yes', { id: '2' })));
    await Promise.all(windows.map((window) => window.acknowledged('2')));
    await Promise.all(windows.map((window) => window.delivered('2')));
    expect(bob.bodies()).toEqual(['yes', 'yes']);
  });

  onOwnServer('corrections under one id: red, blue, red, each confirmed, ends at red', async () => {
    const alice = await world.user('alice');
    const to = world.proxied('bob');
    await alice.delivered(await alice.say(to, 'reed', { id: 'm' }));
    for (const body of ['red', 'blue', 'red']) {
      const replace = xml('replace', { xmlns: 'urn:xmpp:message-correct:0', id: 'm' });
      await alice.say(to, body, { id: 'c', extra: [replace] });
      await alice.delivered('c');
    }
    expect(bob.bodies()).toEqual(['reed', 'red', 'blue', 'red']);
  });

  onOwnServer('what is resent while it is in doubt is answered, and arrives once', async () => {
    const alice = await world.user('alice', { resource: 'psi' });
    await alice.say(world.proxied('bob'), 'hi', { id: '7' });
    await alice.say(world.proxied('bob'), 'hi', { id: '7' });
    await alice.acknowledged('7');
    await alice.delivered(await alice.say(world.proxied('bob'), 'after it'));
    expect(bob.bodies()).toEqual(['hi', 'after it']);
  });
});

onOwnServer('a reply or a reaction to a message of his own settles none of hers', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob', { autoReceipt: false });
  const to = world.proxied('alice');
  await alice.say(world.proxied('bob'), 'hers', { id: '3' });
  await bob.hears('hers');
  await bob.say(to, 'his', { id: '3' });
  const reply = (jid: string) => xml('reply', { xmlns: 'urn:xmpp:reply:0', to: jid, id: '3' });
  const reactions = xml('reactions', { xmlns: 'urn:xmpp:reactions:0', id: '3' }, xml('reaction', {}, '!'));
  await bob.say(to, 'to myself', { extra: [reply(bob.jid)] });
  await bob.say(to, 'to mine', { extra: [reactions] });
  await alice.hears('to mine');
  const receipts = () =>
    alice.count(
      (el) => el.getChild('received', 'urn:xmpp:receipts')?.attrs.id === '3' && /@/.test(el.attrs.from ?? ''),
    );
  expect(receipts()).toBe(0);
  await bob.say(to, 'to hers', { extra: [reply(world.seenAs(alice))] });
  await until(() => receipts() === 1, { what: 'the receipt for what he replied to' });
});
