import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import type { RedisServer } from '../../tests/support/servers/redis.ts';
import type { RedisCluster } from '../../tests/support/servers/redis-cluster.ts';
import type { SentinelGroup } from '../../tests/support/servers/redis-sentinel.ts';
import { until } from '../../tests/support/time/until.ts';
import type { Fault } from '../nemesis.ts';
import type { Random } from '../random.ts';
import type { Stage } from '../stage.ts';

const PREFIX = '{receipts}';
const SLOTS = new Shards(PREFIX, 16).keys.map(({ prefix }) => slotOf(prefix));

const clusterOf = ({ group }: Stage) => group?.cluster as RedisCluster;
const sentinelOf = ({ group }: Stage) => group?.sentinel as SentinelGroup;

/** The master of a random shard: killed or stopped, until its replica has taken its place and for a while longer. */
export function masterGone(stage: Stage, random: Random, how: 'killed' | 'hangs'): Fault {
  const cluster = clusterOf(stage);
  const slot = random.pick(SLOTS);
  let master: RedisServer | undefined;
  return {
    name: `a master of the cluster ${how === 'killed' ? 'is killed' : how}`,
    // What it had taken and no replica has: messages are not acknowledged before (DURABILITY=replicas:1).
    forgets: 'endings',
    begin: async () => {
      master = await cluster.masterOf(slot);
      if (how === 'killed') await master.kill();
      else master.freeze();
    },
    end: async () => {
      if (how === 'killed') await master?.restart();
      else master?.thaw();
      await cluster.whole();
    },
  };
}

/** A replica takes its master's place while that lives, with all that it has. */
export function clusterFailedOver(stage: Stage, random: Random): Fault {
  const cluster = clusterOf(stage);
  const slot = random.pick(SLOTS);
  return {
    name: 'a replica of the cluster takes its master’s place',
    begin: async () => {
      const master = await cluster.masterOf(slot);
      const replica = await cluster.replicaOf(master);
      await cluster.ask(replica, 'CLUSTER FAILOVER');
      const isOver = async () => (await cluster.masterOf(slot)) === replica;
      await until(isOver, { within: 30_000, what: 'another master' });
    },
    end: () => {},
  };
}

/** A shard, and the slot of the queues, go to other masters. */
export function resharded(stage: Stage, random: Random): Fault {
  const cluster = clusterOf(stage);
  return {
    name: 'slots go to other masters',
    begin: async () => {
      for (const slot of [random.pick(SLOTS), slotOf(PREFIX)]) {
        const from = await cluster.masterOf(slot);
        const to = await cluster.masterOf(random.pick(SLOTS.filter((other) => Math.abs(other - slot) > 6000)));
        if (to !== from) await cluster.migrate(slot, from, to, 5);
      }
    },
    end: () => {},
  };
}

/**
 * The sentinels have another one take the primary's place, which lives on as a replica. They do not hold its writes meanwhile: what it
 * takes until they have told it is gone.
 *
 * @param keepsAcknowledged whether what not all replicas have is not acknowledged (DURABILITY=replicas:2)
 */
export function sentinelFailedOver(stage: Stage, keepsAcknowledged = false): Fault {
  const group = sentinelOf(stage);
  let former: RedisServer | undefined;
  return {
    name: 'sentinels change the primary',
    forgets: keepsAcknowledged ? 'endings' : 'all',
    begin: async () => {
      former = await group.primary();
      await group.failOver();
    },
    end: async () => {
      // At that moment it ends its connections.
      const set = () => group.ask(former as RedisServer, 'SET nemesis 1').catch(() => '');
      const isTold = async () => (await set()).startsWith('-READONLY');
      await until(isTold, { within: 60_000, what: 'the former primary to be a replica' });
    },
  };
}

/** The primary is killed or stopped, until another one has taken its place and for a while longer. */
export function primaryGone(stage: Stage, how: 'killed' | 'hangs'): Fault {
  const group = sentinelOf(stage);
  let primary: RedisServer | undefined;
  return {
    name: `the primary ${how === 'killed' ? 'is killed' : how}`,
    forgets: 'endings',
    begin: async () => {
      primary = await group.primary();
      if (how === 'killed') await primary.kill();
      else primary.freeze();
    },
    end: async () => {
      await until(async () => (await group.primary()) !== primary, { within: 60_000, what: 'another primary' });
      if (how === 'killed') await primary?.restart();
      else primary?.thaw();
    },
  };
}
