import fc from 'fast-check';
import { FlowControl } from '../../src/xmpp/connection/flow-control.ts';
import type { Priority } from '../../src/xmpp/connection/outgoing-stanza.ts';
import { SimulatedServer } from '../support/peer/simulated-server.ts';

const PAUSE = 60_000;
const steady = (perSecond: number, roundTrip: number) => new SimulatedServer(() => ({ perSecond, roundTrip }));

/** Lets so many ms pass, with more waiting than it takes. */
function runFull(server: SimulatedServer, ms: number): void {
  server.run(ms, () => {
    while (server.outgoing.waiting.normal < 20_000) server.send(`s${server.outgoing.count}`);
  });
}

describe('a server that handles 20 stanzas a second', () => {
  test('holds about a second’s work, answers pings soon, and is kept busy', () => {
    const server = steady(20, 1);
    for (let i = 0; i < 600; i += 1) server.send(`s${i}`);
    server.run(30_000);
    expect(Math.max(...server.inFlight)).toBeLessThanOrEqual(40);
    expect(Math.max(...server.roundTrips.map(({ took }) => took))).toBeLessThan(2_500);
    // Pings included, which are stanzas to it: never idle.
    expect(server.handled.length + server.pings).toBeGreaterThan(0.97 * 30 * 20);
    expect(server.pings).toBeLessThan(0.15 * server.handled.length);
    expect(server.handled).toEqual(Array.from({ length: server.handled.length }, (_, i) => `s${i}`));
  });

  test('gets at once what matters, however much else waits, and the rest is not starved', () => {
    const server = steady(20, 1);
    for (let i = 0; i < 1000; i += 1) server.send(`low${i}`, 'low');
    for (let i = 0; i < 1000; i += 1) server.send(`normal${i}`);
    server.run(5_000);
    server.send('ack', 'high');
    // The second's work before it, and no more.
    server.run(2_500);
    expect(server.handled).toContain('ack');
    server.run(30_000);
    const low = server.handled.filter((tag) => tag.startsWith('low')).length;
    expect(low).toBeGreaterThan(30);
    expect(low).toBeLessThan(server.handled.length / 8);
  });
});

test('a server that handles 1,000 stanzas a second holds a tenth of a second’s work: what matters waits for no more', () => {
  const server = steady(1_000, 1);
  runFull(server, 5_000);
  const before = server.handled.length;
  expect(Math.max(...server.inFlight.slice(-1_000))).toBeLessThanOrEqual(200);
  server.send('ack', 'high');
  server.run(250);
  expect(server.handled).toContain('ack');
  runFull(server, 2_000);
  // Pings included: never idle.
  expect(server.handled.length + server.pings - before).toBeGreaterThan(0.97 * 2_250);
});

test.each([
  ['on loopback', 40_000, 1],
  ['in the next city', 20_000, 30],
  ['on another continent', 5_000, 400],
])('a fast server %s is given all that it takes', (_, perSecond, roundTrip) => {
  const server = steady(perSecond, roundTrip);
  // Twelve round trips, in which the window doubles.
  runFull(server, 12 * roundTrip + 100);
  const before = server.handled.length;
  runFull(server, 2_000);
  expect(server.handled.length - before).toBeGreaterThan(0.97 * 2 * perSecond);
});

test('a server that becomes slow answers pings all the time, and what is in flight shrinks to a second’s work', () => {
  const server = new SimulatedServer((now) => ({ perSecond: now < 3_000 ? 2_000 : 20, roundTrip: 2 }));
  runFull(server, 200_000);
  const gaps = server.roundTrips.map(({ at }, i) => at - (server.roundTrips[i - 1]?.at ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(0.9 * 60_000);
  expect(Math.max(...server.inFlight.slice(180))).toBeLessThanOrEqual(40);
});

test('a path that becomes much longer is not taken for a slow server for ever', () => {
  const server = new SimulatedServer((now) => ({ perSecond: 500, roundTrip: now < 3_000 ? 2 : 4_000 }));
  runFull(server, 3_000 + 40 * 4_000);
  const before = server.handled.length;
  runFull(server, 8_000);
  expect(server.handled.length - before).toBeGreaterThan(0.8 * 8 * 500);
});

test('one stanza that is larger than the window goes by itself', () => {
  const server = steady(1000, 1);
  for (let i = 0; i < 5; i += 1) server.send(`large${i}`, 'normal', 1 << 20);
  server.run(200);
  expect(server.handedOver).toHaveLength(5);
});

test('a server that is much faster than what it is sent is pinged by the timer, or after a thousand stanzas', () => {
  const server = steady(20_000, 1);
  let sent = 0;
  const send = (perMs: number) => () => {
    for (let i = 0; i < perMs; i += 1) server.send(`s${sent++}`);
  };
  const pingsIn = (ms: number, perMs: number) => {
    const { pings } = server;
    server.run(ms, send(perMs));
    return server.pings - pings;
  };
  pingsIn(3_000, 2);
  expect(pingsIn(10_000, 2)).toBeLessThanOrEqual(21);
  expect(pingsIn(10_000, 1)).toBeLessThanOrEqual(11);
});

test('a window that is not needed shrinks to what a stream starts with, and a new stream starts small', () => {
  const flow = new FlowControl();
  const start = flow.window;
  let now = 0;
  for (let i = 0; i < 20; i += 1) {
    flow.answered({ count: flow.window, size: 0 }, now, now + 1);
    now += 1;
  }
  const grown = flow.window;
  expect(grown).toBeGreaterThan(100 * start);
  flow.answered({ count: 1, size: 300 }, now, now + 1);
  expect(flow.window).toBe(grown);
  for (let i = 0; i < 30; i += 1) {
    now += PAUSE;
    flow.answered({ count: 1, size: 300 }, now, now + 1);
  }
  expect(flow.window).toBe(start);
  for (let i = 0; i < 5; i += 1) flow.answered({ count: flow.window, size: 0 }, now + i, now + i + 1);
  flow.reset();
  expect([flow.window, flow.roundTrip]).toEqual([start, undefined]);
});

test('whatever the server is like, all is handed over once, and in order within a priority', () => {
  const pace = fc.record({
    perSecond: fc.integer({ min: 5, max: 5_000 }),
    roundTrip: fc.integer({ min: 0, max: 600 }),
  });
  const stanza = fc.record({
    priority: fc.constantFrom<Priority>('high', 'normal', 'low'),
    size: fc.oneof(fc.constant(300), fc.integer({ min: 20, max: 60_000 })),
    at: fc.integer({ min: 0, max: 3_000 }),
  });
  const property = fc.property(
    fc.array(pace, { minLength: 1, maxLength: 4 }),
    fc.array(stanza, { minLength: 1, maxLength: 150 }),
    (paces, stanzas) => {
      const server = new SimulatedServer((now) => paces[Math.floor(now / 1_000) % paces.length] as (typeof paces)[0]);
      const sent: Record<Priority, string[]> = { high: [], normal: [], low: [] };
      server.run(3_001, (now) => {
        for (const [i, { at, priority, size }] of stanzas.entries()) {
          if (at !== now) continue;
          sent[priority].push(`${priority}${i}`);
          server.send(`${priority}${i}`, priority, size);
        }
      });
      for (let i = 0; i < 200 && server.outgoing.count > 0; i += 1) server.run(1_000);
      expect(server.outgoing.count).toBe(0);
      expect(server.outgoing.size).toBe(0);
      expect(server.handedOver).toEqual(server.handled);
      for (const priority of ['high', 'normal', 'low'] as const) {
        expect(server.handled.filter((tag) => tag.startsWith(priority))).toEqual(sent[priority]);
      }
    },
  );
  fc.assert(property, { numRuns: 60 });
});
