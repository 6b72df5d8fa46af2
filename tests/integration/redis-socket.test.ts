// Redis by its Unix socket, as docs/operations.md has it for one machine.
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';

const PASSWORD = 'p@ss/word?';

let redis: RedisServer;
let it: PeerProxy;

beforeAll(async () => {
  redis = await startRedis({ settings: { requirepass: PASSWORD }, password: PASSWORD });
});
afterAll(() => redis.stop());
afterEach(() => it.close());

const withLogin = (user: string, password: string) =>
  redis.socketUrl.replace('unix://', `unix://${user}:${encodeURIComponent(password)}@`);

test('with a password and a database of its own, also for jobs, and again when Redis was restarted', async () => {
  it = await PeerProxy.start(`${withLogin('default', PASSWORD)}?db=3`);
  await it.ready();
  await it.confirmed(await it.acknowledged('by the socket'));
  const client = new Redis({ port: redis.port, password: PASSWORD, db: 3 });
  try {
    // All of it is in that database, and nobody came by the port but this client.
    expect(await client.info('keyspace')).toMatch(/^# Keyspace\r\ndb3:[^\n]*\n$/);
    const clients = ((await client.client('LIST')) as string).trim().split('\n');
    expect(clients.filter((line) => !line.includes(`addr=${redis.socketUrl.slice(7)}:0`))).toHaveLength(1);
    expect(clients.length).toBeGreaterThan(3);
  } finally {
    client.disconnect();
  }
  await redis.restart();
  await it.confirmed(await it.acknowledged('after it'));
});

test('a wrong password, and a socket that is not there, are said, and no password is logged', async () => {
  await expect(PeerProxy.start(withLogin('', 'hush-hush'))).rejects.toThrow('refuses the password');
  it = await PeerProxy.start(`${withLogin('', 'hush-hush')}.gone`, { LOG_LEVEL: 'debug' });
  await it.unready(/Redis cannot be reached/);
  expect(it.lines.length).toBeGreaterThan(0);
  expect(JSON.stringify(it.lines)).not.toContain('hush');
});
