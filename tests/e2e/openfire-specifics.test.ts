import type { Element } from '@xmpp/xml';
import type { OpenfireLike } from '../support/openfire/openfire.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { NO_COPIES } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** What Openfire does otherwise than Prosody, on a scripted server that behaves as real ones were seen to. */
let stage: OpenfireStage;
let openfire: OpenfireLike;

beforeAll(async () => {
  stage = await OpenfireStage.open();
});
afterAll(() => stage.close());
afterEach(() => stage.empty());

const BOB = 'bob@receipts.example.org';
const has = (name: string, namespace: string) => (stanza: Element) => stanza.getChild(name, namespace) !== undefined;
const isReceiptFor = (id: string) => (stanza: Element) =>
  stanza.getChild('received', 'urn:xmpp:receipts')?.attrs.id === id;

test.each(['5.1.1', '4.2.4'] as const)(
  'on %s: seen in the server’s items, acknowledged, delivered',
  async (version) => {
    openfire = await stage.openfire({ version });
    const alice = openfire.user('alice', 'phone');
    const bob = openfire.user('bob', 'desk');
    await stage.attach();
    await until(() => openfire.discoItems.includes('receipts.example.org'), { what: 'the answer to disco#info' });
    const id = await alice.say(BOB, 'Hello');
    await alice.acknowledged(id);
    await bob.hears('Hello');
    await alice.delivered(id);
  },
);

test('two accounts whose names differ in a case that the server does not know are two, and who seems to be bob is not', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  const [small, capital] = [openfire.user('\u10d1\u10dd', 'r'), openfire.user('\u1c91\u1c9d', 'r')];
  const impostor = openfire.user('\u1d2eob', 'r');
  await stage.attach();
  await alice.delivered(await alice.say('\u10d1\u10dd@receipts.example.org', 'To the small'));
  await alice.delivered(await alice.say('\u1c91\u1c9d@receipts.example.org', 'To the capitals'));
  expect([small.bodies(), capital.bodies()]).toEqual([['To the small'], ['To the capitals']]);
  const id = await impostor.say('alice@receipts.example.org', 'I am bob');
  const refusal = await impostor.failed(id);
  expect(refusal.getChild('error')?.getChild('jid-malformed')).toBeDefined();
  await alice.failed(await alice.say('\u1d2eob@receipts.example.org', 'To nobody'));
  await bob.say('alice@receipts.example.org', 'I am');
  await alice.hears('I am');
  expect([alice.bodies(), bob.bodies()]).toEqual([['I am'], []]);
});

test('a message that the server loses without a word comes again', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach();
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  const nothingMore = openfire.loseWhere((message) => message.getChildText('body') === 'Lost at first');
  const id = await alice.say(BOB, 'Lost at first');
  await alice.acknowledged(id);
  await until(() => openfire.fates.some(({ stanza }) => stanza.getChildText('body') === 'Lost at first'), {
    what: 'the loss',
  });
  nothingMore();
  const heard = await bob.hears('Lost at first');
  expect(has('delay', 'urn:xmpp:delay')(heard)).toBe(true);
  expect(has('no-store', 'urn:xmpp:hints')(heard)).toBe(true);
  await alice.delivered(id);
});

test('bob is away for long: offline storage holds one copy, however often it is tried again', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach({ RETRY_SCHEDULE: '1s,1s,1s,30s' });
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  bob.offline();
  const id = await alice.say(BOB, 'For later');
  const isIt = (stanza: Element) => stanza.getChildText('body') === 'For later';
  await until(() => openfire.handled.filter(isIt).length === 4, { what: 'the first copy and three more' });
  expect(openfire.stored('bob')).toHaveLength(1);
  bob.online();
  await bob.hears('For later');
  await alice.delivered(id);
  expect(bob.count('For later')).toBe(1);
});

test('a user of whom nothing is known is away: he finds one copy, and not the retry beside it', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach({ UNCONFIRMED_RETRY_AFTER: '1s', UNCONFIRMED_RETRIES: '1' });
  bob.offline();
  await alice.say(BOB, 'Stranger');
  const isIt = (stanza: Element) => stanza.getChildText('body') === 'Stranger';
  await until(() => openfire.handled.filter(isIt).length === 2, { what: 'the first copy and the retry' });
  expect(openfire.stored('bob')).toHaveLength(1);
});

test('offline storage is full: the bounce tells nobody, and the message comes when there is room', async () => {
  openfire = await stage.openfire({ offlineQuota: 10 });
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  const proxy = await stage.attach({ RETRY_SCHEDULE: '1s' });
  bob.offline();
  const id = await alice.say(BOB, 'Too much');
  await until(() => proxy.metrics.counts.bouncesTemporary >= 1, { what: 'a bounce' });
  bob.online();
  await bob.hears('Too much');
  await alice.delivered(id);
  expect(alice.count((stanza) => stanza.attrs.type === 'error')).toBe(0);
});

test('the resource that alice addressed is gone: later copies find another', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach({ RETRY_SCHEDULE: '1s' });
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  // Type normal to a full JID that is gone: dropped, silently.
  const id = await alice.say(`${BOB}/tablet`, 'To your tablet', { type: 'normal' });
  const heard = await bob.hears('To your tablet');
  expect(heard.attrs.to).toMatch(/^bob@example.org/);
  await alice.delivered(id);
});

test('two of bob’s devices confirm: alice is told once', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  openfire.user('bob', 'desk', { carbons: true });
  openfire.user('bob', 'tablet', { carbons: true });
  const proxy = await stage.attach();
  const id = await alice.say(BOB, 'To both of you');
  await alice.delivered(id);
  await until(() => proxy.metrics.counts.repeatedReceipts === 1, { what: 'the second receipt' });
  expect(alice.count((stanza) => isReceiptFor(id)(stanza) && stanza.attrs.from?.startsWith('bob') === true)).toBe(1);
});

test('the link is reset with 300 messages on their way: all arrive, in order, and each acknowledgement is kept', async () => {
  openfire = await stage.openfire({ stanzaDelay: 1 });
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  const proxy = await stage.attach();
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  const offline = new Promise((resolve) => proxy.link.once('offline', resolve));
  const ids = await Promise.all(Array.from({ length: 300 }, (_, i) => alice.say(BOB, `number ${i}`)));
  // No more than it handles in a second are given to it, and that depends on how busy this machine is.
  await openfire.holding(50);
  openfire.reset();
  await offline;
  for (const id of ids) await alice.delivered(id);
  const firsts = [...new Set(bob.bodies())].filter((body) => body.startsWith('number'));
  expect(firsts).toEqual(ids.map((_, i) => `number ${i}`));
});

test('a link that is idle is kept alive, past the time after which the server closes it', async () => {
  openfire = await stage.openfire({ idle: 1000 });
  const proxy = await stage.attach({}, { link: { keepalive: 50, pingInterval: 50 } });
  const pings = () => openfire.handled.filter(has('ping', 'urn:xmpp:ping')).length;
  await until(() => pings() >= 30, { what: 'pings for more than the idle time' });
  expect(proxy.link.stats.reconnects).toBe(0);
});

test('two processes serve the domain side by side: every message once, and one may die', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  const one = await stage.attach(NO_COPIES);
  const other = await stage.attach(NO_COPIES);
  await openfire.linked(2);
  const say = (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) => alice.say(BOB, `number ${from + i}`, { id: `n-${from + i}` })),
    );
  const ids = await say(0, 100);
  for (const id of ids) await alice.delivered(id);
  expect(bob.bodies().length).toBe(100);
  expect(Math.min(one.metrics.counts.accepted, other.metrics.counts.accepted)).toBeGreaterThan(30);
  // As a crash would: the server still feeds its dead link for a moment, and what it feeds it is lost.
  one.link.destroy();
  await until(() => openfire.links.length === 1, { what: 'the dead link to go' });
  for (const id of await say(100, 150)) await alice.delivered(id);
  expect(new Set(bob.bodies()).size).toBe(150);
});

test('a stanza that ends the stream each time is put aside, its sender is told, and the others flow', async () => {
  openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  // It closes the stream without a word, as a bad network does: the stanza is tried again by itself, after a while.
  const tuning = { link: { deferFor: 300 } };
  const proxy = await stage.attach({ MAX_STANZA_BYTES: String(5 * 1024 * 1024) }, tuning);
  // Over Openfire's limit of about 1 MB on the way to a user, and under ours.
  const id = await alice.say(BOB, 'x'.repeat(1_100_000));
  const failure = await alice.failed(id);
  expect(failure.getChild('error')?.getChild('policy-violation')).toBeDefined();
  expect(proxy.metrics.counts.quarantined).toBe(1);
  const after = await alice.say(BOB, 'Still there?');
  await bob.hears('Still there?');
  await alice.delivered(after);
});
