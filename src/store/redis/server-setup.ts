import type { Cluster, Redis } from 'ioredis';
import type { StoreSetup } from '../contract.ts';
import { nameOf, serversOf } from './cluster-nodes.ts';
import type { Durable } from './durability.ts';
import { LEDGER_FORMAT } from './format.ts';
import type { Probe } from './probe.ts';
import { redisFault } from './redis-faults.ts';

function field(info: string, name: string): string | undefined {
  return info.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1];
}

/** Judges what `INFO` says. Pure. CONFIG GET would say more, and managed Redis services forbid it. */
export function assessInfo(info: string, save: string | undefined, fsync: string | undefined): StoreSetup {
  const refusals: string[] = [];
  const warnings: string[] = [];
  const policy = field(info, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    refusals.push(
      `Redis may throw away acknowledged messages: its maxmemory-policy is "${policy}". Set "maxmemory-policy noeviction".`,
    );
  }
  if (field(info, 'aof_enabled') !== '1') {
    warnings.push(
      save === ''
        ? 'Redis keeps nothing on disk: all pending messages are lost when it restarts. Set "appendonly yes".'
        : 'Redis writes to disk only now and then: a crash loses the messages since its last snapshot. Set "appendonly yes".',
    );
  } else if (fsync !== undefined && fsync !== 'always') {
    warnings.push(
      `Redis may lose the last second of acknowledged messages when its machine crashes (appendfsync ${fsync}). Set "appendfsync always" to rule that out.`,
    );
  }
  return { refusals, warnings };
}

/** How much of its `maxmemory` Redis uses, 0 to 1 and more, by what `INFO` says; undefined when it has none. Pure. */
export function memoryUsed(info: string): number | undefined {
  const [used, most] = [Number(field(info, 'used_memory')), Number(field(info, 'maxmemory'))];
  return most > 0 && used >= 0 ? used / most : undefined;
}

/** The same, asked of Redis, in a cluster of the fullest master; undefined when it does not tell. Throws connection errors of ioredis. */
export async function askMemory(redis: Redis | Cluster): Promise<number | undefined> {
  const all = await Promise.all(serversOf(redis).map((server) => unlessRefused(server.info('memory'))));
  const used = all.flatMap((info) => (info === undefined ? [] : (memoryUsed(info) ?? [])));
  return used.length === 0 ? undefined : Math.max(...used);
}

/**
 * Looks at how Redis is set up, and at what its user may do.
 *
 * @throws connection errors of ioredis
 */
export async function checkSetup(
  redis: Redis | Cluster,
  probe: Pick<Probe, 'denied'> & Partial<Pick<Probe, 'newerFormat'>>,
  durability?: Pick<Durable, 'refusal'>,
): Promise<StoreSetup> {
  const [{ refusals: found, warnings }, denied, level, newer] = await Promise.all([
    assessServers(redis),
    unlessRefused(probe.denied()),
    durability?.refusal(),
    probe.newerFormat === undefined ? undefined : unlessRefused(probe.newerFormat()),
  ]);
  const refusals = level === undefined ? [...found] : [...found, level];
  if (newer !== undefined) {
    refusals.push(
      `A newer version has written what is in Redis (format ${newer}; this one knows up to ${LEDGER_FORMAT}). Start that version again, or name another REDIS_PREFIX.`,
    );
  }
  if (denied === undefined || denied.length === 0) return { refusals, warnings };
  const names = [...new Set(denied)].join(', ');
  const forbidden = `Redis forbids the user of REDIS_URL, or does not know: ${names}. Set its ACL as docs/operations.md has it.`;
  return { refusals: [...refusals, forbidden], warnings };
}

/** Of a cluster each master, which then is named. */
async function assessServers(redis: Redis | Cluster): Promise<StoreSetup> {
  const all = await Promise.all(
    serversOf(redis).map(async (server) => {
      const { refusals, warnings } = await assessServer(server);
      const named = (text: string) => (redis.isCluster ? `${nameOf(server)}: ${text}` : text);
      return { refusals: refusals.map(named), warnings: warnings.map(named) };
    }),
  );
  return { refusals: all.flatMap((one) => one.refusals), warnings: all.flatMap((one) => one.warnings) };
}

async function assessServer(redis: Redis): Promise<StoreSetup> {
  const setting = async (name: string): Promise<string | undefined> => {
    try {
      return ((await redis.config('GET', name)) as string[])[1];
    } catch {
      return undefined;
    }
  };
  const [info, save, fsync] = await Promise.all([unlessRefused(redis.info()), setting('save'), setting('appendfsync')]);
  return info === undefined ? UNSEEN : assessInfo(info, save, fsync);
}

const UNSEEN: StoreSetup = {
  refusals: [],
  warnings: [
    'Redis does not let us see how it is set up. Allow the command INFO to the user of REDIS_URL, or see yourself that its maxmemory-policy is noeviction.',
  ],
};

/** Undefined when Redis refuses to tell; rejects when it does not answer. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (redisFault(error).kind === 'connection') throw error;
    return undefined;
  }
}
