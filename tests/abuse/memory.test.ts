import { NO_LIMITS } from '../../src/delivery/quotas.ts';
import type { Observations } from '../../src/health/observations.ts';
import { assessReadiness } from '../../src/health/readiness.ts';
import { RedisMonitor } from '../../src/health/redis-monitor.ts';
import { Queues } from '../../src/jobs/queues.ts';
import { UserErasure } from '../../src/jobs/user-erasure.ts';
import { Erasure } from '../../src/store/erasure.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { redisFault } from '../../src/store/redis/redis-faults.ts';
import { askMemory, memoryUsed } from '../../src/store/redis/server-setup.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, openLedger } from '../support/store/ledger.ts';

/** Redis nears its memory limit (row 2): who floods is refused, and there is room to take away. */
let server: RedisServer;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const writes = (id: string, size: number, from = 'mallory') =>
  `<message from="${from}@example.org/m" to="bob@receipts.example.org" type="chat" id="${id}"><body>${'x'.repeat(size)}</body><request xmlns="urn:xmpp:receipts"/></message>`;
const receipt = (id: string, of = 'mallory') =>
  `<message from="bob@example.org/d" to="${of}@receipts.example.org/m"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`;

test('a flood of large messages is refused before Redis refuses anything, and receipts make room again', async () => {
  let used: number | undefined;
  const shares = { limits: { ...NO_LIMITS, reserve: 0.1 }, memoryUsed: () => used, onRefused: () => {} };
  const room = openDeliveryStage(server.url, { quotas: shares, maxStanzaBytes: 300_000 });
  try {
    const before = Number(/used_memory:(\d+)/.exec(await room.redis.info('memory'))?.[1]);
    await room.redis.config('SET', 'maxmemory', String(before + 20_000_000));
    const probe = new Probe(room.redis, room.ledger.keys.prefix);
    const storage = new RedisMonitor({
      write: () => probe.write(),
      inspect: async () => ({ refusals: [], warnings: [] }),
      pausedQueues: async () => [],
      memory: () => askMemory(room.redis),
      explain: async (error) => redisFault(error),
      log: silent,
    });
    const inspect = async () => {
      await storage.check();
      used = storage.state.memoryUsed;
    };
    let stored = 0;
    for (let i = 0; i < 200; i += 1) {
      const written = await room.given(writes(`m-${i}`, 200_000));
      if (written.some((xml) => xml.includes('There is no room for messages here now'))) break;
      stored += 1;
      await inspect();
    }
    expect(stored).toBeGreaterThan(20);
    expect(stored).toBeLessThan(100);
    // Redis has refused nothing, and its memory is not used up.
    expect(storage.state.fault).toBeUndefined();
    expect(used).toBeLessThan(1);
    await room.given(...Array.from({ length: stored }, (_, i) => receipt(`m-${i}`)));
    expect(room.counts.delivered).toBe(stored);
    await inspect();
    expect((await room.given(writes('a-1', 100, 'alice'))).join('')).toContain('<stored ');
  } finally {
    await room.redis.config('SET', 'maxmemory', '0');
    room.close();
  }
});

test('who is responsible is found and erased while Redis is at its limit', async () => {
  const opened = openLedger(server.url);
  const room = openDeliveryStage(server.url);
  const { prefix } = room.ledger.keys;
  const connection = { url: server.url };
  const queues = new Queues({
    connection,
    prefix,
    undeliveredRetention: 1e9,
    onProblem: () => {},
    clock: Date,
    log: silent,
  });
  try {
    await room.given(...Array.from({ length: 50 }, (_, i) => writes(`m-${i}`, 1000)), writes('a-1', 10, 'alice'));
    await room.handsOver();
    const inquiry = new RedisQueries(room.redis, room.ledger.shards);
    const perform: ConstructorParameters<typeof Erasure>[0]['perform'] = (operation) =>
      room.receipts.pipeline.perform(operation);
    const userErasure = new UserErasure({
      queues,
      erasure: new Erasure({ queries: inquiry, perform }),
      isFull: (error) => redisFault(error).code === 'OOM',
      timeout: 20_000,
      log: silent,
    });
    await queues.erasure.waitUntilReady();
    await room.redis.config('SET', 'maxmemory', '1');
    const [first, second, third] = await inquiry.heaviest(3);
    expect([first?.of, second?.of].sort()).toEqual(['@example.org', 'mallory@example.org']);
    expect(second).toMatchObject({ messages: expect.any(Number) });
    expect(third).toMatchObject({ of: ALICE, messages: 1 });
    const forgotten = await userErasure.forget('mallory@example.org', 'mallory@receipts.example.org');
    expect(forgotten).toEqual({ done: true, erased: 50 });
    expect(await inquiry.heaviest(3)).toMatchObject([{ messages: 1 }, { messages: 1 }]);
  } finally {
    await room.redis.config('SET', 'maxmemory', '0');
    await queues.close();
    room.close();
    opened.close();
  }
});

describe('/readyz', () => {
  const NOW = Date.parse('2026-01-02T03:04:05Z');
  const seen = (used: number | undefined): Observations => ({
    link: {
      online: true,
      connectedSince: NOW - 60_000,
      provedAt: NOW,
      lastProblem: undefined,
      awaitingAnswerFor: undefined,
      roundTrip: 20,
      answersMisrouted: false,
    },
    domain: { conflict: undefined, servedError: undefined, unprovedSince: undefined },
    storage: {
      lastSuccessAt: 100_000,
      failingSince: undefined,
      fault: undefined,
      refusals: [],
      warnings: [],
      pausedQueues: [],
      memoryUsed: used,
      loss: undefined,
    },
    pipeline: { failingSince: undefined, fault: undefined },
    reserve: 0.1,
    names: { component: 'receipts.example.org', served: 'example.org' },
    staleAfter: 5000,
    now: NOW,
    monotonic: 100_000,
  });

  test('says nothing while there is room, warns when it runs short, and is not ready when messages are refused', () => {
    for (const used of [undefined, 0, 0.79])
      expect(assessReadiness(seen(used))).toMatchObject({ ready: true, warnings: [] });
    const short = assessReadiness(seen(0.85));
    expect(short.ready).toBe(true);
    expect(short.warnings).toEqual([
      expect.stringMatching(/^Redis uses 85 % of its memory .*at 90 % new messages are refused/),
    ]);
    const full = assessReadiness(seen(0.9));
    expect(full.ready).toBe(false);
    expect(full.problems).toEqual([expect.stringMatching(/^Redis uses 90 % of its memory .*new messages are refused/)]);
  });
});

test.each([
  ['used_memory:50\r\nmaxmemory:100\r\n', 0.5],
  ['used_memory:50\r\nmaxmemory:0\r\n', undefined],
  ['', undefined],
])('%j says %s', (info, used) => {
  expect(memoryUsed(info)).toBe(used);
});
