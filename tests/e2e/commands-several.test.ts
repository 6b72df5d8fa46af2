import { Redis } from 'ioredis';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { CommandWindow } from '../support/clients/command-window.ts';
import type { OpenfireLike } from '../support/openfire/openfire.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { NO_COPIES } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

/** Commands with two processes, between which Openfire deals the steps in turn. */
let stage: OpenfireStage;
let openfire: OpenfireLike;
let redis: Redis;

beforeAll(async () => {
  stage = await OpenfireStage.open();
  redis = new Redis(stage.redis.url);
});
afterAll(async () => {
  redis.disconnect();
  await stage.close();
});
beforeEach(async () => {
  openfire = await stage.openfire();
});
afterEach(() => stage.empty());

const COMPONENT = 'receipts.example.org';
const BOB = `bob@${COMPONENT}`;
const SETTINGS = {
  ADMIN_JIDS: 'admin@example.org',
  RETRY_SCHEDULE: '300ms,1h',
  MESSAGE_TTL: '1d',
  DEDUP_WINDOW: '1d',
  UNCONFIRMED_RETRY_AFTER: '300ms',
};
const kept = () => new KeptShards(redis, stage.prefix);
const keyOf = (id: string) => recordKey('alice@example.org', 'bob@example.org', id);

async function two(settings: Record<string, string> = SETTINGS) {
  const proxies = [await stage.attach(settings), await stage.attach(settings)];
  await until(() => openfire.links.length === 2, { what: 'two links' });
  return proxies;
}

test('each step may reach another process', async () => {
  await two();
  const admin = openfire.user('admin', 'desk');
  const window = new CommandWindow(admin, COMPONENT);
  // Whichever gets the first step, the next two reach another and then the same again.
  for (let i = 0; i < 2; i += 1) {
    await window.open('Forget a user');
    expect(await window.submit({ user: 'nobody@example.org' })).toMatchObject({
      status: 'executing',
      usual: 'complete',
    });
    expect((await window.submit({ confirm: '1' })).note).toMatch(/^0 messages erased; nothing about nobody@/);
    await window.disco('info');
  }
});

test('a pause holds in both, and after a restart; then redelivery goes on', async () => {
  const [first] = await two();
  const admin = openfire.user('admin', 'desk');
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  bob.autoReceipt = false;
  const window = new CommandWindow(admin, COMPONENT);
  await window.open('Pause and resume redelivery');
  await window.submit({ action: 'pause' });
  for (let i = 0; i < 4; i += 1) await alice.say(BOB, `held ${i}`);
  await bob.hears('held 3');
  // Each is looked at when it is due, by whichever process, and put off by half a minute.
  const { due } = await kept().ofUser('bob@example.org');
  const allDue = async () => {
    for (const member of await redis.zrange(due, '0', '-1'))
      await redis.zadd(due, 'XX', String(Date.now() - 1), member);
  };
  const allPutOff = async () =>
    (await redis.zcount(due, 0, Date.now() + 20_000)) === 0 && (await redis.zcard(due)) === 4;
  await until(allPutOff, { what: 'all to be put off' });
  await first?.stop();
  await stage.attach(SETTINGS);
  await allDue();
  await until(allPutOff, { what: 'all to be put off again' });
  expect([0, 1, 2, 3].map((i) => bob.count(`held ${i}`))).toEqual([1, 1, 1, 1]);
  await window.open('Pause and resume redelivery');
  await window.submit({ action: 'resume' });
  await allDue();
  await until(() => [0, 1, 2, 3].every((i) => bob.count(`held ${i}`) > 1), { what: 'all to be sent again' });
});

test('a cancelled message is not sent again by the other process either', async () => {
  await two();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  bob.autoReceipt = false;
  const id = await alice.say(BOB, 'Never mind');
  await until(() => bob.count('Never mind') >= 2, { what: 'a second copy' });
  await redis.sadd((await kept().ofMessage(keyOf(id))).from('alice@example.org'), keyOf(id));
  const window = new CommandWindow(alice, COMPONENT);
  await window.open('My undelivered messages');
  expect((await window.submit({ messages: keyOf(id), action: 'cancel' })).note).toBe('1 message cancelled.');
  const copies = bob.count('Never mind');
  await until(async () => (await kept().dueCount()) === 0, { what: 'nothing to be due' });
  bob.autoReceipt = true;
  await alice.delivered(await alice.say(BOB, 'Something else'));
  expect(bob.count('Never mind')).toBe(copies);
  expect(await redis.keys(`${stage.prefix}:redelivery:${keyOf(id)}*`)).toEqual([]);
});

test('forgetting a user among thousands of records does not hold up the others', async () => {
  await two({ ...SETTINGS, ...NO_COPIES });
  const admin = openfire.user('admin', 'desk');
  const carol = openfire.user('carol', 'phone');
  openfire.user('bob', 'desk');
  const alice = openfire.user('alice', 'phone');
  const ids = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => alice.say(BOB, `message ${i}`, { id: `a-${i}` })),
  );
  await alice.delivered(ids.at(-1) as string);
  const { shards } = kept();
  const stored = () => redis.exists(...ids.map((id) => shards.keysOfMessage(keyOf(id)).record(keyOf(id))));
  await until(async () => (await stored()) === 2000, { what: 'all' });
  // A receipt that comes when he is forgotten would be something about him again.
  await until(async () => (await kept().dueCount()) === 0, { what: 'all receipts' });
  const window = new CommandWindow(admin, COMPONENT);
  await window.open('Forget a user');
  const ask = await window.submit({ user: BOB });
  // On a busy machine the time is over before all are counted.
  expect(ask.instructions).toMatch(/(2000|More than \d+) messages of or to bob@example\.org are stored\./);
  const forgetting = window.submit({ confirm: 'true' });
  let served = 0;
  let done = false;
  void forgetting.then(() => {
    done = true;
  });
  while (!done) {
    await carol.acknowledged(await carol.say(`alice@${COMPONENT}`, 'Live'));
    served += 1;
  }
  let { note = '' } = await forgetting;
  // On a busy machine the command's time is over before the work is.
  while (note.includes('it goes on by itself')) {
    await window.open('Forget a user');
    await window.submit({ user: BOB });
    note = (await window.submit({ confirm: 'true' })).note ?? '';
  }
  expect(note).toMatch(/^\d+ messages erased; nothing about bob@example\.org is stored any more\.$/);
  // In one piece it would be one long wait for one message.
  expect(served).toBeGreaterThan(10);
  expect(await stored()).toBe(0);
  const values = await Promise.all(
    (await redis.keys(`${stage.prefix.slice(0, -1)}[.}]*`)).map(async (key) =>
      (await redis.type(key)) === 'hash' ? JSON.stringify(await redis.hgetall(key)) : key,
    ),
  );
  expect(values.filter((value) => value.includes('bob@'))).toEqual([]);
});
