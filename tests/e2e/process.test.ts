import { ProxyProcess } from '../support/proxy-process.ts';
import { startRedis } from '../support/redis.ts';
import { NO_COPIES, OWN_SERVER, World } from '../support/world.ts';

// Needs users and a server that are ours to do with as we like.
const onOwnServer = OWN_SERVER ? test : test.skip;

let world: World;
let running: ProxyProcess | undefined;

beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());
afterEach(async () => {
  await running?.signal('SIGKILL');
  running = undefined;
  await world.empty();
});

function start(settings: Record<string, string> = {}): ProxyProcess {
  running = new ProxyProcess(world.environment({ LOG_LEVEL: 'info', ...settings }));
  return running;
}

onOwnServer('SIGTERM: it finishes what is in hand, closes the stream and ends with 0', async () => {
  const proxy = start(NO_COPIES);
  await proxy.prints('The link is up');
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  for (let i = 0; i < 50; i += 1) await alice.say(world.proxied('bob'), `message ${i}`, { id: `m-${i}` });
  await alice.acknowledged('m-49');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  await bob.hears('message 49');
  expect(bob.bodies()).toHaveLength(50);
});

onOwnServer('SIGINT with a Redis that hangs: it ends in time all the same', async () => {
  const proxy = start({ SHUTDOWN_TIMEOUT: '2s' });
  await proxy.prints('The link is up');
  world.redis.freeze();
  const before = Date.now();
  await proxy.signal('SIGINT');
  world.redis.thaw();
  // Of its two seconds, on a machine that may be busy; without them it would wait for Redis for ever.
  expect(Date.now() - before).toBeLessThan(15_000);
});

onOwnServer('a wrong secret: one line says so and what to set, exit code 78', async () => {
  const proxy = start({ XMPP_COMPONENT_SECRET: 'not the secret' });
  expect(await proxy.exited).toEqual({ code: 78, signal: null });
  const lines = proxy.output.split('\n').filter((line) => line.includes('XMPP_COMPONENT_SECRET'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('xmpp.component.defaultSecret');
  expect(proxy.output).not.toContain('not the secret');
});

onOwnServer('a Redis that may throw messages away is refused, exit code 78', async () => {
  const redis = await startRedis({ maxmemoryPolicy: 'allkeys-lru' });
  const proxy = start({ REDIS_URL: redis.url });
  expect(await proxy.exited).toEqual({ code: 78, signal: null });
  expect(proxy.output).toContain('maxmemory-policy noeviction');
  await redis.stop();
});

onOwnServer('a Redis that keeps nothing on disk is warned of in plain words', async () => {
  const redis = await startRedis({ appendonly: false });
  const proxy = start({ REDIS_URL: redis.url });
  await proxy.prints('all pending messages are lost when it restarts');
  await proxy.prints('The link is up');
  await proxy.signal('SIGKILL');
  await redis.stop();
});

onOwnServer('faults of the configuration are told all at once, without secrets, exit code 78', async () => {
  const proxy = start({
    XMPP_SERVICE: 'http://x',
    RETRY_SCHEDULE: 'soon',
    MAX_STANZA_BYTES: '-1',
    XMPP_COMPONENT_SECRTE: 'hush',
  });
  expect(await proxy.exited).toEqual({ code: 78, signal: null });
  for (const name of ['XMPP_SERVICE', 'RETRY_SCHEDULE', 'MAX_STANZA_BYTES', 'XMPP_COMPONENT_SECRTE']) {
    expect(proxy.output).toContain(name);
  }
  expect(proxy.output).not.toContain('hush');
});

onOwnServer('Redis is not there at start: it waits for it, and says what is wrong', async () => {
  const redis = await startRedis();
  await redis.kill();
  const proxy = start({ REDIS_URL: redis.url });
  await proxy.prints('Redis cannot be reached');
  await proxy.prints('The link is up');
  await redis.restart();
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  const id = await alice.say(world.proxied('bob'), 'At last');
  await bob.hears('At last');
  await alice.delivered(id);
  await proxy.signal('SIGKILL');
  await redis.stop();
});
