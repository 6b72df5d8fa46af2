import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../tests/support/process/ports.ts';
import type { RedisServer } from '../../tests/support/servers/redis.ts';
import { until } from '../../tests/support/time/until.ts';
import type { Fault } from '../nemesis.ts';
import type { Stage } from '../stage.ts';

const LEDGER = { blocks: 'ledger' } as const;

/** SIGSTOP: connections stay, and nothing is answered. */
export function hung({ world: { redis } }: Stage): Fault {
  return { name: 'Redis hangs', ...LEDGER, begin: () => redis.freeze(), end: () => redis.thaw() };
}

/** SIGKILL; started again on the same data. */
export function killed({ world: { redis } }: Stage): Fault {
  return { name: 'Redis is killed', ...LEDGER, begin: () => redis.kill(), end: () => redis.restart() };
}

/** At its memory limit. */
export function full(stage: Stage): Fault {
  return setting(stage, 'Redis is full', 'maxmemory', '1', '0');
}

/** NOREPLICAS */
export function withoutReplicas(stage: Stage): Fault {
  return setting(stage, 'Redis has too few replicas', 'min-replicas-to-write', '1', '0');
}

function setting({ admin }: Stage, name: string, key: string, during: string, after: string): Fault {
  const set = async (value: string) => void (await admin.config('SET', key, value));
  return { name, ...LEDGER, begin: () => set(during), end: () => set(after) };
}

/** A replica of nobody: READONLY. */
export function readOnly({ admin }: Stage): Fault {
  return {
    name: 'Redis is read-only',
    ...LEDGER,
    begin: async () => void (await admin.replicaof('127.0.0.1', await freePort())),
    end: async () => void (await admin.replicaof('NO', 'ONE')),
  };
}

/** NOPERM: scripts are forbidden. */
export function forbidden({ admin }: Stage): Fault {
  return {
    name: 'Redis forbids scripts',
    ...LEDGER,
    begin: async () => void (await admin.call('ACL', 'SETUSER', 'default', '-@scripting')),
    end: async () => void (await admin.call('ACL', 'SETUSER', 'default', '+@all')),
  };
}

/** MISCONF: its last snapshot failed. */
export function cannotSave({ admin }: Stage): Fault {
  let obstacle = '';
  const setSave = (value: string) => admin.config('SET', 'save', value);
  const status = async (word: string) => (await admin.info('persistence')).includes(`rdb_last_bgsave_status:${word}`);
  return {
    name: 'Redis cannot write a snapshot',
    ...LEDGER,
    begin: async () => {
      const [, folder = ''] = (await admin.config('GET', 'dir')) as string[];
      const [, file = ''] = (await admin.config('GET', 'dbfilename')) as string[];
      // A folder of that name that is not empty cannot be replaced by a file.
      obstacle = path.join(folder, file);
      await rm(obstacle, { force: true });
      await mkdir(obstacle, { recursive: true });
      await writeFile(path.join(obstacle, 'obstacle'), '');
      await setSave('3600 1000000');
      await admin.bgsave();
      await until(() => status('err'), { what: 'the snapshot to fail' });
    },
    end: async () => {
      await rm(obstacle, { recursive: true, force: true });
      await setSave('');
      await admin.bgsave();
      await until(() => status('ok'), { what: 'a snapshot' });
    },
  };
}

/** SCRIPT FLUSH */
export function scriptsFlushed({ admin }: Stage): Fault {
  const flush = async () => void (await admin.script('FLUSH'));
  return { name: 'Redis forgets its scripts', lossless: true, begin: flush, end: () => {} };
}

/** Every connection to it is reset. */
export function disconnected({ address }: Stage): Fault {
  return { name: 'Redis’ connections are reset', begin: () => address.reset(), end: () => {} };
}

/**
 * A planned failover: writes are held until the replica has all, the two change places, and the address moves for who
 * connects anew. What is connected stays with the old one, which is read-only from now on.
 */
export function failedOver(stage: Stage): Fault {
  const { replica, address, admin } = stage;
  return {
    name: 'Redis fails over',
    begin: async () => {
      if (replica === undefined) throw new Error('There is no replica to fail over to');
      const next = new Redis(replica.url);
      try {
        await admin.call('CLIENT', 'PAUSE', '10000', 'WRITE');
        await until(() => caughtUp(admin, next), { what: 'the replica to have all' });
        await next.replicaof('NO', 'ONE');
        address.target = replica.port;
        await admin.replicaof('127.0.0.1', replica.port);
        await admin.call('CLIENT', 'UNPAUSE');
      } finally {
        next.disconnect();
      }
    },
    end: () => {},
  };
}

/** The primary is killed for good, and the replica takes its place: as the first, but nobody is asked. */
export function primaryLost({ world, replica, address, admin }: Stage): Fault {
  return {
    name: 'Redis’ primary is lost',
    begin: async () => {
      if (replica === undefined) throw new Error('There is no replica to fail over to');
      const next = new Redis((replica as RedisServer).url);
      try {
        // What it had acknowledged is on the replica: asynchronous replication alone would lose some of it.
        await admin.call('CLIENT', 'PAUSE', '10000', 'WRITE');
        await until(() => caughtUp(admin, next), { what: 'the replica to have all' });
        await world.redis.kill();
        await next.replicaof('NO', 'ONE');
        address.target = replica.port;
      } finally {
        next.disconnect();
      }
    },
    end: () => {},
  };
}

/** How long a replica may take for what was written, ms. */
const WAITS = 10_000;

/**
 * The network between the primary and its replica is cut; at the end the primary is killed, and the replica takes its place with
 * what it had. The former primary follows it then.
 *
 * @param keepsAcknowledged whether what the replica has not taken is not acknowledged (DURABILITY=replicas:1)
 */
export function promotedUnsynced(
  { world, replica, replication, address, admin }: Stage,
  keepsAcknowledged: boolean,
): Fault {
  return {
    name: 'a replica takes the primary’s place without its last writes',
    ...(keepsAcknowledged ? { ...LEDGER, forgets: 'endings' } : { forgets: 'all' }),
    begin: async () => {
      // What was written before, it has: a busy machine's replica may be behind.
      await admin.set('nemesis', '');
      await admin.wait(1, WAITS);
      replication?.freeze();
    },
    end: async () => {
      if (replica === undefined) throw new Error('There is no replica to take its place');
      const next = new Redis(replica.url);
      try {
        await world.redis.kill();
        await next.replicaof('NO', 'ONE');
        address.target = replica.port;
        await world.redis.restart();
        const former = new Redis(world.redis.url);
        await former.replicaof('127.0.0.1', replica.port);
        former.disconnect();
      } finally {
        next.disconnect();
      }
    },
  };
}

async function caughtUp(primary: Redis, replica: Redis): Promise<boolean> {
  const offset = async (redis: Redis) => /master_repl_offset:(\d+)/.exec(await redis.info('replication'))?.[1];
  return (await offset(primary)) === (await offset(replica));
}
