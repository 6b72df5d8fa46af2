import type { Element } from '@xmpp/xml';
import { memoryStore } from '../../src/client/index.ts';
import { LibraryUser, type LibraryUserOptions } from '../support/library-user.ts';
import { until } from '../support/poll.ts';
import { NO_COPIES, World } from '../support/world.ts';

const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_OWN = 'urn:openfire-receipts:0';

let world: World;
const users: LibraryUser[] = [];

beforeAll(async () => {
  world = await World.open();
  await world.startProxy(NO_COPIES);
});
afterAll(() => world.close());
afterEach(async () => {
  await Promise.all(users.splice(0).map((user) => user.close()));
  await world.empty();
});

interface Wire {
  readonly user: LibraryUser;
  readonly came: Element[];
  readonly went: Element[];
}

/** A user of the library, and the messages that come to him and go from him. */
async function login(name: string, options: LibraryUserOptions = {}): Promise<Wire> {
  const user = await LibraryUser.prepare(world, name, { store: memoryStore(), resource: 'r', ...options });
  users.push(user);
  const [came, went]: [Element[], Element[]] = [[], []];
  user.xmpp.on('stanza', (stanza) => void (stanza.name === 'message' && came.push(stanza)));
  user.xmpp.on('send', (stanza) => void (stanza.name === 'message' && went.push(stanza)));
  await user.xmpp.start();
  const announced = () => user.xmpp.status === 'online' && user.receipts.component !== undefined;
  await until(announced, { what: 'the proxy to be found' });
  return { user, came, went };
}

/** Messages go one after the other until both ends have agreed, as each asks the other after its login. */
async function agreed({ user, came }: Wire, to: string): Promise<void> {
  const alone = (stanza: Element) => stanza.getChild('received', NS_RECEIPTS) && stanza.getChild('stored', NS_OWN);
  await until(
    async () => {
      came.length = 0;
      const { id } = await user.receipts.send({ to, body: 'Agreed?' });
      for await (const _ of user.receipts.watch(id));
      return came.length > 0 && !came.some(alone);
    },
    { within: 20_000, what: 'batches' },
  );
  came.length = 0;
}

async function sendAll({ user }: Wire, to: string, bodies: readonly string[]): Promise<string[]> {
  const ids = bodies.map((body) => user.receipts.send({ to, body }).id);
  for (const id of ids) for await (const _ of user.receipts.watch(id));
  return ids;
}

function ids(stanzas: readonly Element[], name: string, xmlns: string): (string | undefined)[] {
  return stanzas.flatMap((stanza) => stanza.getChildren(name, xmlns).map(({ attrs }) => attrs.id));
}

test('both ends take batches: many receipts in one stanza, each id once, in order', async () => {
  const alice = await login('alice');
  const bob = await login('bob');
  await agreed(alice, world.proxied('bob'));
  bob.went.length = 0;
  bob.came.length = 0;
  const bodies = Array.from({ length: 60 }, (_, i) => `number ${i}`);
  const sent = await sendAll(alice, world.proxied('bob'), bodies);
  expect(bob.user.bodies().filter((body) => body?.startsWith('number'))).toEqual(bodies);
  expect(ids(bob.went, 'received', NS_RECEIPTS)).toEqual(sent);
  expect(ids(alice.came, 'received', NS_RECEIPTS)).toEqual(sent);
  expect(bob.went.length).toBeLessThan(15);
  expect(alice.came.length).toBeLessThan(15);
  expect(sent.map((id) => alice.user.receipts.get(id)?.state)).toEqual(sent.map(() => 'delivered'));
});

test('who does not announce it is told of each message by itself', async () => {
  const alice = await login('alice', { batch: false });
  const bob = await login('bob');
  const sent = await sendAll(alice, world.proxied('bob'), ['one', 'two', 'three']);
  const told = alice.came.filter((stanza) => stanza.getChild('received', NS_RECEIPTS));
  expect(told).toHaveLength(2 * sent.length);
  for (const stanza of told) expect(stanza.getChildren('received', NS_RECEIPTS)).toHaveLength(1);
  expect(bob.user.bodies()).toEqual(['one', 'two', 'three']);
});

test('a lone message is told within 200 ms or so, and a stock client’s is told at once', async () => {
  const alice = await login('alice');
  await login('bob');
  await agreed(alice, world.proxied('bob'));
  const carol = await world.user('carol');
  const before = Date.now();
  const id = await carol.say(world.proxied('bob'), 'From a stock client');
  const acknowledgement = await carol.acknowledged(id);
  expect(acknowledgement.getChild('received', NS_RECEIPTS)?.attrs.id).toBe(id);
  expect((await carol.delivered(id)).getChildren('received', NS_RECEIPTS)).toHaveLength(1);
  const [lone] = await sendAll(alice, world.proxied('bob'), ['alone']);
  // The recipient’s library and the proxy wait once each.
  expect(Date.now() - before).toBeLessThan(3000);
  expect(ids(alice.came, 'received', NS_RECEIPTS)).toEqual([lone]);
});

test('a cut while receipts wait: they are owed, and all is delivered once', async () => {
  const alice = await login('alice');
  const bob = await login('bob');
  await agreed(alice, world.proxied('bob'));
  const bodies = Array.from({ length: 40 }, (_, i) => `cut ${i}`);
  const sending = sendAll(alice, world.proxied('bob'), bodies);
  await bob.user.hears('cut 10');
  bob.user.relay.reset();
  alice.user.relay.reset();
  await sending;
  expect(
    bob.user
      .bodies()
      .filter((body) => body?.startsWith('cut'))
      .sort(),
  ).toEqual(bodies.sort());
});
