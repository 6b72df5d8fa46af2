import { Redis } from 'ioredis';
import { MAY_END_SERVER, NO_COPIES, World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { until } from '../support/time/until.ts';

let world: World;

beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());
afterEach(async () => {
  await world.empty();
  await world.stopProxy();
});

test('Redis hangs: nothing is acknowledged, the sender is told to try later, and all recovers by itself', async () => {
  await world.startProxy({}, { pipelineTimeout: 1000 });
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'Before'));
  world.redis.freeze();
  const id = await alice.say(world.proxied('bob'), 'During');
  const refusal = await alice.failed(id);
  expect(refusal.getChild('error')?.attrs.type).toBe('wait');
  expect(refusal.getChild('error')?.getChild('resource-constraint')).toBeDefined();
  expect(alice.count((stanza) => stanza.getChild('stored')?.attrs.id === id)).toBe(0);
  expect(await world.proxy.problems()).toEqual([expect.stringContaining('Redis does not answer')]);
  world.redis.thaw();
  // Her client sends it again, as it was told to.
  await alice.say(world.proxied('bob'), 'During', { id });
  await alice.acknowledged(id);
  await bob.hears('During');
  await alice.delivered(id);
  expect(await world.proxy.problems()).toEqual([]);
});

test('what was refused because Redis hung is not delivered after all when it goes on', async () => {
  await world.startProxy({}, { pipelineTimeout: 1000 });
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'Before'));
  world.redis.freeze();
  await alice.failed(await alice.say(world.proxied('bob'), 'Refused'));
  world.redis.thaw();
  await alice.delivered(await alice.say(world.proxied('bob'), 'After'));
  // Nothing is left that a sweep could send.
  const redis = new Redis(world.redis.url);
  const kept = new KeptShards(redis);
  await until(async () => (await kept.dueCount()) === 0, { what: 'no message due' });
  redis.disconnect();
  expect(bob.count('Refused')).toBe(0);
});

test('Redis is restarted while messages come: each acknowledged one arrives', async () => {
  await world.startProxy(NO_COPIES);
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'Before'));
  await world.redis.kill();
  const ids = [];
  for (let i = 0; i < 20; i += 1) ids.push(await alice.say(world.proxied('bob'), `down ${i}`));
  await world.redis.restart();
  for (const id of ids) await alice.acknowledged(id);
  for (const id of ids) await alice.delivered(id);
  expect(bob.bodies().filter((body) => body.startsWith('down'))).toEqual(ids.map((_, i) => `down ${i}`));
});

(MAY_END_SERVER ? test : test.skip)('the XMPP server is restarted: the link comes back and messages flow', async () => {
  // No retry but for the link's sake: whoever is offline would find each in Prosody's storage, which knows no hints.
  const proxy = await world.startProxy({ UNCONFIRMED_RETRY_AFTER: '30s' });
  const before = await world.user('alice');
  await before.acknowledged(await before.say(world.proxied('carol'), 'Before'));
  // From here on the server has it, and it is not sent again for the link's sake.
  await until(() => proxy.metrics.counts.handedOver === 1, { what: 'the hand-over' });
  const offline = new Promise<string>((resolve) => proxy.link.once('offline', resolve));
  const online = new Promise<void>((resolve) => proxy.link.once('online', resolve));
  await world.xmpp.process?.restart();
  await offline;
  await online;
  const alice = await world.comesBack('alice');
  const carol = await world.comesBack('carol');
  await alice.delivered(await alice.say(world.proxied('carol'), 'After'));
  expect(carol.count('Before')).toBe(1);
});

test('the proxy is stopped: what it has acknowledged is in the server’s hands or in Redis, and the next one goes on', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  await world.startProxy();
  const ids = [];
  for (let i = 0; i < 100; i += 1) ids.push(await alice.say(world.proxied('bob'), `message ${i}`));
  await alice.acknowledged(ids[99] as string);
  await world.stopProxy();
  await world.startProxy({}, { lease: 1000 });
  for (const id of ids) await alice.delivered(id);
  await until(() => new Set(bob.bodies()).size === 100, { what: 'all messages' });
});

test('two proxies share one Redis, and neither sends what the other has in hand', async () => {
  const alice = await world.user('alice');
  const bob = await world.user('bob', { autoReceipt: false });
  await world.startProxy({ RETRY_SCHEDULE: '1s,1h' });
  const other = new World(world.xmpp, world.redis, 'receipts2');
  await other.startProxy({ RETRY_SCHEDULE: '1s,1h' });
  const { from } = await firstReceipt(alice, bob);
  for (let i = 0; i < 50; i += 1) await alice.say(world.proxied('bob'), `twice ${i}`);
  await until(() => world.proxy.metrics.counts.redelivered + other.proxy.metrics.counts.redelivered >= 50, {
    what: 'the redeliveries of both',
  });
  // Those of the other come over a link of its own.
  const twice = () => Array.from({ length: 50 }, (_, i) => bob.count(`twice ${i}`)).every((count) => count >= 2);
  await until(twice, { what: 'the second copies' });
  await alice.say(world.proxied('bob'), 'the last');
  await bob.hears('the last');
  for (let i = 0; i < 50; i += 1) expect(bob.count(`twice ${i}`)).toBe(2);
  expect(from).toBeDefined();
  await other.stopProxy();
});

/** Makes bob known to return receipts. */
async function firstReceipt(alice: Awaited<ReturnType<World['user']>>, bob: typeof alice): Promise<{ from: string }> {
  const id = await alice.say(world.proxied('bob'), 'Known?');
  const { from } = (await bob.hears('Known?')).attrs as { from: string };
  await bob.send(`<message to="${from}"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`);
  await alice.delivered(id);
  return { from };
}
