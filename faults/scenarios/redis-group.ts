import * as redis from '../nemesis/redis-group.ts';
import type { Scenario } from '../scenario.ts';

/** ms; longer than it takes until another server has taken the place of one. */
const GONE = [6000, 9000] as const;
const KEPT = { DURABILITY: 'replicas:1' };
/** ms: jobs of the queue library wait for a server that is gone. */
const EXTRA = 20_000;

/** On a cluster, or with sentinels. */
export const REDIS_GROUP_SCENARIOS: readonly Scenario[] = [
  {
    name: 'cluster-master-killed',
    about:
      'a master of the cluster killed for 6 to 9 s and until its replica has taken its place, twice; DURABILITY=replicas:1',
    redis: 'cluster',
    settings: KEPT,
    extra: EXTRA,
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 2; i += 1) {
        await calm(3000);
        await nemesis.inflict(redis.masterGone(stage, random, 'killed'), random.between(...GONE));
        await calm(5000);
      }
    },
  },
  {
    name: 'cluster-master-hung',
    about: 'a master stopped for 6 to 9 s, which its replica replaces meanwhile; DURABILITY=replicas:1',
    redis: 'cluster',
    settings: KEPT,
    extra: EXTRA,
    async run({ stage, nemesis, random, calm }) {
      await calm(3000);
      await nemesis.inflict(redis.masterGone(stage, random, 'hangs'), random.between(...GONE));
      await calm(8000);
    },
  },
  {
    name: 'cluster-failover',
    about: 'a planned failover of one master, three times',
    redis: 'cluster',
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 3; i += 1) {
        await calm(2000);
        await nemesis.inflict(redis.clusterFailedOver(stage, random));
      }
      await calm(5000);
    },
  },
  {
    name: 'cluster-resharded',
    about: 'slots of a shard and of the queues go to other masters while messages flow, three times',
    redis: 'cluster',
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 3; i += 1) {
        await calm(2000);
        await nemesis.inflict(redis.resharded(stage, random));
      }
      await calm(5000);
    },
  },
  {
    name: 'sentinel-failover',
    about: 'a failover ordered of sentinels; what the former primary took until it was told may be lost',
    redis: 'sentinel',
    extra: EXTRA,
    async run({ stage, nemesis, calm }) {
      await calm(3000);
      await nemesis.inflict(redis.sentinelFailedOver(stage));
      await calm(12_000);
    },
  },
  {
    name: 'sentinel-primary-killed',
    about: 'the primary killed, which sentinels replace; DURABILITY=replicas:1',
    redis: 'sentinel',
    settings: KEPT,
    extra: EXTRA,
    async run({ stage, nemesis, random, calm }) {
      await calm(3000);
      await nemesis.inflict(redis.primaryGone(stage, 'killed'), random.between(...GONE));
      await calm(10_000);
    },
  },
];
