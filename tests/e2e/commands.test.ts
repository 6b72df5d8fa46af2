import { Redis } from 'ioredis';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { CommandWindow } from '../support/clients/command-window.ts';
import { World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

/** Every command, as a client runs it: on a real server, through its forms. */
let world: World;
let redis: Redis;
let kept: KeptShards;

beforeAll(async () => {
  world = await World.open();
  redis = new Redis(world.redis.url);
  kept = new KeptShards(redis);
  await world.startProxy({
    ADMIN_JIDS: `carol@${world.xmpp.domain}`,
    RETRY_SCHEDULE: '1h',
    UNCONFIRMED_RETRY_AFTER: '1h',
    MESSAGE_TTL: '1d',
    DEDUP_WINDOW: '1d',
  });
});
afterAll(async () => {
  redis.disconnect();
  await world.close();
});
afterEach(() => world.empty());

/** Of the queues. */
const PREFIX = '{receipts}';
const bare = (name: string) => `${name}@${world.xmpp.domain}`;
const dueOf = async (key: string) => (await kept.due()).get(key);
const windowOf = async (name: string) => new CommandWindow(await world.user(name), world.xmpp.componentDomain);

/** A message from alice to bob that has been handed over and not confirmed. */
async function inTrouble(body: string): Promise<{ id: string; key: string }> {
  const alice = await world.user('alice');
  const id = await alice.say(world.proxied('bob'), body);
  await alice.acknowledged(id);
  const key = recordKey(bare('alice'), bare('bob'), id);
  const keys = await kept.ofMessage(key);
  await until(async () => Number(await redis.getrange(keys.record(key), 4, 5)) > 0, { what: 'the hand-over' });
  await redis.sadd(keys.from(bare('alice')), key);
  return { id, key };
}

const EVERYBODYS = ['My undelivered messages', 'Status of the proxy'];
const ADMINS = [
  'Look up a message',
  'Waiting for a user',
  'Queue figures',
  'Heaviest senders',
  'Retry or drop undelivered',
  'Pause and resume redelivery',
  'Restored ledger',
  'Forget a user',
];

test('everybody sees two commands, administrators all', async () => {
  expect(await (await windowOf('alice')).list()).toEqual(EVERYBODYS);
  expect(await (await windowOf('carol')).list()).toEqual([...EVERYBODYS, ...ADMINS]);
});

test('the component says that it has commands, and what each of them is', async () => {
  const window = await windowOf('alice');
  const own = (await window.disco('info')).getChild('query');
  expect(own?.getChild('identity')?.attrs).toEqual({
    category: 'component',
    type: 'generic',
    name: 'Message receipts',
  });
  const features = own?.getChildren('feature').map(({ attrs }) => attrs.var);
  expect(features).toEqual(expect.arrayContaining(['http://jabber.org/protocol/commands', 'vcard-temp']));
  const [item] =
    (await window.disco('items', 'http://jabber.org/protocol/commands')).getChild('query')?.getChildren('item') ?? [];
  expect(item?.attrs.jid).toBe(world.xmpp.componentDomain);
  const command = (await window.disco('info', item?.attrs.node)).getChild('query');
  expect(command?.getChild('identity')?.attrs).toMatchObject({ category: 'automation', type: 'command-node' });
  expect(command?.getChildren('feature').map(({ attrs }) => attrs.var)).toContain('jabber:x:data');
});

test('a user sees her undelivered messages and not their text, and has one sent again now', async () => {
  const bob = await world.user('bob', { autoReceipt: false });
  // She gets his presence: else the answer would be the same whether he is there or not.
  await redis.hset((await kept.ofUser(bare('bob'))).subscriptions(bare('bob')), bare('alice'), 's');
  const { id, key } = await inTrouble('Between us');
  await bob.hears('Between us');
  const window = await windowOf('alice');
  const shown = await window.open('My undelivered messages');
  expect(shown).toMatchObject({ status: 'executing', actions: ['complete'], usual: 'complete' });
  const [label] = [...(shown.fields.get('messages')?.options ?? [])].flatMap(([one, value]) =>
    value === key ? one : [],
  );
  expect(label).toMatch(/^\d\d:\d\d(:\d\d)? bob: waiting, 1 copy sent$/);
  expect(shown.text).not.toContain(id);
  expect(shown.text).not.toContain('Between us');
  bob.autoReceipt = true;
  // Gajim returns what it shows, not what it stands for.
  const done = await window.submit({ messages: label as string, action: 'Send again now' });
  expect(done).toMatchObject({ status: 'completed', note: '1 message sent again.' });
  // Psi shows the form alone.
  expect(done.fields.get('result')?.values).toEqual(['1 message sent again.']);
  expect((await bob.hears('Between us')).attrs.id).toBe(id);
});

test('what is not in the list is answered so, and changes nothing', async () => {
  const bob = await world.user('bob', { autoReceipt: false });
  const { key } = await inTrouble('Which one?');
  await bob.hears('Which one?');
  const window = await windowOf('alice');
  await window.open('My undelivered messages');
  expect(await window.submit({ messages: '00:00 nobody: gone', action: 'cancel' })).toMatchObject({
    status: 'completed',
    note: 'Not in the list: "00:00 nobody: gone". Open the list again',
  });
  expect(await dueOf(key)).toBeDefined();
  await window.open('My undelivered messages');
  expect(await window.submit({ messages: key, action: 'cancel' })).toMatchObject({ note: '1 message cancelled.' });
});

test('she cancels one: it is not sent any more, and nobody is told', async () => {
  const bob = await world.user('bob', { autoReceipt: false });
  const { id, key } = await inTrouble('Never mind');
  await bob.hears('Never mind');
  const alice = await world.user('alice');
  const window = new CommandWindow(alice, world.xmpp.componentDomain);
  await window.open('My undelivered messages');
  expect(await window.submit({ messages: key, action: 'cancel' })).toMatchObject({ note: '1 message cancelled.' });
  expect(await dueOf(key)).toBeUndefined();
  expect(await redis.get((await kept.ofMessage(key)).record(key))).toMatch(/^2r.*\x1fCancelled by its sender$/);
  expect((await window.open('My undelivered messages')).note).toBe('None of your messages is undelivered.');
  expect(alice.count(({ attrs }) => attrs.id === id)).toBe(0);
});

test('the status tells everybody that it works', async () => {
  const shown = await (await windowOf('bob')).open('Status of the proxy');
  expect(shown).toMatchObject({ status: 'completed', title: 'Status of the proxy' });
  expect(shown.text).toContain('Messages are taken');
  expect(shown.text).toContain('0 without a receipt');
});

test('an administrator looks a message up: its whole life, by any form of the addresses', async () => {
  const bob = await world.user('bob');
  const alice = await world.user('alice');
  const id = await alice.say(world.proxied('bob'), 'Find me');
  await alice.delivered(id);
  const key = recordKey(bare('alice'), bare('bob'), id);
  await redis.rpush((await kept.ofMessage(key)).life(key), `${Date.now()} handed-over o`);
  const window = await windowOf('carol');
  expect(await window.open('Look up a message')).toMatchObject({ status: 'executing', usual: 'complete' });
  const shown = await window.submit({ sender: alice.jid, recipient: world.proxied('bob'), id });
  expect(shown.status).toBe('completed');
  expect(shown.text).toContain('delivered');
  expect(shown.text).toMatch(/UTC: accepted and stored/);
  expect(shown.text).toMatch(/UTC: handed over to a live session/);
  expect(shown.text).toContain(`UTC: receipt from resource ${bob.jid.split('/')[1]}`);
  expect(shown.text).not.toContain('Find me');
  await window.open('Look up a message');
  expect((await window.submit({ sender: alice.jid, recipient: bob.jid, id: 'never' })).note).toMatch(
    /Nothing is kept of such a message/,
  );
});

test('an administrator sees the figures', async () => {
  const shown = await (await windowOf('carol')).open('Queue figures');
  expect(shown.status).toBe('completed');
  expect(shown.text).toMatch(/Messages that wait for a receipt\n\d+/);
  expect(shown.text).toMatch(/Queue undelivered: 0 waiting, 0 active, 0 delayed, \d+ failed/);
  expect(shown.text).toMatch(/Redelivery\ngoes on/);
});

/** A dead letter from alice to bob: bob's server refuses it for good. */
async function refused(body: string): Promise<{ id: string; key: string }> {
  const bob = await world.user('bob', { autoReceipt: false });
  const alice = await world.user('alice');
  const id = await alice.say(world.proxied('bob'), body);
  const { from } = (await bob.hears(body)).attrs;
  await bob.send(
    `<message type="error" to="${from}" id="${id}"><error type="cancel"><not-allowed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
  );
  await alice.failed(id);
  const key = recordKey(bare('alice'), bare('bob'), id);
  await until(async () => (await redis.exists(`${PREFIX}:undelivered:${key}`)) === 1, { what: 'the dead letter' });
  await bob.offline();
  return { id, key };
}

test('an administrator sends an undelivered message after all', async () => {
  const { id, key } = await refused('After all');
  const window = await windowOf('carol');
  expect(await window.open('Retry or drop undelivered')).toMatchObject({ usual: 'next', actions: ['next'] });
  const list = await window.submit({ user: bare('bob') });
  expect(list).toMatchObject({ status: 'executing', usual: 'complete', actions: ['prev', 'complete'] });
  const letters = [...(list.fields.get('messages')?.options ?? [])];
  const [label] = letters.flatMap(([one, value]) => (value === key ? one : []));
  expect(label).toMatch(/^\d\d:\d\d(:\d\d)? alice to bob: Rejected with not-allowed$/);
  const bob = await world.user('bob');
  expect(await window.submit({ messages: label as string, action: 'retry' })).toMatchObject({
    note: '1 message sent again.',
  });
  expect((await bob.hears('After all')).attrs.id).toBe(id);
  await until(async () => (await redis.exists(`${PREFIX}:undelivered:${key}`)) === 0, {
    what: 'the dead letter to go',
  });
});

test('or drops it', async () => {
  const { key } = await refused('Drop me');
  const window = await windowOf('carol');
  await window.open('Retry or drop undelivered');
  await window.submit();
  expect(await window.submit({ messages: key, action: 'drop' })).toMatchObject({ note: '1 message dropped.' });
  expect(await redis.exists((await kept.ofMessage(key)).undelivered(key))).toBe(0);
  expect(await redis.exists(`${PREFIX}:undelivered:${key}`)).toBe(0);
  await window.open('Retry or drop undelivered');
  expect((await window.submit()).text).not.toContain('Drop me');
});

test('an administrator pauses redelivery: new messages pass, nothing is sent again, and then it goes on', async () => {
  const bob = await world.user('bob', { autoReceipt: false });
  const window = await windowOf('carol');
  await window.open('Pause and resume redelivery');
  expect((await window.submit({ action: 'pause' })).note).toBe('Redelivery is paused.');
  const { key } = await inTrouble('Only once');
  await bob.hears('Only once');
  const alices = await windowOf('alice');
  expect((await alices.open('Status of the proxy')).text).toContain('paused since');
  expect(await world.proxy.metrics.render()).toContain('openfire_receipts_redelivery_paused 1');
  await alices.open('My undelivered messages');
  expect((await alices.submit({ messages: key })).note).toMatch(/redelivery is paused/);
  // Overdue, and swept again and again.
  const { due } = await kept.ofMessage(key);
  await redis.zadd(due, Date.now() - 1000, key);
  await until(async () => Number(await redis.zscore(due, key)) > Date.now() + 1000, { what: 'a sweep' });
  expect(bob.count('Only once')).toBe(1);
  await window.open('Pause and resume redelivery');
  expect((await window.submit({ action: 'resume' })).note).toMatch(/resumed/);
  await redis.zadd(due, Date.now() - 1000, key);
  await bob.hears('Only once');
  expect(await world.proxy.metrics.render()).toContain('openfire_receipts_redelivery_paused 0');
});

test('an administrator has a user forgotten, and a receipt for an erased message passes', async () => {
  const bob = await world.user('bob', { autoReceipt: false });
  const { id, key } = await inTrouble('Forget that');
  await bob.hears('Forget that');
  const window = await windowOf('carol');
  expect(await window.open('Forget a user')).toMatchObject({ usual: 'next' });
  const ask = await window.submit({ user: bare('alice') });
  expect(ask).toMatchObject({ status: 'executing', usual: 'complete' });
  expect(ask.instructions).toMatch(/^\d+ messages of or to alice@/);
  expect(await window.submit()).toMatchObject({ status: 'completed', note: 'It is not confirmed' });
  await window.open('Forget a user');
  await window.submit({ user: bare('alice') });
  const done = await window.submit({ confirm: 'true' });
  expect(done.note).toMatch(/^\d+ messages erased; nothing about alice@\S+ is stored any more\.$/);
  const keys = await kept.ofMessage(key);
  expect(await redis.exists(keys.record(key), keys.from(bare('alice')))).toBe(0);
  const alice = await world.user('alice');
  // To this session: of several, a server gives one that it chooses what comes to the bare JID.
  await bob.send(
    `<message to="${world.seenAs(alice)}" type="chat" id="r"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
  );
  await alice.delivered(id);
});
