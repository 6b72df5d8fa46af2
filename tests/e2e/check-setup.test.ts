import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { faketime } from '../../faults/clock.ts';
import { loadConfig } from '../../src/config/config.ts';
import { examine, exitStatus } from '../../src/doctor/doctor.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { BYTES, checkMemory } from '../../src/doctor/memory-plan.ts';
import { setPatience } from '../../src/doctor/patience.ts';
import { checkExposure, checkNode } from '../../src/doctor/process-checks.ts';
import type { Account } from '../../src/doctor/user-client.ts';
import { settle } from '../../src/store/contract.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { startOpenfire } from '../support/openfire/openfire.ts';
import { freePort } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { ejabberdAvailable, startEjabberd } from '../support/servers/ejabberd.ts';
import { type ProsodyServer, startProsody } from '../support/servers/prosody.ts';
import { askRedis, askRedisForAll, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { aliceWrites, openLedger } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

/** One test for each thing that `openfire-receipts check` can find, against real servers. */

const OWN = 'receipts.localhost';
const SECRET = 'component-secret';
const WELL = { 'maxmemory-policy': 'noeviction', appendfsync: 'always', maxmemory: '200mb' };
/** A password that is not easily guessed, and a quota that fits the memory. */
const FINE = { DASHBOARD_PASSWORD: 'jk3Vd8sQ2mZx', SENDER_PENDING_BYTES: '10000000' };

// Nothing here is about how long something takes.
setPatience(20);

let prosody: ProsodyServer;
let redis: RedisServer;

beforeAll(async () => {
  [prosody, redis] = await Promise.all([
    startProsody({
      users: { alice: 'pw' },
      components: [
        { domain: OWN, secret: SECRET },
        { domain: 'receipts2.localhost', secret: SECRET },
        { domain: 'receipts.elsewhere', secret: SECRET },
      ],
      gate: true,
      modules: ['version'],
    }),
    startRedis({ settings: WELL }),
  ]);
});
afterAll(async () => {
  await Promise.all([prosody.stop(), redis.stop()]);
});

let port = 0;
beforeEach(async () => {
  port = await freePort();
});

function environment(settings: Record<string, string> = {}): Record<string, string> {
  return {
    XMPP_SERVICE: `xmpp://127.0.0.1:${prosody.componentPort}`,
    XMPP_COMPONENT_DOMAIN: OWN,
    XMPP_COMPONENT_SECRET: SECRET,
    XMPP_SERVED_DOMAIN: 'localhost',
    REDIS_URL: redis.url,
    HTTP_PORT: `${port}`,
    ...FINE,
    ...settings,
  };
}

function check(settings: Record<string, string> = {}, account?: Account): Promise<Finding[]> {
  return examine(loadConfig(environment(settings)), { account });
}

/** The level and text of what was found under an id. */
function found(findings: readonly Finding[], id: string): string[] {
  return findings.filter((finding) => finding.id === id).map(({ level, text }) => `${level}: ${text}`);
}

const amiss = (findings: readonly Finding[]) =>
  findings.filter(({ level }) => level === 'problem' || level === 'warning').map(({ id }) => id);

async function withRedis(
  settings: Record<string, string>,
  look: (findings: Finding[], server: RedisServer) => unknown,
  prepare: (server: RedisServer) => Promise<string> = async ({ url }) => url,
): Promise<void> {
  const server = await startRedis({ settings: { ...WELL, ...settings } });
  try {
    await look(await check({ REDIS_URL: await prepare(server) }), server);
  } finally {
    await server.stop();
  }
}

describe('all is well', () => {
  test('nothing is amiss; it ends with 0', async () => {
    const findings = await check({ MODE: 'transparent' });
    expect(amiss(findings)).toEqual([]);
    expect(exitStatus(findings)).toBe(0);
    expect(found(findings, 'xmpp')).toEqual([expect.stringContaining('ok: xmpp://127.0.0.1')]);
    expect(found(findings, 'xmpp.software')).toEqual([expect.stringMatching(/^ok: It is Prosody 0/)]);
    expect(found(findings, 'xmpp.items')).toEqual([expect.stringMatching(/^ok: /)]);
    expect(found(findings, 'xmpp.offline')).toEqual([expect.stringMatching(/^ok: /)]);
    expect(found(findings, 'gate')).toEqual([expect.stringMatching(/^ok: The gate 0\.1\.0 is in Prosody 0/)]);
    expect(found(findings, 'clock')).toEqual([expect.stringMatching(/^ok: /)]);
  });

  test('the command prints what is found, and ends with 1', () => {
    const cli = path.resolve(import.meta.dirname, '../../src/cli.ts');
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', cli, 'check', '--json'], {
      cwd: path.resolve(import.meta.dirname, '..'),
      env: { PATH: process.env.PATH, ...environment({ XMPP_COMPONENT_SECRET: 'not-it' }) },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    const said = JSON.parse(stdout) as { status: number; findings: Finding[] };
    expect(said.status).toBe(1);
    expect(amiss(said.findings)).toEqual(['xmpp.secret']);
    expect(stdout).not.toContain('not-it');
  });
});

describe('the process', () => {
  test('an old Node.js', () => {
    expect(checkNode({ wanted: '>=20.12', found: '20.9.0' })).toMatchObject([{ level: 'problem', id: 'node' }]);
    expect(checkNode({ wanted: '>=20.12', found: '20.12.0' })).toMatchObject([{ level: 'ok' }]);
    expect(checkNode({ wanted: '>=20.12', found: '22.1.0' })).toMatchObject([{ level: 'ok' }]);
  });

  test("the dashboard's exposure", () => {
    const base = { port: 3184, user: 'admin' };
    const ids = (http: Parameters<typeof checkExposure>[0]) => amiss(checkExposure(http));
    expect(ids({ ...base, host: '127.0.0.1', password: FINE.DASHBOARD_PASSWORD })).toEqual([]);
    expect(ids({ ...base, host: '127.0.0.1' })).toEqual(['http.open']);
    expect(ids({ ...base, host: '0.0.0.0', password: 'change-me' })).toEqual(['http.exposed', 'http.weak']);
  });

  test('its port is taken by another program', async () => {
    const other = net.createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    expect(found(await check(), 'http.port')).toEqual([expect.stringMatching(/^problem: Another program has port/)]);
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('Redis', () => {
  test('is not there; what the server says is found all the same', async () => {
    const findings = await check({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, XMPP_COMPONENT_SECRET: 'no' });
    expect(amiss(findings)).toEqual(['redis', 'xmpp.secret']);
    expect(found(findings, 'redis')).toEqual([expect.stringMatching(/^problem: Redis cannot be reached/)]);
  });

  test('wants a password', () =>
    withRedis(
      {},
      (findings) => expect(found(findings, 'redis')).toEqual([expect.stringContaining('refuses the password')]),
      async (server) => {
        await askRedis(server.port, 'CONFIG SET requirepass hush');
        return server.url;
      },
    ));

  test('evicts, keeps nothing, has no limit', () =>
    withRedis({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', maxmemory: '0' }, (findings) => {
      expect(found(findings, 'redis.setup')).toEqual([
        expect.stringMatching(/^problem: .*maxmemory-policy is "allkeys-lru"/),
        expect.stringMatching(/^warning: Redis keeps nothing on disk/),
      ]);
      expect(found(findings, 'redis.memory.limit')).toEqual([expect.stringMatching(/^warning: /)]);
    }));

  test('has a user who may not do all that is needed', () =>
    withRedis(
      {},
      (findings) =>
        expect(found(findings, 'redis.setup')).toEqual([expect.stringMatching(/^problem: .*forbids.*ZADD/)]),
      async (server) => {
        await askRedis(server.port, 'ACL SETUSER few on >pw ~* &* +@all -zadd');
        return server.url.replace('//', '//few:pw@');
      },
    ));

  test('is a replica', () =>
    withRedis(
      {},
      (findings) =>
        expect(found(findings, 'redis.write')).toEqual([expect.stringMatching(/^problem: .*read-only replica/)]),
      async (server) => {
        await askRedis(server.port, `REPLICAOF 127.0.0.1 ${redis.port}`);
        return server.url;
      },
    ));

  test('has no replica that DURABILITY demands; then it has', async () => {
    const [primary, replica] = await Promise.all([
      startRedis({ settings: { ...WELL, 'repl-diskless-sync-delay': '0' } }),
      startRedis({ settings: WELL }),
    ]);
    try {
      const look = async () =>
        found(await check({ REDIS_URL: primary.url, DURABILITY: 'replicas:1' }), 'redis.durability');
      expect(await look()).toEqual([
        expect.stringMatching(/^problem: .* 0 of 1 replicas have confirmed in time \(replicas connected: 0\)/),
      ]);
      await askRedis(replica.port, `REPLICAOF 127.0.0.1 ${primary.port}`);
      await until(async () => (await askRedis(primary.port, 'WAIT 1 200')) === ':1', { what: 'the replica' });
      expect(await look()).toEqual([expect.stringMatching(/^ok: .*DURABILITY=replicas:1 .*connected: 1\)$/)]);
    } finally {
      await Promise.all([primary.stop(), replica.stop()]);
    }
  });

  test('has no disk as DURABILITY demands', async () => {
    const server = await startRedis({ settings: WELL });
    try {
      const look = async () => found(await check({ REDIS_URL: server.url, DURABILITY: 'disk' }), 'redis.durability');
      expect(await look()).toEqual([expect.stringMatching(/^ok: .*DURABILITY=disk demands/)]);
      await askRedis(server.port, 'CONFIG SET appendonly no');
      expect(await look()).toEqual([expect.stringMatching(/^problem: DURABILITY=disk wants .* set "appendonly yes"/)]);
    } finally {
      await server.stop();
    }
  });

  test('has a ledger of another number of shards, or of another format; looking does not make one', async () => {
    const server = await startRedis({ settings: WELL });
    const look = async (SHARDS?: string) =>
      (await check({ REDIS_URL: server.url, ...(SHARDS !== undefined && { SHARDS }) }))
        .filter(({ id }) => id === 'redis.ledger' || id === 'redis.shards')
        .map(({ level, text }) => `${level}: ${text}`);
    const mark = (name: string, value: string) => askRedis(server.port, `HSET {receipts}:identity ${name} ${value}`);
    try {
      expect(await look('4')).toEqual([expect.stringMatching(/^ok: Nothing is stored .* fixes SHARDS=4$/)]);
      expect(await look('8')).toEqual([expect.stringMatching(/^ok: Nothing is stored .* fixes SHARDS=8$/)]);
      expect(await look()).toEqual([expect.stringMatching(/^ok: Nothing is stored .* fixes SHARDS=16$/)]);
      // As a process that starts.
      const { redis: client, close } = openLedger(server.url);
      await new Probe(client, '{receipts}', undefined, { count: 4 }).write();
      close();
      expect(await look('4')).toEqual([expect.stringMatching(/^ok: .*SHARDS=4 is its number$/)]);
      expect(await look('8')).toEqual([expect.stringMatching(/^problem: The ledger has 4 shards/)]);
      expect(await look()).toEqual([expect.stringMatching(/^ok: .*SHARDS=4 is its number$/)]);
      await mark('format', '5');
      expect(await look('4')).toEqual([expect.stringMatching(/^ok: An older version .*format 5.* takes it over/)]);
      await mark('format', '99');
      expect(await look('4')).toEqual([expect.stringMatching(/^problem: A newer version .*format 99/)]);
      await askRedis(server.port, 'HDEL {receipts}:identity format shards');
      expect(await look('4')).toEqual([expect.stringMatching(/^ok: A version before shards/)]);
    } finally {
      await server.stop();
    }
  });

  test('could not write to its disk', async () => {
    const folder = await temporaryFolder('check-disk');
    const dir = path.join(folder, 'data');
    await mkdir(dir);
    const server = await startRedis({ dir, appendonly: false, settings: WELL });
    try {
      await rm(dir, { recursive: true });
      await askRedis(server.port, 'BGSAVE');
      const failed = async () =>
        /rdb_last_bgsave_status:err/.test(await askRedisForAll(server.port, 'INFO persistence'));
      await until(failed, { what: 'a save that failed' });
      const findings = await check({ REDIS_URL: server.url });
      expect(found(findings, 'redis.disk')).toEqual([expect.stringMatching(/^problem: .*rdb_last_bgsave_status/)]);
    } finally {
      await server.stop();
      await removeFolder(folder);
    }
  });

  test('is nearly full, and one sender may take most of it', () =>
    withRedis(
      { maxmemory: '2mb' },
      (findings) => {
        expect(amiss(findings)).toEqual(expect.arrayContaining(['redis.memory.used', 'redis.memory.sender']));
      },
      async (server) => {
        await askRedis(server.port, `SETRANGE filling 1000000 x`);
        return server.url;
      },
    ));

  test('has less memory than its machine, and the messages, need', async () => {
    const config = loadConfig(environment());
    const GiB = 2 ** 30;
    const all = (limit: number, machine: number, aDay?: number) =>
      amiss(checkMemory({ used: 0, limit, machine }, config, aDay));
    expect(all(2 * GiB, 4 * GiB, 100_000)).toEqual([]);
    expect(all(4 * GiB, 4 * GiB)).toEqual(['redis.memory.machine']);
    expect(all(2 * GiB, 4 * GiB, 20_000_000)).toEqual(['redis.memory.plan']);
  });

  test('takes no more memory than the plan says', async () => {
    const server = await startRedis({ settings: WELL });
    const { ledger, close } = openLedger(server.url);
    const used = async () => Number(/used_memory:(\d+)/.exec(await askRedisForAll(server.port, 'INFO memory'))?.[1]);
    const messages = Array.from({ length: 4000 }, (_, i) => ({
      id: randomUUID(),
      sender: `user${i % 200}@example.org`,
      recipient: `user${i % 199}@example.org`,
    }));
    const inBatches = async (requests: Parameters<typeof ledger.batch>[0]) => {
      for (let i = 0; i < requests.length; i += 200) await ledger.batch(requests.slice(i, i + 200));
    };
    try {
      const before = await used();
      await inBatches(messages.map((one) => aliceWrites({ ...one, body: 'x'.repeat(300) })));
      const pending = await used();
      await inBatches(
        messages.map(({ id, sender, recipient }) => settle(recordKey(sender, recipient, id), 'desk', Date.now())),
      );
      const perMessage = {
        pending: (pending - before) / messages.length,
        ended: ((await used()) - before) / messages.length,
      };
      expect(perMessage.pending).toBeLessThan(BYTES.pending);
      expect(perMessage.ended).toBeLessThan(BYTES.ended);
    } finally {
      close();
      await server.stop();
    }
  });

  (faketime() === undefined ? test.skip : test)('has another time', async () => {
    const env = { LD_PRELOAD: faketime() ?? '', FAKETIME: '+1h', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    const server = await startRedis({ settings: WELL, env });
    try {
      const findings = await check({ REDIS_URL: server.url });
      expect(found(findings, 'clock')).toEqual([expect.stringMatching(/^warning: .* ahead of ours/)]);
    } finally {
      await server.stop();
    }
  });
});

describe('the XMPP server', () => {
  test('is not there', async () => {
    const findings = await check({ XMPP_SERVICE: `xmpp://127.0.0.1:${await freePort()}` });
    expect(found(findings, 'xmpp')).toEqual([expect.stringMatching(/^problem: The connection failed/)]);
  });

  test('takes clients on this port', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const findings = await check({ XMPP_SERVICE: `xmpp://127.0.0.1:${prosody.c2sPort}` });
    expect(amiss(findings)).toEqual(['xmpp.refused']);
    // The command would end that much later.
    expect(timers()).toBeLessThanOrEqual(before);
    expect(found(findings, 'xmpp.refused')).toEqual([expect.stringContaining('5222')]);
  });

  test('has another secret, or no such component', async () => {
    expect(amiss(await check({ XMPP_COMPONENT_SECRET: 'another' }))).toEqual(['xmpp.secret']);
    expect(amiss(await check({ XMPP_COMPONENT_DOMAIN: 'nothing.localhost' }))).toEqual(['xmpp.refused']);
  });

  test('is reached without encryption from another machine', async () => {
    // 0.0.0.0 leads to this machine, and does not say so.
    const findings = await check({ XMPP_SERVICE: `xmpp://0.0.0.0:${prosody.componentPort}` });
    expect(amiss(findings)).toEqual(['xmpp.plain']);
  });

  test('does not know the served domain, or does not show the component', async () => {
    const elsewhere = { XMPP_COMPONENT_DOMAIN: 'receipts.elsewhere' };
    expect(amiss(await check({ ...elsewhere, XMPP_SERVED_DOMAIN: 'elsewhere' }))).toEqual(['xmpp.served']);
    expect(amiss(await check({ ...elsewhere, XMPP_SERVED_DOMAIN: 'localhost' }))).toEqual(['xmpp.items']);
  });

  test.each(['5.1.1', '4.2.4'] as const)('Openfire %s: the domain is free, or a stranger has it', async (version) => {
    const openfire = await startOpenfire({ version, domain: 'example.org', secret: SECRET });
    const settings = {
      XMPP_SERVICE: openfire.service,
      XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
      XMPP_SERVED_DOMAIN: 'example.org',
    };
    const free = await check(settings);
    expect(amiss(free)).toEqual([]);
    expect(found(free, 'xmpp.idle')).toEqual([expect.stringMatching(/^unknown: Openfire tells nobody/)]);
    expect(found(free, 'xmpp.nodelay')).toHaveLength(version === '4.2.4' ? 1 : 0);
    expect(openfire.linksOf('receipts.example.org')).toEqual([]);
    // A proxy with another Redis.
    const other = await startRedis();
    const proxy = new ProxyProcess({ ...environment(settings), REDIS_URL: other.url, HTTP_PORT: '0' });
    try {
      await proxy.prints('The link is up');
      const taken = await check(settings);
      expect(amiss(taken)).toEqual(['xmpp.taken']);
      expect(openfire.linksOf('receipts.example.org')).toHaveLength(1);
    } finally {
      await proxy.signal('SIGKILL');
      await openfire.stop();
      await other.stop();
    }
  });

  (ejabberdAvailable() ? test : test.skip)(
    'ejabberd: it lets a second one in, and nobody else has the domain',
    async () => {
      const ejabberd = await startEjabberd({ component: { domain: OWN, secret: SECRET } });
      try {
        expect(amiss(await check({ XMPP_SERVICE: `xmpp://127.0.0.1:${ejabberd.componentPort}` }))).toEqual([]);
      } finally {
        await ejabberd.stop();
      }
    },
  );
});

describe('the gate', () => {
  test('takes another component', async () => {
    const findings = await check({ MODE: 'transparent', XMPP_COMPONENT_DOMAIN: 'receipts2.localhost' });
    expect(amiss(findings)).toEqual(['gate.component']);
  });

  test('is not there', async () => {
    const without = await startProsody({ component: { domain: OWN, secret: SECRET } });
    try {
      const settings = { MODE: 'transparent', XMPP_SERVICE: `xmpp://127.0.0.1:${without.componentPort}` };
      expect(amiss(await check(settings))).toEqual(['gate']);
    } finally {
      await without.stop();
    }
  });
});

describe('clients', () => {
  const alice = () => ({ jid: 'alice@localhost', password: 'pw', address: `127.0.0.1:${prosody.c2sPort}` });

  test('are offered stream management, and no TLS', async () => {
    const findings = await check({}, alice());
    expect(amiss(findings)).toEqual(['clients.tls']);
    expect(found(findings, 'clients.sm')).toEqual([expect.stringMatching(/^ok: /)]);
    expect(found(findings, 'clients.component')).toEqual([expect.stringMatching(/^ok: .* no process serves it now/)]);
  });

  test('are offered no stream management', async () => {
    const without = await startProsody({
      component: { domain: OWN, secret: SECRET },
      users: { alice: 'pw' },
      config: 'modules_disabled = { "s2s", "tls", "smacks" }',
    });
    try {
      const settings = { XMPP_SERVICE: `xmpp://127.0.0.1:${without.componentPort}` };
      const findings = await check(settings, { ...alice(), address: `127.0.0.1:${without.c2sPort}` });
      expect(amiss(findings)).toEqual(['clients.tls', 'clients.sm']);
    } finally {
      await without.stop();
    }
  });

  test('cannot log in', async () => {
    const findings = await check({}, { ...alice(), password: 'wrong' });
    expect(found(findings, 'clients')).toEqual([
      expect.stringMatching(/^unknown: alice@localhost could not log in: not-auth/),
    ]);
  });
});

test('a process that runs is not disturbed: it keeps its link, and is seen', async () => {
  const proxy = new ProxyProcess({ ...environment({ MODE: 'transparent' }), LOG_LEVEL: 'info' });
  try {
    await proxy.prints('The gate holds messages');
    const account = { jid: 'alice@localhost', password: 'pw', address: `127.0.0.1:${prosody.c2sPort}` };
    const findings = await check({ MODE: 'transparent' }, account);
    expect(amiss(findings)).toEqual(['clients.tls']);
    expect(found(findings, 'running')).toEqual([expect.stringMatching(/^ok: .* and is ready/)]);
    expect(found(findings, 'processes')).toEqual([`ok: 1 process serves ${OWN} now`]);
    expect(found(findings, 'xmpp.secret')).toEqual([expect.stringMatching(/^unknown: /)]);
    expect(found(findings, 'gate')).toEqual([expect.stringMatching(/^ok: The gate holds messages/)]);
    expect(found(findings, 'clients.component')).toEqual([expect.stringMatching(/^ok: .*: openfire-receipts /)]);
    redis.freeze();
    const silent = check({ MODE: 'transparent' });
    expect(amiss(await silent)).toContain('redis');
    redis.thaw();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/^openfire_receipts_reconnects_total 0$/m);
    // Without a server nothing is held, however the gate stood.
    await prosody.kill();
    const stopped = await check({ MODE: 'transparent' });
    expect(found(stopped, 'running')).toEqual([expect.stringMatching(/^problem: .* is not ready/)]);
    expect(found(stopped, 'gate')).toEqual([expect.stringMatching(/^unknown: /)]);
  } finally {
    redis.thaw();
    await prosody.restart();
    await proxy.signal('SIGKILL');
  }
});
