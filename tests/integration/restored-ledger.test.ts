// Redis is set back to an older copy: what was pending in that waits for an operator's word.

import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { RestoredCopy } from '../../src/store/redis/restored-copy.ts';
import { DEFAULT_SHARDS, Shards } from '../../src/store/redis/shards.ts';
import { ScriptedGate } from '../support/gate/scripted-gate.ts';
import { temporaryFolder } from '../support/process/temporary.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const { jest } = import.meta;

let folder: string;
let redis: RedisServer;
let it: PeerProxy;
/** What alice was sent. */
let heard: string[];

beforeEach(async () => {
  folder = await temporaryFolder('restored');
  redis = await startRedis({ dir: folder });
});

afterEach(async () => {
  await it?.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(settings: Record<string, string> = {}): Promise<void> {
  it = await PeerProxy.start(redis.url, { LOG_LEVEL: 'error', ...settings });
  heard = [];
  it.peer.on('stanza', (stanza) => {
    if (stanza.attrs.to?.startsWith('alice@') && stanza.getChild('stored') === undefined) heard.push(stanza.toString());
  });
  await it.ready();
}

const data = () => path.join(folder, 'appendonlydir');
const copy = () => path.join(folder, 'copy');

/** With Redis standing still, as copies of its disk are made. */
async function copied(): Promise<void> {
  await redis.kill();
  await cp(data(), copy(), { recursive: true });
  await redis.restart();
  await it.ready();
}

const count = async () => Number((await askRedis(redis.port, 'HINCRBY {receipts}:identity count 0')).slice(1));

async function restored(): Promise<void> {
  // As if much time had passed since.
  await askRedis(redis.port, 'HINCRBY {receipts}:identity count 1000');
  const before = await count();
  await until(async () => (await count()) > before + 1, { what: 'a probe' });
  await redis.kill();
  await rm(data(), { recursive: true });
  await cp(copy(), data(), { recursive: true });
  await redis.restart();
  const asks = async () => (await fetch(`${it.proxy.url}/api/restored`)).status === 200;
  await until(asks, { what: 'the finding' });
  await it.ready();
}

const copiesOf = (text: string, most: number) =>
  until(() => it.copies(text) >= most, { what: `${most} copies of ${text}` });

/** All that is pending is due, and a later message is sent again by the clock: so would be what is held back. */
async function clockPasses(text: string): Promise<void> {
  const client = new Redis(redis.url);
  for (const { due } of new Shards('{receipts}', DEFAULT_SHARDS).keys) {
    for (const key of await client.zrange(due, '0', '-1')) await client.zadd(due, 1, key);
  }
  await client.quit();
  await it.acknowledged(text);
  await copiesOf(text, 2);
}

async function say(action: string): Promise<unknown> {
  const response = await fetch(`${it.proxy.url}/api/restored`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action }),
  });
  return response.status === 200 ? response.json() : response.status;
}

const HELD = /^An older copy of the data in Redis was restored.*pending in it: 1\. None is sent again.*\/api\/restored/;

test('old-redis-copy: what was pending in it is not sent again and nobody is told, also after a restart, until an operator says: send', async () => {
  await start();
  const id = await it.acknowledged('old');
  await copied();
  await it.confirmed(id);
  const before = it.copies('old');
  heard.length = 0;
  await restored();
  await clockPasses('fresh');
  expect(it.copies('old')).toBe(before);
  expect(heard).toEqual([]);
  expect((await it.readyz()).warnings).toContainEqual(expect.stringMatching(HELD));
  expect(it.lines.filter(({ msg }) => HELD.test(String(msg)))).toHaveLength(1);

  await it.close();
  await start();
  await clockPasses('fresh 2');
  expect(it.copies('old')).toBe(0);
  expect((await it.readyz()).warnings).toContainEqual(expect.stringMatching(HELD));
  expect(await say('send')).toEqual({ pending: 1, ended: 0, done: true });
  await until(() => it.copies('old') > 0, { what: 'the old one', within: 60_000 });
  await it.confirmed(id);
  expect((await it.readyz()).warnings.filter((text) => HELD.test(text))).toEqual([]);
  expect(await say('send')).toBe(404);
});

test('end: its sender is told that nobody knows, and it is not sent', async () => {
  await start();
  const id = await it.acknowledged('old');
  await copied();
  await it.confirmed(id);
  const before = it.copies('old');
  heard.length = 0;
  await restored();
  expect(await say('end')).toEqual({ pending: 1, ended: 1, done: true });
  await until(() => heard.length > 0, { what: 'what alice is told' });
  expect(heard).toEqual([expect.stringMatching(`<unconfirmed[^>]* id="${id}"`)]);
  await clockPasses('fresh');
  expect(it.copies('old')).toBe(before);
  expect((await it.readyz()).warnings.filter((text) => text.startsWith('An older copy'))).toEqual([]);
});

test('without a word it ends when MESSAGE_TTL has passed, and its sender is told', async () => {
  await start({ MESSAGE_TTL: '8s', RETRY_SCHEDULE: '30s' });
  await it.acknowledged('old');
  await copied();
  await until(() => heard.length > 0, { what: 'its end' });
  heard.length = 0;
  const before = it.copies('old');
  const at = Date.now();
  await restored();
  await until(() => heard.length > 0, { what: 'its end, once more', within: 60_000 });
  expect(Date.now() - at).toBeGreaterThan(8000);
  expect(heard).toEqual([expect.stringMatching(/type="error"/)]);
  // The error that she is sent has its body.
  expect(it.copies('old')).toBe(before + 1);
});

test('a process that starts together with the copy waits for what the gate says of it, before anything of that ends', async () => {
  const settings = { MODE: 'transparent', MESSAGE_TTL: '8s', RETRY_SCHEDULE: '30s' };
  it = await PeerProxy.start(redis.url, settings);
  const first = new ScriptedGate(it.peer);
  await it.ready();
  first.tells(
    '<held n="epoch-1"><message xmlns="jabber:client" from="alice@example.org/phone" to="bob@example.org" type="chat" id="m"><body>old</body></message></held>',
  );
  await until(() => first.given('stored').length === 1, { what: 'the verdict' });
  const at = Date.now();
  const client = new Redis(redis.url);
  const id = await client.hget('{receipts}:identity', 'id');
  await client.quit();
  await it.close();
  await until(() => Date.now() - at > 9000, { what: 'the end of its lifetime' });

  const newer = { ledger: `${id} ${(await count()) + 1000}` };
  it = await PeerProxy.start(redis.url, { LOG_LEVEL: 'error', ...settings });
  const gate = new ScriptedGate(it.peer, { terms: newer, answersAfter: 1500 });
  await it.ready();
  await until(async () => (await it.readyz()).warnings.some((text) => HELD.test(text)), { what: 'the finding' });
  // A look at Redis that was under way says that first; the next one compares it with what the gate has said.
  await until(async () => (await it.metric('ledger_losses_total')) === 1, { what: 'the loss' });
  const before = await count();
  await until(async () => (await count()) > before + 3, { what: 'sweeps' });
  expect(gate.given('tell')).toEqual([]);
  expect(await say('end')).toEqual({ pending: 1, ended: 1, done: true });
});

describe('who finds it', () => {
  let client: Redis;
  const shards = new Shards('{receipts}', 4);
  const process = () => new RestoredCopy({ redis: client, shards, messageTtl: 60_000 });
  const IDENTITY = '{receipts}:identity';

  beforeEach(() => {
    client = new Redis(redis.url);
  });
  afterEach(() => client.quit());

  test('a process that finds it later finds nothing that another has not, whatever the word was', async () => {
    const [first, second] = [process(), process()];
    await client.hset(IDENTITY, 'id', 'a', 'count', 1000, 'since', 1);
    await Promise.all([first.read(), second.read()]);
    await client.hset(IDENTITY, 'count', 5);
    await first.read();
    expect(await first.state()).toEqual({ upto: expect.any(Number), pending: 0, isEnding: false });
    await first.letGo();
    await second.read();
    expect(await second.state()).toBeUndefined();
    // Set back once more.
    await client.hset(IDENTITY, 'count', 700);
    await second.read();
    await client.hset(IDENTITY, 'count', 5);
    await client.hdel(IDENTITY, 'replaced');
    await second.read();
    expect(await second.state()).toBeDefined();
  });

  test('another ledger that is old is one; an empty one, and a replica that was a little behind, are none', async () => {
    const one = process();
    await client.hset(IDENTITY, 'id', 'a', 'count', 1000, 'since', 1);
    await one.read();
    await client.hset(IDENTITY, 'count', 990);
    await one.read();
    expect(await one.state()).toBeUndefined();
    await client.hset(IDENTITY, 'id', 'b', 'count', 1, 'since', Math.floor(Date.now() / 1000));
    await one.read();
    expect(await one.state()).toBeUndefined();
    await client.hset(IDENTITY, 'id', 'c', 'count', 1, 'since', 1);
    await one.read();
    expect(await one.state()).toBeDefined();
  });

  test('a process that starts together with the copy knows it by the gate, also when Redis does not answer at first', async () => {
    const one = process();
    await client.hset(IDENTITY, 'id', 'a', 'count', 5, 'since', 1);
    await one.read();
    expect(one.known).toEqual({ id: 'a', count: 5 });
    const asked = jest.spyOn(client, 'hmget').mockRejectedValueOnce(new Error('as the test wants it'));
    await expect(one.heard({ id: 'a', count: 1000 })).rejects.toThrow();
    asked.mockRestore();
    // A look that was under way, and was taken before.
    await Promise.all([one.saw({ id: 'a', count: 6 }), one.heard({ id: 'a', count: 1000 })]);
    expect(await one.state()).toBeDefined();
    expect(one.known).toEqual({ id: 'a', count: 5 });
  });

  test('a ledger that was made after the gate was told of another one is no copy, however old it is by now', async () => {
    const seconds = (ago: number) => Math.floor(Date.now() / 1000) - ago;
    await client.hset(IDENTITY, 'id', 'new', 'count', 1800, 'since', seconds(3600));
    const one = process();
    await one.read();
    await one.heard({ id: 'before', count: 9000 }, 3_610_000);
    expect(await one.state()).toBeUndefined();
    const other = process();
    await client.hset(IDENTITY, 'id', 'older', 'since', seconds(7200));
    await client.hdel(IDENTITY, 'replaced');
    await other.heard({ id: 'before', count: 9000 }, 3_610_000);
    expect(await other.state()).toBeDefined();
  });

  test('another copy that is restored after the wrong one is one as well', async () => {
    const one = process();
    await client.hset(IDENTITY, 'id', 'a', 'count', 9000, 'since', 1);
    await one.read();
    await client.hset(IDENTITY, 'count', 2000);
    await one.read();
    expect(await one.state()).toBeDefined();
    await one.letGo();
    await client.hset(IDENTITY, 'count', 2040);
    await one.read();
    expect(await one.state()).toBeUndefined();
    await client.hset(IDENTITY, 'count', 5000);
    await client.hdel(IDENTITY, 'replaced');
    await one.read();
    expect(await one.state()).toBeDefined();
  });

  test('a copy that was itself taken after a restoring, and has the note of that, is one', async () => {
    const one = process();
    const hourAgo = Math.floor(Date.now() / 1000) - 3600;
    await client.hset(IDENTITY, 'id', 'a', 'count', 8000, 'since', 1, 'replaced', `9000 a ${hourAgo}`);
    await one.read();
    await client.hset(IDENTITY, 'count', 2500);
    await one.read();
    expect(await one.state()).toBeDefined();
    // It is found once.
    await one.letGo();
    await client.hset(IDENTITY, 'count', 2501);
    await one.read();
    expect(await one.state()).toBeUndefined();
  });

  test('what was found is not found again when the clock of Redis steps, or the machine has slept', async () => {
    const one = process();
    await client.hset(IDENTITY, 'id', 'a', 'count', 1000, 'since', 1);
    await one.read();
    await client.hset(IDENTITY, 'count', 5);
    await one.read();
    const found = await client.hget(IDENTITY, 'replaced');
    expect(found).toMatch(/^1000 a /);
    const stepped = jest.spyOn(client, 'time').mockResolvedValue([Math.floor(Date.now() / 1000) + 86_400, 0]);
    try {
      await client.hset(IDENTITY, 'count', 6);
      await one.read();
      expect(await client.hget(IDENTITY, 'replaced')).toBe(found);
    } finally {
      stepped.mockRestore();
    }
  });

  test('what others have seen of it is no loss where it is what is there now, or older', async () => {
    const one = process();
    await client.hset(IDENTITY, 'id', 'a', 'count', 1000, 'since', 1);
    await one.read();
    await one.heard({ id: 'a', count: 995 });
    await one.heard({ id: 'a', count: 1005 });
    await one.heard({ id: 'a', count: 3 });
    expect(await one.state()).toBeUndefined();
  });
});
