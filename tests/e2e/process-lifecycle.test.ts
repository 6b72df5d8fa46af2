import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { LEDGER_FORMAT } from '../../src/store/redis/format.ts';
import { freePort } from '../support/process/ports.ts';
import { canNotify, NotifySocket } from '../support/process/service-manager.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { askRedis, startRedis } from '../support/servers/redis.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

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

function start(settings: Record<string, string> = {}, how?: 'npm'): ProxyProcess {
  running = new ProxyProcess(world.environment({ LOG_LEVEL: 'info', ...settings }), how);
  return running;
}

/** Whether somebody listens there. */
function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

test('SIGTERM: it finishes what is in hand, closes the stream and ends with 0', async () => {
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

test('SIGINT with a Redis that hangs: it ends in time all the same', async () => {
  const proxy = start({ SHUTDOWN_TIMEOUT: '2s' });
  await proxy.prints('The link is up');
  world.redis.freeze();
  // Without its own limit it would wait for Redis for ever.
  const { signal } = await proxy.signal('SIGINT');
  world.redis.thaw();
  expect(signal).toBeNull();
});

test('a wrong secret: one line says so and what to set, exit code 78', async () => {
  const proxy = start({ XMPP_COMPONENT_SECRET: 'not the secret' });
  expect(await proxy.exited).toEqual({ code: 78, signal: null });
  const lines = proxy.output.split('\n').filter((line) => line.includes('XMPP_COMPONENT_SECRET'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('xmpp.component.defaultSecret');
  expect(proxy.output).not.toContain('not the secret');
});

test('the port for clients: asked whether it is that', async () => {
  const proxy = start({ XMPP_SERVICE: `xmpp://127.0.0.1:${world.xmpp.c2sPort}` });
  await proxy.prints('the component port');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
});

test('LOG_LEVEL=debug: one message can be followed by its id, and its text is nowhere', async () => {
  const proxy = start({ LOG_LEVEL: 'trace', ...NO_COPIES });
  await proxy.prints('The link is up');
  const alice = await world.user('alice');
  await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'Meet me at the old mill', { id: 'followed' }));
  await proxy.prints('Message delivered');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  const lines = proxy.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const steps = lines.filter(({ id, msg }) => id === 'followed' && msg.startsWith('Message ')).map(({ msg }) => msg);
  // Whether the server proves the hand-over before or after the receipt comes, is its own affair.
  const decided = ['accepted', 'acknowledged', 'forwarded', 'confirmed', 'delivered', 'notified'];
  const expected = decided.map((step) => `Message ${step}`);
  expect(steps.filter((step) => expected.includes(step))).toEqual(expected);
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'Stanza received', stanza: 'message', id: 'followed' }));
  expect(proxy.output).not.toContain('old mill');
});

test('a Redis that may throw messages away is refused, exit code 78', async () => {
  const redis = await startRedis({ maxmemoryPolicy: 'allkeys-lru' });
  const proxy = start({ REDIS_URL: redis.url });
  expect(await proxy.exited).toEqual({ code: 78, signal: null });
  // One line, and not under a dozen of the queue library's.
  expect(proxy.output.match(/noeviction/g)).toHaveLength(1);
  expect(proxy.output.match(/allkeys-lru/g)).toHaveLength(1);
  await redis.stop();
});

test('a Redis that keeps nothing on disk is warned of in plain words', async () => {
  const redis = await startRedis({ appendonly: false });
  const proxy = start({ REDIS_URL: redis.url });
  await proxy.prints('all pending messages are lost when it restarts');
  await proxy.prints('The link is up');
  await proxy.signal('SIGKILL');
  await redis.stop();
});

test('faults of the configuration are told all at once, without secrets, exit code 78', async () => {
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

test('a version of @xmpp/component that lacks a member the link needs: it is named, exit code 78', async () => {
  const folder = await temporaryFolder('changed-library');
  try {
    const library = createRequire(import.meta.url).resolve('@xmpp/component-core');
    const preloaded = path.join(folder, 'changed.cjs');
    await writeFile(
      preloaded,
      `let owner = require(${JSON.stringify(library)}).Component.prototype;
      while (!Object.hasOwn(owner, '_onElement')) owner = Object.getPrototypeOf(owner);
      owner._handleElement = owner._onElement;
      delete owner._onElement;`,
    );
    const proxy = start({ NODE_OPTIONS: `--require "${preloaded}"` });
    expect(await proxy.exited).toEqual({ code: 78, signal: null });
    const lines = proxy.output.split('\n').filter((line) => line.includes('Component._onElement'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('package-lock.json');
  } finally {
    await removeFolder(folder);
  }
});

test('Redis is not there at start: it waits for it, and says what is wrong', async () => {
  const redis = await startRedis();
  await redis.kill();
  const proxy = start({ REDIS_URL: redis.url });
  await proxy.prints('Redis cannot be reached. It goes on by itself');
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

test('npm start: SIGTERM to npm stops the proxy itself, and ends with 0', async () => {
  const port = await freePort();
  const npm = start({ HTTP_PORT: `${port}` }, 'npm');
  await npm.prints('The link is up');
  expect(await isTaken(port)).toBe(true);
  expect(await npm.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(npm.output).toContain('Stopped');
  expect(await isTaken(port)).toBe(false);
});

(canNotify ? test : test.skip)(
  'systemd is told when HTTP answers, though the server is away, and when it stops',
  async () => {
    const folder = await temporaryFolder('notify');
    const systemd = await NotifySocket.open(path.join(folder, 'notify'));
    const port = await freePort();
    const proxy = start({
      XMPP_SERVICE: `xmpp://127.0.0.1:${await freePort()}`,
      HTTP_PORT: `${port}`,
      NOTIFY_SOCKET: systemd.path,
    });
    try {
      await until(() => systemd.heard.includes('READY=1'), { what: 'READY=1' });
      expect(await isTaken(port)).toBe(true);
      expect(systemd.heard).toContain('STATUS=Waiting for the XMPP server');
      expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
      await until(() => systemd.heard.includes('STOPPING=1'), { what: 'STOPPING=1' });
    } finally {
      systemd.close();
      await removeFolder(folder);
    }
  },
);

test('SIGTERM while the server is away: Stopped, 0', async () => {
  const proxy = start({ XMPP_SERVICE: `xmpp://127.0.0.1:${await freePort()}` });
  await proxy.prints('Next attempt');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(proxy.output).toContain('Stopped');
});

test('SIGTERM while Redis is awaited: Stopped, 0', async () => {
  const proxy = start({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, SHUTDOWN_TIMEOUT: '2s' });
  await proxy.prints('ECONNREFUSED');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(proxy.output).toContain('Stopped');
});

test('SIGTERM while nothing is there at all: Stopped, 0', async () => {
  const nowhere = await freePort();
  const proxy = start({
    REDIS_URL: `redis://127.0.0.1:${nowhere}`,
    XMPP_SERVICE: `xmpp://127.0.0.1:${nowhere}`,
    SHUTDOWN_TIMEOUT: '2s',
  });
  await proxy.prints('Next attempt');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(proxy.output).toContain('Stopped');
});

describe('what only other settings mend ends with 78 and a line that names them', () => {
  const limited = async (rules: string) => {
    expect(await askRedis(world.redis.port, `ACL SETUSER limited reset on >pw ~* &* ${rules}`)).toBe('+OK');
    return { REDIS_URL: `redis://limited:pw@127.0.0.1:${world.redis.port}` };
  };

  const ledgerOf = async (prefix: string, format: number, shards: number) => {
    const mark = `HSET ${prefix}:identity id another count 1 since 1 format ${format} shards ${shards}`;
    expect(await askRedis(world.redis.port, mark)).toBe(':5');
    return { REDIS_PREFIX: prefix };
  };

  const cases: [string, () => Promise<Record<string, string>>, RegExp][] = [
    [
      'a ledger that a newer version has written',
      () => ledgerOf('{newer}', LEDGER_FORMAT + 1, 16),
      new RegExp(`A newer version has written what is in Redis .format ${LEDGER_FORMAT + 1}; this one knows up to`),
    ],
    [
      'a ledger of another number of shards',
      async () => ({ ...(await ledgerOf('{fewer}', LEDGER_FORMAT, 4)), SHARDS: '16' }),
      /SHARDS/,
    ],
    ['a command that the ACL forbids', () => limited('+@all -zadd'), /forbids the user of REDIS_URL.*ZADD/],
    ['scripts that the ACL forbids', () => limited('+@all -evalsha -eval'), /ACL.*docs\/operations\.md/],
    ['keys that the ACL forbids', () => limited('+@all resetkeys ~other:*'), /ACL.*docs\/operations\.md/],
    [
      'a wrong password',
      async () => ({ REDIS_URL: `redis://nobody:pw@127.0.0.1:${world.redis.port}` }),
      /refuses the password.*REDIS_URL/,
    ],
    [
      'a database that there is not',
      async () => ({ REDIS_URL: `${world.redis.url}/99` }),
      /no database of the number that REDIS_URL ends with/,
    ],
    ['a port that is taken', async () => ({ HTTP_PORT: `${world.redis.port}` }), /HTTP_PORT: port \d+ .* is taken/],
    [
      'an address that is not this machine’s',
      async () => ({ HTTP_HOST: '192.0.2.1', DASHBOARD_PASSWORD: 'pw' }),
      /HTTP_HOST: 192\.0\.2\.1 is no address of this machine/,
    ],
  ];

  test.each(cases)('%s', async (_, settings, said) => {
    const proxy = start(await settings());
    expect(await proxy.exited).toEqual({ code: 78, signal: null });
    const fatal = proxy.output.split('\n').filter((line) => line.includes('"level":"fatal"'));
    expect(fatal).toHaveLength(1);
    expect(fatal[0]).toMatch(said);
    expect(proxy.output).not.toContain('pw@');
  });
});
