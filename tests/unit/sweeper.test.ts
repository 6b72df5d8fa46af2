import { Sweeper, type SweeperOptions } from '../../src/jobs/sweeper.ts';

test('a part whose sweeps fail is the one that was last swept longest ago, with the reason; none while nothing is swept', async () => {
  let now = 1000;
  let failing = true;
  const ticks: (() => void)[] = [];
  const swept = () => new Promise<void>((resolve) => ticks.push(resolve));
  const sweeper = new Sweeper({
    ledger: {
      sweeps: 2,
      sweep: async (_lease: number, _limit: number, _hint: undefined, part: number) => {
        if (part === 1 && failing) throw new Error('READONLY');
        return { now, overdue: [], unreported: [], unreadable: [] };
      },
    },
    queues: {
      waiting: async () => {
        for (const tick of ticks.splice(0)) setImmediate(tick);
        return 0;
      },
    },
    onProblem: () => {},
    every: 1,
    now: () => now,
  } as unknown as SweeperOptions);
  expect(sweeper.oldest).toBeUndefined();
  const first = swept();
  sweeper.start();
  await first;
  now = 5000;
  await swept();
  await swept();
  expect(sweeper.oldest).toEqual({ sweptAt: 1000, fault: 'READONLY' });
  failing = false;
  await swept();
  await swept();
  expect(sweeper.oldest).toEqual({ sweptAt: 5000, fault: undefined });
  await sweeper.stop();
  expect(sweeper.oldest).toBeUndefined();
});

test('parts that the ledger turns out not to have are not waited for', async () => {
  let now = 1000;
  let sweeps = 4;
  const ticks: (() => void)[] = [];
  const swept = () => new Promise<void>((resolve) => ticks.push(resolve));
  const sweeper = new Sweeper({
    ledger: {
      get sweeps() {
        return sweeps;
      },
      sweep: async () => ({ now, overdue: [], unreported: [], unreadable: [] }),
    },
    queues: {
      waiting: async () => {
        for (const tick of ticks.splice(0)) setImmediate(tick);
        return 0;
      },
    },
    onProblem: () => {},
    every: 1,
    now: () => now,
  } as unknown as SweeperOptions);
  const first = swept();
  sweeper.start();
  await first;
  sweeps = 2;
  now = 60_000;
  await swept();
  await swept();
  expect(sweeper.oldest).toEqual({ sweptAt: 60_000, fault: undefined });
  await sweeper.stop();
});
