import type { Element } from '@xmpp/xml';
import { memoryStore } from '../../packages/client/src/index.ts';
import { LibraryUser, type LibraryUserOptions } from '../support/client-library/library-user.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

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
  /** Requests that tell of many messages. */
  readonly batches: Element[];
}

/** A user of the library, and the messages that come to him and go from him. */
async function login(name: string, options: LibraryUserOptions = {}): Promise<Wire> {
  const user = await LibraryUser.prepare(world, name, {
    store: memoryStore(),
    resource: world.newResource(),
    ...options,
  });
  users.push(user);
  const [came, went, batches]: [Element[], Element[], Element[]] = [[], [], []];
  user.xmpp.on('stanza', (stanza) => {
    if (stanza.name === 'message') came.push(stanza);
    else if (stanza.getChild('status', NS_OWN) && stanza.attrs.type === 'set') batches.push(stanza);
  });
  user.xmpp.on('send', (stanza) => void (stanza.name === 'message' && went.push(stanza)));
  await user.xmpp.start();
  const announced = () => user.xmpp.status === 'online' && user.receipts.component !== undefined;
  await until(announced, { what: 'the proxy to be found' });
  return { user, came, went, batches };
}

async function sendAll({ user }: Wire, to: string, bodies: readonly string[]): Promise<string[]> {
  const ids = bodies.map((body) => user.receipts.send({ to, body }).id);
  for (const id of ids) for await (const _ of user.receipts.watch(id));
  return ids;
}

function ids(stanzas: readonly Element[], name: string, xmlns: string): (string | undefined)[] {
  return stanzas.flatMap((stanza) => stanza.getChildren(name, xmlns).map(({ attrs }) => attrs.id));
}

/** What was told of messages, in requests: ids by state, in order. */
function told(batches: readonly Element[], state: string): (string | undefined)[] {
  const messages = batches.flatMap((stanza) => stanza.getChild('status', NS_OWN)?.getChildren('message') ?? []);
  return messages.filter(({ attrs }) => attrs.state === state).map(({ attrs }) => attrs.id);
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `number ${i}`);

test('many receipts in one stanza, from the recipient and to the sender, each id once, in order', async () => {
  const alice = await login('alice');
  const bob = await login('bob');
  // Bob's library has the answer that the proxy takes many in one when it has told of one.
  await until(() => bob.user.receipts.component !== undefined, { what: 'the proxy to be found' });
  await sendAll(alice, world.proxied('bob'), ['first']);
  for (const list of [alice.came, alice.batches, bob.went]) list.length = 0;
  const sent = await sendAll(alice, world.proxied('bob'), numbered(60));
  expect(bob.user.bodies().slice(1)).toEqual(numbered(60));
  expect(ids(bob.went, 'received', NS_RECEIPTS)).toEqual(sent);
  // The very last may have come by itself.
  expect([...told(alice.batches, 'delivered'), ...ids(alice.came, 'received', NS_RECEIPTS)]).toEqual(sent);
  expect(bob.went.length).toBeLessThan(15);
  expect(alice.came.length + alice.batches.length).toBeLessThan(15);
  expect(sent.map((id) => alice.user.receipts.get(id)?.state)).toEqual(sent.map(() => 'delivered'));
});

test('the recipient never sees what the sender’s client says to the proxy', async () => {
  const alice = await login('alice');
  const bob = await login('bob');
  await sendAll(alice, world.proxied('bob'), ['hello']);
  expect(alice.went[0]?.getChild('batch', NS_OWN)).toBeDefined();
  expect(bob.came.find((stanza) => stanza.getChild('body'))?.getChild('batch', NS_OWN)).toBeUndefined();
});

test('who does not say it is told of each message by itself', async () => {
  const alice = await login('alice', { batch: false });
  const bob = await login('bob');
  const sent = await sendAll(alice, world.proxied('bob'), ['one', 'two', 'three']);
  const said = alice.came.filter((stanza) => stanza.getChild('received', NS_RECEIPTS));
  expect(said).toHaveLength(2 * sent.length);
  for (const stanza of said) expect(stanza.getChildren('received', NS_RECEIPTS)).toHaveLength(1);
  expect(alice.batches).toEqual([]);
  expect(bob.user.bodies()).toEqual(['one', 'two', 'three']);
});

test('a stock client on the resource of a library that took batches gets each acknowledgement and receipt', async () => {
  const resource = world.newResource();
  const before = await login('alice', { resource });
  // Bob is away: what the library sends is confirmed when another client has its resource.
  const early = numbered(30).map((body) => before.user.receipts.send({ to: world.proxied('bob'), body }).id);
  await until(() => early.every((id) => before.user.receipts.get(id)?.state === 'stored'), {
    what: 'all to be stored',
  });
  expect(told(before.batches, 'pending').length).toBeGreaterThan(0);
  await before.user.close();
  users.splice(users.indexOf(before.user), 1);

  const after = await world.user('alice', { resource });
  const receiptsFor = async (sent: readonly string[]) => {
    for (const id of sent) expect((await after.delivered(id)).getChildren('received', NS_RECEIPTS)).toHaveLength(1);
  };
  // The proxy has not heard of her yet.
  await login('bob');
  await receiptsFor(early);
  const late: string[] = [];
  for (let i = 0; i < 50; i += 1) late.push(await after.say(world.proxied('bob'), `stock ${i}`));
  for (const id of late) await after.acknowledged(id);
  await receiptsFor(late);
});

test('a lone message is told within 200 ms or so, and a stock client’s is told at once', async () => {
  const alice = await login('alice');
  await login('bob');
  const carol = await world.user('carol');
  const id = await carol.say(world.proxied('bob'), 'From a stock client');
  const acknowledgement = await carol.acknowledged(id);
  expect(acknowledgement.getChild('received', NS_RECEIPTS)?.attrs.id).toBe(id);
  expect((await carol.delivered(id)).getChildren('received', NS_RECEIPTS)).toHaveLength(1);
  const [lone] = await sendAll(alice, world.proxied('bob'), ['alone']);
  expect(new Set(ids(alice.came, 'received', NS_RECEIPTS))).toEqual(new Set([lone]));
  expect(alice.batches).toEqual([]);
});

test('a cut while receipts wait: they are owed, and all is delivered once', async () => {
  const alice = await login('alice');
  const bob = await login('bob');
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
