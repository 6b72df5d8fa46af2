import { withSection } from '../../bench/document.ts';
import { type Costs, capacity } from '../../bench/scale-model.ts';
import { turns } from '../../bench/turns.ts';

const ORDER = ['speed', 'scale', 'presence'];
const goal = (what: string, outcome: string) => `| ${what} | <= 1 | 2 | ${outcome} |`;
const finding = (name: string, text: string) => ({ name, title: `About ${name}`, when: `- when ${name}`, text });

test('a section that is measured anew replaces its former text alone, and sections keep their order', () => {
  const first = withSection('', ORDER, finding('presence', 'old presence'));
  const second = withSection(first, ORDER, finding('speed', 'speed'));
  const third = withSection(second, ORDER, finding('presence', 'new presence'));
  expect(second).toMatch(/speed\n(?:.|\n)*old presence\n$/);
  expect(third).not.toContain('old presence');
  expect(third).toMatch(
    /## About speed\n\n- when speed\n\nspeed\n(?:.|\n)*## About presence\n\n- when presence\n\nnew presence\n$/,
  );
});

test('the results begin with the goals of all sections that are missed', () => {
  const first = withSection('', ORDER, finding('speed', `${goal('fast', 'PASS')}\n${goal('cheap', 'FAIL')}`));
  const second = withSection(first, ORDER, finding('scale', goal('wide', 'FAIL')));
  expect(first).toContain('**1 of 2 goals are not met:** cheap.');
  expect(second).toContain('**2 of 3 goals are not met:** cheap; wide.');
  expect(withSection('', ORDER, finding('scale', goal('wide', 'PASS')))).toContain('All 1 goals are met.');
});

test('no round begins that would not end in time, but the first', () => {
  let now = 0;
  const taken: number[] = [];
  const run = (most: number, limit: number, durations: number[]) => {
    taken.length = 0;
    for (const turn of turns(most, limit, () => now)) {
      taken.push(turn);
      now += durations[turn] as number;
    }
    return taken;
  };
  expect(run(3, 100, [30, 30, 30, 30])).toEqual([0, 1, 2]);
  expect(run(9, 100, [30, 30, 30, 30])).toEqual([0, 1, 2]);
  expect(run(9, 100, [10, 50, 10, 10])).toEqual([0, 1]);
  expect(run(9, 100, [200])).toEqual([0]);
});

const COSTS: Costs = {
  one: { node: 50, redis: 20 },
  two: { node: 60, redis: 30 },
  oneInCluster: { node: 60, redis: 40 },
  twoInCluster: { node: 70, redis: 40 },
};

test('the model: one process is limited by its own core, and many by that of one Redis', () => {
  expect(capacity(COSTS, { processes: 1, shards: 16, servers: 1 })).toMatchObject({ perSecond: 20_000, limit: 'node' });
  // A receipt comes to another process than its message 3 of 4 times, and half of the times with two.
  const four = capacity(COSTS, { processes: 4, shards: 16, servers: 1 });
  expect(four).toMatchObject({ limit: 'Redis', perSecond: 1e6 / (20 + 10 * 1.5) });
  expect(four.node).toBe(4e6 / (50 + 10 * 1.5));
});

test('the model: a master of a cluster carries whole shards', () => {
  const of = (shards: number, servers: number) => capacity(COSTS, { processes: 16, shards, servers }).redis;
  expect(of(16, 16)).toBe((16 * 1e6) / 40);
  expect(of(16, 3)).toBe((16 * 1e6) / (40 * 6));
  expect(of(1, 16)).toBe(1e6 / 40);
});
