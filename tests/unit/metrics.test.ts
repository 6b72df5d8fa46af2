import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { DEFINITIONS, PREFIX } from '../../src/metrics/definitions.ts';
import { TimeHistogram } from '../../src/metrics/histogram.ts';
import { Metrics } from '../../src/metrics/metrics.ts';

/** The samples of a page, by name and labels. */
async function samples(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const name = (short: string) => PREFIX + short;

test('plain counts are read each time that somebody looks', async () => {
  const metrics = new Metrics();
  expect((await samples(metrics)).get(name('accepted_total'))).toBe(0);
  metrics.counts.accepted += 3;
  metrics.counts.bouncesTemporary += 2;
  metrics.counters.refused('forbidden');
  metrics.counters.refused('forbidden');
  metrics.counters.refused('not-acceptable');
  for (let looks = 0; looks < 2; looks += 1) {
    const seen = await samples(metrics);
    expect(seen.get(name('accepted_total'))).toBe(3);
    expect(seen.get(name('bounces_total{kind="temporary"}'))).toBe(2);
    expect(seen.get(name('bounces_total{kind="permanent"}'))).toBe(0);
    expect(seen.get(name('refused_total{condition="forbidden"}'))).toBe(2);
    expect(seen.get(name('refused_total{condition="not-acceptable"}'))).toBe(1);
  }
});

test('all that is defined is on the page, and the usual figures of a process', async () => {
  const text = await new Metrics().render();
  for (const [short, { type }] of Object.entries(DEFINITIONS))
    expect(text).toContain(`# TYPE ${PREFIX}${short} ${type}`);
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('nodejs_eventloop_lag_seconds');
});

test('every plain count is on the page under its own name', async () => {
  const metrics = new Metrics();
  const keys = Object.keys(metrics.counts) as (keyof Metrics['counts'])[];
  keys.forEach((key, at) => {
    metrics.counts[key] = 1000 + at;
  });
  const values = new Set((await samples(metrics)).values());
  for (const [at] of keys.entries()) expect(values).toContain(1000 + at);
});

test('two have nothing in common', async () => {
  const one = new Metrics();
  one.counts.accepted += 1;
  expect((await samples(new Metrics())).get(name('accepted_total'))).toBe(0);
});

describe('what Redis knows', () => {
  const figures = { pending: 5, oldestPendingAgeSeconds: 2.5, damaged: 0, undelivered: 1, paused: false };

  test('is asked once a page', async () => {
    let asked = 0;
    const metrics = new Metrics({
      figures: async () => {
        asked += 1;
        return figures;
      },
    });
    const seen = await samples(metrics);
    expect(asked).toBe(1);
    expect(seen.get(name('pending'))).toBe(5);
    expect(seen.get(name('oldest_pending_age_seconds'))).toBe(2.5);
    expect(seen.get(name('undelivered'))).toBe(1);
    expect(seen.get(name('ledger_up'))).toBe(1);
  });

  test.each([
    ['fails', () => Promise.reject(new Error('Connection is closed'))],
    [
      'throws',
      (): never => {
        throw new Error('Connection is closed');
      },
    ],
    ['hangs', () => new Promise<never>(() => {})],
  ])('is missing when Redis %s, and the rest is there', async (_, broken) => {
    let ask: () => Promise<typeof figures> = async () => figures;
    const metrics = new Metrics({ figures: () => ask(), link: () => ({ up: true, reconnects: 4 }), timeout: 50 });
    await metrics.render();
    ask = broken;
    const seen = await samples(metrics);
    expect(seen.get(name('ledger_up'))).toBe(0);
    expect(seen.has(name('pending'))).toBe(false);
    expect(seen.get(name('link_up'))).toBe(1);
    expect(seen.get(name('reconnects_total'))).toBe(4);
    ask = async () => figures;
    expect((await samples(metrics)).get(name('pending'))).toBe(5);
  });
});

describe('a timing', () => {
  test('is the histogram that prom-client would have made', async () => {
    const buckets = [0.001, 0.5, 10];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), async (seconds) => {
        const registers = [new Registry()];
        const theirs = new Histogram({ name: 'x', help: 'x', buckets, registers });
        const ours = new TimeHistogram('x', 'x', buckets);
        for (const each of [...seconds, ...buckets]) {
          theirs.observe(each);
          ours.observe(each);
        }
        const values = (list: { metricName?: string; labels: object; value: number }[]) =>
          list.map(({ metricName, labels, value }) => [metricName, labels, value]);
        expect(values((await ours.get()).values)).toEqual(values((await theirs.get()).values));
      }),
      { numRuns: 50 },
    );
  });

  test('counts many at once, and a clock that went back as none', async () => {
    const metrics = new Metrics();
    metrics.counters.timeToStored.observe(0.002, 10);
    metrics.counters.timeToDelivered.observe(-5);
    const seen = await samples(metrics);
    expect(seen.get(name('time_to_stored_seconds_bucket{le="0.001"}'))).toBe(0);
    expect(seen.get(name('time_to_stored_seconds_bucket{le="0.0025"}'))).toBe(10);
    expect(seen.get(name('time_to_stored_seconds_count'))).toBe(10);
    expect(seen.get(name('time_to_delivered_seconds_bucket{le="0.01"}'))).toBe(1);
    expect(seen.get(name('time_to_delivered_seconds_sum'))).toBe(0);
  });
});
