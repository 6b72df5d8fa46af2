// Somebody blocks the address that he sees (XEP-0191): an end, told once, in words that do not name it.

import xml, { type Element } from '@xmpp/xml';
import { Redis } from 'ioredis';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

// Needs a server of our own: others drop what is for nobody, or have a storage of another size.
const onOwnServer = OWN_SERVER ? test : test.skip;

let world: World;
let redis: Redis;
let kept: KeptShards;
let isOld: boolean;

beforeAll(async () => {
  world = await World.open({ config: 'storage_archive_item_limit = 2' });
  isOld = await world.isOpenfire42();
  redis = new Redis(world.redis.url);
  kept = new KeptShards(redis);
  await world.startProxy({ RETRY_SCHEDULE: '1s', MESSAGE_TTL: '120s', DEDUP_WINDOW: '240s' });
});
afterAll(async () => {
  redis.disconnect();
  await world.close();
});
afterEach(async () => {
  const bob = await world.user('bob');
  await blocks(bob, 'unblock');
  await world.empty();
});

const bare = (name: string) => `${name}@${world.xmpp.domain}`;

/** By a privacy list (XEP-0016) where the server knows no XEP-0191, as Openfire 4.2. */
async function blocks(who: TestUser, what: 'block' | 'unblock', ...jids: string[]): Promise<void> {
  if (isOld) {
    await blocksByList(who, jids);
    return;
  }
  const items = jids.map((jid) => xml('item', { jid }));
  const answer = await who.asks(undefined, xml(what, { xmlns: 'urn:xmpp:blocking' }, ...items), 'set');
  expect(answer.attrs.type).toBe('result');
}

async function blocksByList(who: TestUser, jids: readonly string[]): Promise<void> {
  const set = (...children: Element[]) =>
    who.asks(undefined, xml('query', { xmlns: 'jabber:iq:privacy' }, ...children), 'set');
  const name = 'blocked';
  const all = xml('item', { action: 'allow', order: '9' });
  const items = jids.map((value, i) => xml('item', { type: 'jid', value, action: 'deny', order: String(i + 1) }));
  expect((await set(xml('list', { name }, ...items, all))).attrs.type).toBe('result');
  // Which it may be already, with another session that uses it.
  await set(xml('default', { name }));
}

const errorOf = (stanza: Element) => {
  const error = stanza.getChild('error');
  return { type: error?.attrs.type, condition: error?.getChildElements()[0]?.name };
};

/** It has ended for good: she is told once, and not why, and nothing more is tried. */
async function isRefused(alice: TestUser, id: string): Promise<void> {
  const failure = await alice.failed(id);
  expect(errorOf(failure)).toEqual({ type: 'cancel', condition: 'service-unavailable' });
  expect(failure.toString()).not.toMatch(/block|privacy|deny|denied/i);
  const status = xml('status', { xmlns: 'urn:openfire-receipts:0' }, xml('message', { id, to: world.proxied('bob') }));
  const answer = await alice.asks(world.xmpp.componentDomain, status);
  expect(answer.getChild('status')?.getChild('message')?.attrs.state).toBe('rejected');
  const key = recordKey(bare('alice'), bare('bob'), id);
  const { due } = await kept.ofMessage(key);
  await until(async () => (await redis.zscore(due, `${key}r`)) === null, { what: 'her being told' });
  expect(await redis.zscore(due, key)).toBeNull();
  expect(alice.count(({ attrs }) => attrs.type === 'error' && attrs.id === id)).toBe(1);
}

/**
 * Of who is there Openfire 4.2 says it with the sender's own address in `from` (observed on 4.2.4): who refused is not in it,
 * and the message ends when its time is over.
 */
const isNotSaid = () => {
  if (isOld) console.info('Skipped on Openfire 4.2: its error does not say who blocks');
  return isOld;
};

test('a stranger is told at once, and once, while bob is there', async () => {
  if (isNotSaid()) return;
  const alice = await world.user('alice');
  // On Openfire 5.1.1 a first block does not count for the session that makes it.
  const before = await world.user('bob');
  await blocks(before, 'block', world.proxied('alice'));
  await before.offline();
  const bob = await world.user('bob');
  const id = await alice.say(world.proxied('bob'), 'Hello?');
  await alice.acknowledged(id);
  await isRefused(alice, id);
  // Another whom he has not blocked gets through.
  const carol = await world.user('carol');
  await carol.delivered(await carol.say(world.proxied('bob'), 'And I?'));
  expect(bob.bodies()).toEqual(['And I?']);
});

test('the same while bob is away, and for each of many at once', async () => {
  const bob = await world.user('bob');
  await blocks(bob, 'block', world.proxied('alice'));
  await bob.offline();
  const alice = await world.user('alice');
  const ids = await Promise.all([1, 2, 3].map((i) => alice.say(world.proxied('bob'), `number ${i}`)));
  for (const id of ids) await isRefused(alice, id);
});

test('what he lets through again arrives', async () => {
  if (isNotSaid()) return;
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await blocks(bob, 'block', world.proxied('alice'));
  await isRefused(alice, await alice.say(world.proxied('bob'), 'Not yet'));
  await blocks(bob, 'unblock');
  await alice.delivered(await alice.say(world.proxied('bob'), 'Now'));
  expect(bob.bodies()).toEqual(['Now']);
});

onOwnServer(
  'an account that there is not is answered by the same server in the same words, and is no refusal for good',
  async () => {
    const alice = await world.user('alice');
    const { counts } = world.proxy.metrics;
    const before = counts.bouncesTemporary;
    const id = await alice.say(world.proxied('nobody'), 'Anybody?');
    await alice.acknowledged(id);
    await until(() => counts.bouncesTemporary > before + 1, { what: 'a second try' });
    expect(alice.count(({ attrs }) => attrs.type === 'error' && attrs.id === id)).toBe(0);
  },
);

onOwnServer('a full offline storage refuses in the same words, and is not for good', async () => {
  const alice = await world.user('alice');
  const { counts } = world.proxy.metrics;
  const before = counts.bouncesTemporary;
  const ids = await Promise.all(['one', 'two', 'three'].map((body) => alice.say(world.proxied('bob'), body)));
  for (const id of ids) await alice.acknowledged(id);
  await until(() => counts.bouncesTemporary > before, { what: 'one that finds no place' });
  const bob = await world.user('bob');
  for (const id of ids) await alice.delivered(id);
  expect(new Set(bob.bodies())).toEqual(new Set(['one', 'two', 'three']));
  expect(alice.count(({ attrs }) => attrs.type === 'error')).toBe(0);
});
