import { assessInfo } from '../../src/store/redis/server-setup.ts';

const info = (policy: string, aof: 0 | 1) =>
  `# Memory\r\nmaxmemory_policy:${policy}\r\n# Persistence\r\naof_enabled:${aof}\r\n`;

test.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])('an eviction policy of %s is refused', (policy) => {
  expect(assessInfo(info(policy, 1), '', 'always')).toEqual({
    refusals: [expect.stringContaining(`maxmemory-policy is "${policy}"`)],
    warnings: [],
  });
});

test.each([
  ['nothing is written to disk', info('noeviction', 0), '', 'always', /keeps nothing on disk/],
  ['only snapshots are', info('noeviction', 0), '3600 1', 'always', /only now and then/],
  ['what is set cannot be asked', info('noeviction', 0), undefined, undefined, /only now and then/],
  ['a second may be lost', info('noeviction', 1), '', 'everysec', /last second/],
])('it is warned of in plain words when %s', (_, text, save, fsync, warning) => {
  expect(assessInfo(text, save, fsync)).toEqual({ refusals: [], warnings: [expect.stringMatching(warning)] });
});

test('nothing is wrong with a Redis that keeps all and writes each', () => {
  expect(assessInfo(info('noeviction', 1), '', 'always')).toEqual({ refusals: [], warnings: [] });
});
