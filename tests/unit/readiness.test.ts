import { LedgerIdentity } from '../../src/health/ledger-identity.ts';
import type { Observations } from '../../src/health/observations.ts';
import { assessReadiness } from '../../src/health/readiness.ts';
import { RedisMonitor } from '../../src/health/redis-monitor.ts';
import { ReconnectPace } from '../../src/store/redis/reconnect-pace.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const FINE: Observations = {
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
    loss: undefined,
  },
  pipeline: { failingSince: undefined, fault: undefined },
  names: { component: 'receipts.example.org', served: 'example.org' },
  staleAfter: 5000,
  now: NOW,
  monotonic: 100_000,
};

/** A monitor of a Redis that works, uses so much of its memory, and keeps a tenth of it free. */
function watched(memoryUsed: () => number | undefined) {
  let count = 0;
  const monitor = new RedisMonitor({
    write: async () => ({ id: 'a', count: ++count, made: false }),
    inspect: async () => ({ refusals: [], warnings: [] }),
    pausedQueues: async () => [],
    memory: async () => memoryUsed(),
    reserve: 0.1,
    explain: async () => fault,
    log: { info() {}, warn() {}, error() {} },
  });
  return { state: () => monitor.state, look: () => monitor.check() };
}

test('what a gate was told while a probe was under way is no loss of the ledger; what it was told of a newer one is', async () => {
  let count = 4;
  let answer = () => {};
  const monitor = new RedisMonitor({
    write: () => {
      const mark = { id: 'a', count: ++count, made: false };
      return new Promise((resolve) => {
        answer = () => resolve(mark);
      });
    },
    inspect: async () => ({ refusals: [], warnings: [] }),
    pausedQueues: async () => [],
    explain: async () => fault,
    log: { info() {}, warn() {}, error() {} },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  void monitor.check();
  // Another process's, which the gate has told sooner than Redis has answered.
  count += 1;
  const compared = monitor.heard({ id: 'a', count });
  answer();
  await turn();
  answer();
  await compared;
  expect(monitor.losses).toBe(0);
  const again = monitor.heard({ id: 'a', count: 900 });
  await turn();
  answer();
  await again;
  expect(monitor.losses).toBe(1);
});

const fault = { kind: 'state', code: 'OOM', text: 'Redis is full', reconnect: false, lasting: false } as const;

test('a server that is slow is in order for as long as it may be expected to take', () => {
  const owing = (awaitingAnswerFor: number, roundTrip: number) =>
    assessReadiness({ ...FINE, link: { ...FINE.link, awaitingAnswerFor, roundTrip } }).ready;
  expect([owing(3400, 20), owing(3600, 20)]).toEqual([true, false]);
  expect([owing(7900, 4000), owing(8100, 4000)]).toEqual([true, false]);
});

test('a server whose answers stray among the processes of a domain has more time', () => {
  const owing = (ms: number) =>
    assessReadiness({ ...FINE, link: { ...FINE.link, awaitingAnswerFor: ms, answersMisrouted: true } }).ready;
  expect([owing(19_000), owing(21_000)]).toEqual([true, false]);
});

test('nothing is wrong', () => {
  expect(assessReadiness(FINE)).toEqual({
    ready: true,
    problems: [],
    warnings: [],
    parts: {
      link: { ok: true },
      domain: { ok: true },
      redis: { ok: true },
      ledger: { ok: true },
      queues: { ok: true },
    },
  });
});

test.each<[string, Partial<Observations>, string]>([
  [
    'the link is down',
    {
      link: {
        ...FINE.link,
        online: false,
        downSince: NOW - 3000,
        provedAt: undefined,
        lastProblem: 'The server reset the connection',
      },
    },
    'No link to the XMPP server: The server reset the connection (since 2026-01-02T03:04:02Z).',
  ],
  [
    'the server does not know the served domain',
    { domain: { ...FINE.domain, servedError: 'remote-server-not-found', servedErrorSince: NOW - 2000 } },
    "The XMPP server does not know example.org (remote-server-not-found): XMPP_SERVED_DOMAIN must be its own domain, as its users' addresses have it (since 2026-01-02T03:04:03Z).",
  ],
  [
    'Redis must not be used as it is set up',
    { storage: { ...FINE.storage, refusals: ['It throws messages away.'], refusedSince: 91_000 } },
    'It throws messages away (since 2026-01-02T03:03:56Z).',
  ],
  [
    'the server does not answer, whether it writes or not',
    { link: { ...FINE.link, awaitingAnswerFor: 5000 } },
    'The XMPP server does not answer: it hangs or is overloaded, or the network to it is cut. Messages wait (since 2026-01-02T03:04:00Z).',
  ],
  [
    'it has just come up',
    { link: { ...FINE.link, connectedSince: NOW - 1000, provedAt: undefined } },
    "The link is up, and the server's first answer is awaited (since 2026-01-02T03:04:04Z).",
  ],
  [
    'the server answers nothing, over several links',
    {
      link: { ...FINE.link, connectedSince: NOW - 1000, provedAt: undefined },
      domain: { ...FINE.domain, unprovedSince: NOW - 60_000 },
    },
    "The server takes what receipts.example.org sends and answers nothing. Is receipts.example.org a subdomain of the server's own domain, and is that example.org (XMPP_COMPONENT_DOMAIN, XMPP_SERVED_DOMAIN)? (since 2026-01-02T03:03:05Z).",
  ],
  [
    'writes fail',
    { storage: { ...FINE.storage, failingSince: 97_000, fault } },
    'Redis is full (since 2026-01-02T03:04:02Z).',
  ],
  [
    'no write was accepted for a while',
    { storage: { ...FINE.storage, lastSuccessAt: 95_000 } },
    'Redis does not answer: it hangs, or the network to it does (since 2026-01-02T03:04:00Z).',
  ],
  [
    'messages fail and the probe does not',
    { pipeline: { failingSince: 99_000, fault } },
    'Redis is full (since 2026-01-02T03:04:04Z).',
  ],
  [
    'Redis was never reached',
    { storage: { ...FINE.storage, lastSuccessAt: undefined, watchedSince: 92_000 } },
    'Redis has not been reached yet (since 2026-01-02T03:03:57Z).',
  ],
  [
    "Redis' memory has reached the reserve",
    { storage: { ...FINE.storage, memoryUsed: 0.91, reserveReachedSince: 93_000 }, reserve: 0.1 },
    'Redis uses 91 % of its memory (maxmemory): new messages are refused, so that receipts can be taken. Give it more, or let the command "Heaviest senders" show who takes it (since 2026-01-02T03:03:58Z).',
  ],
])('when %s', (_, seen, problem) => {
  expect(assessReadiness({ ...FINE, ...seen })).toMatchObject({ ready: false, problems: [problem] });
});

test('what does not keep it from its work is a warning', () => {
  const storage = { ...FINE.storage, warnings: ['A'], pausedQueues: ['expiry'], loss: { text: 'Gone', at: 40_000 } };
  const { ready, problems, warnings } = assessReadiness({ ...FINE, storage });
  expect([ready, problems]).toEqual([true, []]);
  expect(warnings).toEqual(['A', 'Gone (since 2026-01-02T03:03:05Z).', expect.stringContaining('expiry')]);
});

test('Redis is watched from the start, and its reserve is in use since the first look that found it so', async () => {
  let used: number | undefined = 0.85;
  const { state, look } = watched(() => used);
  const { watchedSince = Number.NaN } = state();
  expect(watchedSince).toBeLessThanOrEqual(performance.now());
  await look();
  expect(state().reserveReachedSince).toBeUndefined();
  used = 0.9;
  const before = performance.now();
  await look();
  const since = state().reserveReachedSince as number;
  expect(since).toBeGreaterThanOrEqual(before);
  used = 0.95;
  await look();
  expect(state()).toMatchObject({ reserveReachedSince: since, watchedSince });
  used = 0.5;
  await look();
  expect(state().reserveReachedSince).toBeUndefined();
});

describe('the identity of a ledger', () => {
  test.each([
    ['the same, and further on', { id: 'a', count: 6, made: false }, undefined],
    ['the same, where it was', { id: 'a', count: 5, made: false }, 'older'],
    ['the same, further back', { id: 'a', count: 2, made: false }, 'older'],
    ['a new one', { id: 'b', count: 1, made: true }, 'empty'],
    ['a new one that another process has made', { id: 'b', count: 2, made: false }, 'empty'],
    ['one that is older than ours', { id: 'b', count: 500, made: false }, 'another'],
  ])('%s', (_, seen, loss) => {
    const identity = new LedgerIdentity();
    expect(identity.compare({ id: 'a', count: 5, made: true })).toBeUndefined();
    expect(identity.compare(seen)).toBe(loss);
    // Said once.
    expect(identity.compare({ ...seen, made: false, count: seen.count + 1 })).toBeUndefined();
  });
});

test('a connection is replaced at once, then ever more seldom, and at once again when all was well', () => {
  const pace = new ReconnectPace();
  const replaced = Array.from({ length: 400 }, (_, i) => i * 50).filter((at) => pace.mayNow(at));
  expect(replaced).toEqual([0, 250, 750, 1750, 3750, 7750, 12_750, 17_750]);
  expect(pace.mayNow(60_000)).toBe(true);
  expect(pace.mayNow(60_250)).toBe(true);
});

test('what looks for overdue messages has failed for 30 s: it is not ready, with the reason; where Redis fails, that is said instead', () => {
  const sweeps = { sweptAt: 70_000, fault: 'Connection is closed.' };
  const readiness = assessReadiness({ ...FINE, sweeps });
  expect(readiness.ready).toBe(false);
  expect(readiness.problems).toEqual([
    'What is overdue is not looked for, so that nothing is sent again and nothing ends: Connection is closed (since 2026-01-02T03:03:35Z).',
  ]);
  expect(assessReadiness({ ...FINE, sweeps: { ...sweeps, sweptAt: 70_001 } }).ready).toBe(true);
  expect(assessReadiness({ ...FINE, sweeps: undefined }).ready).toBe(true);
  const storage = { ...FINE.storage, failingSince: 60_000 };
  expect(assessReadiness({ ...FINE, storage, sweeps }).problems).toEqual([
    'Redis does not answer: it hangs, or the network to it does (since 2026-01-02T03:03:25Z).',
  ]);
});
