import type { JobData } from '../../src/jobs/jobs.ts';
import { leaseOf } from '../../src/jobs/workers.ts';

const data: JobData = { key: 'k', attempt: 2, from: 'a', to: 'b', id: 'i', stored: '' };

test.each<[string, Partial<JobData>, number | undefined, number | '*']>([
  ['that a sweep made claims by its lease', { lease: 123 }, undefined, 123],
  ['that shows a next attempt claims what is due, whatever clock has brought it', {}, 60_000, 0],
  ['that an operator promoted claims at once', { wanted: true }, 60_000, '*'],
  ['that was made by hand claims at once', {}, undefined, '*'],
])('a job %s', (_, own, delay, lease) => {
  expect(leaseOf({ data: { ...data, ...own }, opts: delay === undefined ? {} : { delay } })).toBe(lease);
});
