import { Queue } from 'bullmq';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

let world: World;
let undelivered: Queue;

beforeAll(async () => {
  world = await World.open();
  undelivered = new Queue('undelivered', { connection: { url: world.redis.url }, prefix: '{receipts}' });
});
afterAll(async () => {
  await undelivered.close();
  await world.close();
});
afterEach(async () => {
  await world.empty();
  await world.stopProxy();
});

/** No schedule that is longer than a message's life. */
const SHORT = { MESSAGE_TTL: '2s', RETRY_SCHEDULE: '1s', UNCONFIRMED_RETRY_AFTER: '1s' };

/** A user who returns receipts, and is gone for good. */
async function gone(name: string): Promise<void> {
  const alice = await world.user('alice');
  const user = await world.user(name);
  await alice.delivered(await alice.say(world.proxied(name), `hello ${name}`));
  await user.offline();
  await alice.offline();
}

const deadLetter = (id: string) =>
  until(async () => (await undelivered.getFailed()).find((job) => job.data.id === id), { what: 'the dead letter' });

test('what bob never confirms expires: alice is told, and an operator sends it after all', async () => {
  await world.startProxy(SHORT);
  await gone('bob');
  const alice = await world.user('alice');
  // Bob is there and his client swallows the message, as a dead phone does.
  const deaf = await world.user('bob', { autoReceipt: false });
  const id = await alice.say(world.proxied('bob'), 'Can you hear me?');
  await alice.acknowledged(id);
  const failure = await alice.failed(id);
  expect(failure.attrs.from).toBe(world.proxied('bob'));
  expect(failure.getChild('error')?.attrs).toMatchObject({ type: 'wait', by: world.xmpp.componentDomain });
  expect(failure.getChild('error')?.getChild('recipient-unavailable')).toBeDefined();
  expect(failure.getChild('error')?.getChild('expired', 'urn:openfire-receipts:0')).toBeDefined();

  const job = await deadLetter(id);
  expect(job?.data).toMatchObject({ from: alice.bare, to: deaf.bare, id, why: 'No confirmation in time' });
  expect(JSON.stringify(job)).not.toContain('Can you hear me?');
  await deaf.offline();

  const bob = await world.user('bob');
  await job?.retry('failed');
  await bob.hears('Can you hear me?');
  await alice.delivered(id);
  await until(async () => (await undelivered.getFailedCount()) === 0, { what: 'the dead letter to go' });
});

test('a receipt after the end still settles it: alice is told, and the dead letter goes', async () => {
  await world.startProxy(SHORT);
  await gone('bob');
  const alice = await world.user('alice');
  const bob = await world.user('bob', { autoReceipt: false });
  const id = await alice.say(world.proxied('bob'), 'Late');
  const { from } = (await bob.hears('Late')).attrs;
  await alice.failed(id);
  await deadLetter(id);
  await bob.send(`<message to="${from}"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`);
  await alice.delivered(id);
  await until(async () => (await undelivered.getFailedCount()) === 0, { what: 'the dead letter to go' });
});

test('a client that never returns receipts gets one more copy; then nobody knows, and alice gets a quiet notice', async () => {
  await world.startProxy({ ...SHORT, MESSAGE_TTL: '3s' });
  const alice = await world.user('alice');
  const carol = await world.user('carol', { autoReceipt: false });
  const id = await alice.say(world.proxied('carol'), 'Hello carol');
  await alice.hears((stanza) => stanza.getChild('unconfirmed', 'urn:openfire-receipts:0')?.attrs.id === id);
  expect(carol.count('Hello carol')).toBe(2);
  expect(alice.count((stanza) => stanza.attrs.type === 'error')).toBe(0);
  expect(await undelivered.getFailedCount()).toBe(0);
});

test('the first receipt of a recipient puts what waits for him on the normal timetable', async () => {
  await world.startProxy({
    RETRY_SCHEDULE: '1s',
    MESSAGE_TTL: '1h',
    DEDUP_WINDOW: '1h',
    UNCONFIRMED_RETRY_AFTER: '30m',
  });
  const alice = await world.user('alice');
  const deaf = await world.user('dave', { autoReceipt: false });
  const id = await alice.say(world.proxied('dave'), 'One');
  await deaf.hears('One');
  await until(() => world.proxy.metrics.counts.handedOver >= 1, { what: 'the hand-over' });
  await deaf.offline();
  const dave = await world.user('dave');
  await alice.say(world.proxied('dave'), 'Two');
  await dave.hears('One');
  await alice.delivered(id);
});

// Openfire drops what is for nobody, and says nothing.
(OWN_SERVER ? test : test.skip)(
  'an address that the server knows is none is rejected, with its condition',
  async () => {
    await world.startProxy();
    const alice = await world.user('alice');
    const id = await alice.say(world.proxied('nobody'), 'Anybody?');
    await alice.acknowledged(id);
    // Prosody answers service-unavailable for an unknown user, which may be temporary: the message stays pending.
    await until(() => world.proxy.metrics.counts.bouncesTemporary === 1, { what: 'the bounce' });
    expect(alice.count((stanza) => stanza.attrs.type === 'error')).toBe(0);
  },
);
