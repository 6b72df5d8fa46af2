import { DAMAGES, damaged } from '../nemesis/damage.ts';
import { proxyFrozen } from '../nemesis/processes.ts';
import * as redis from '../nemesis/redis.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import { ONE_PROCESS, type Scenario } from '../scenario.ts';

/** ms; longer than the proxy waits before it refuses a message, and shorter than a sender waits for its acknowledgement. */
const STALL = [6200, 9000] as const;
/** ms; long enough for the health to have to say so. */
const STATE = [7000, 9000] as const;

export const REDIS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'redis-hung',
    about: 'Redis stopped for 6 to 9 s, then for 1 to 20 s',
    ci: ['subdomain'],
    async run({ stage, nemesis, random, calm }) {
      await nemesis.inflict(redis.hung(stage), random.between(...STALL));
      await calm(3000);
      await nemesis.inflict(redis.hung(stage), random.between(1000, 20_000));
    },
  },
  {
    name: 'redis-hung-two',
    about: 'the same with two processes, one of which is stopped meanwhile',
    processes: 2,
    transparent: { not: ONE_PROCESS },
    async run({ stage, nemesis, random, calm }) {
      const one = proxyFrozen(random.pick(stage.proxies));
      await Promise.all([
        nemesis.inflict(redis.hung(stage), random.between(...STALL)),
        calm(random.between(500, 3000)).then(() => nemesis.inflict(one, random.between(2000, 8000))),
      ]);
      await calm(3000);
      await nemesis.inflict(redis.hung(stage), random.between(1000, 20_000));
    },
  },
  {
    name: 'redis-killed',
    about: 'Redis killed and started again after 0 to 8 s, three times',
    async run({ stage, nemesis, random, calm }) {
      for (const most of [500, 3000, 8000]) {
        await nemesis.inflict(redis.killed(stage), random.between(0, most));
        await calm(random.between(1500, 4000));
      }
    },
  },
  {
    name: 'redis-disconnected',
    about: 'Redis’ connections reset, its scripts flushed, and it hangs for a moment',
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 4; i += 1) {
        await nemesis.inflict(redis.disconnected(stage));
        await calm(random.between(200, 1500));
        await nemesis.inflict(redis.scriptsFlushed(stage));
        await calm(random.between(200, 1500));
        await Promise.all([
          nemesis.inflict(redis.hung(stage), random.between(1000, 2500)),
          calm(random.between(100, 900)).then(() => nemesis.inflict(redis.disconnected(stage))),
        ]);
      }
    },
  },
  {
    name: 'redis-full',
    about: 'Redis at its memory limit for 7 to 9 s',
    async run({ stage, nemesis, random }) {
      await nemesis.inflict(redis.full(stage), random.between(...STATE));
    },
  },
  {
    name: 'redis-read-only',
    about: 'Redis a replica of nobody (READONLY) for 7 to 9 s',
    ci: ['subdomain'],
    async run({ stage, nemesis, random }) {
      await nemesis.inflict(redis.readOnly(stage), random.between(...STATE));
    },
  },
  {
    name: 'redis-refuses',
    about: 'Redis refuses writes: NOREPLICAS, MISCONF and NOPERM, 7 to 9 s each',
    async run({ stage, nemesis, random, calm }) {
      for (const state of [redis.withoutReplicas, redis.cannotSave, redis.forbidden]) {
        await nemesis.inflict(state(stage), random.between(...STATE));
        await calm(4000);
      }
    },
  },
  {
    name: 'redis-failover',
    about: 'a planned failover, old connections left open to what is a replica now',
    replica: true,
    async run({ stage, nemesis, calm }) {
      await calm(3000);
      await nemesis.inflict(redis.failedOver(stage));
      await calm(12_000);
    },
  },
  {
    name: 'redis-primary-lost',
    about: 'the primary killed for good, the replica with all of its writes in its place',
    replica: true,
    async run({ stage, nemesis, calm }) {
      await calm(3000);
      await nemesis.inflict(redis.primaryLost(stage));
      await calm(8000);
    },
  },
  ...(['replicas:1', 'disk', 'memory'] as const).map(
    (durability): Scenario => ({
      name: `redis-promoted-${durability.replace(':1', '')}`,
      about: `with DURABILITY=${durability}: the replica cut off for 7 to 9 s, then in the place of the primary, which is killed${durability === 'replicas:1' ? '' : '; what was acknowledged meanwhile may be lost'}`,
      replica: true,
      settings: { DURABILITY: durability },
      // The former primary must have become a replica before anything is taken again.
      extra: 15_000,
      async run({ stage, nemesis, random, calm }) {
        await calm(3000);
        await nemesis.inflict(redis.promotedUnsynced(stage, durability === 'replicas:1'), random.between(...STATE));
        await calm(12_000);
      },
    }),
  ),
  {
    name: 'redis-damaged',
    about: 'pending records cut short, broken, of another type, gone; garbage in the due set',
    ci: ['subdomain', 'transparent'],
    recipients: ['never', 'late', 'each copy'],
    async run(scene) {
      const { nemesis, random, messagesTo, calm } = scene;
      for (const how of DAMAGES) {
        // Those that stay pending: what is confirmed at once nobody has to read again.
        await nemesis.inflict(damaged(scene, how, () => messagesTo('never')));
        await calm(random.between(1000, 3000));
      }
      await calm(8000);
    },
  },
  {
    name: 'redis-hung-proxy-hurt',
    about: 'Redis stopped for 6 to 9 s; meanwhile the proxy is stopped, or its link reset',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let i = 0; i < 2; i += 1) {
        await Promise.all([
          nemesis.inflict(redis.hung(stage), random.between(...STALL)),
          calm(random.between(500, 4000)).then(() => nemesis.inflict(proxyFrozen(proxy), random.between(500, 4000))),
        ]);
        await calm(3000);
      }
    },
  },
];
