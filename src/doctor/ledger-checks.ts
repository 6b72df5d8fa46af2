import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { Connections } from '../store/redis/connections.ts';
import { durabilityOf } from '../store/redis/durability.ts';
import { LEDGER_FORMAT } from '../store/redis/format.ts';
import { Keys } from '../store/redis/keys.ts';
import { Probe } from '../store/redis/probe.ts';
import { redisFault } from '../store/redis/redis-faults.ts';
import { DEFAULT_SHARDS } from '../store/redis/shards.ts';
import type { Findings } from './finding.ts';

/**
 * Whether Redis takes writes, and keeps them as DURABILITY demands. Writes a key that goes by itself, and not the ledger's mark:
 * that fixes the number of shards.
 *
 * @param connected how many replicas Redis says that it has
 */
export async function checkWrites(
  redis: Connections['ledger'],
  { durability, redis: { prefix } }: Pick<Config, 'durability' | 'redis'>,
  connected: string | undefined,
  findings: Findings,
): Promise<void> {
  const probe = new Probe(redis, prefix);
  try {
    await probe.register([randomUUID()]);
    findings.ok('redis.write', 'It takes writes');
  } catch (error) {
    findings.problem('redis.write', redisFault(error).text);
    return;
  }
  const wait = durabilityOf(redis, new Keys(prefix).durability, durability);
  if (!wait.isNeeded) return;
  const impossible = await wait.refusal();
  if (impossible !== undefined) {
    findings.problem('redis.durability', impossible);
    return;
  }
  if (!('keep' in wait)) {
    const text = `Whether each master of the cluster keeps a message as DURABILITY=${durability} demands is not tried`;
    findings.unknown('redis.durability', text, 'See "redis" in /readyz of a process that runs');
    return;
  }
  const replicas = connected === undefined ? '' : ` (replicas connected: ${connected})`;
  try {
    await wait.keep(() => probe.register([randomUUID()]));
    findings.ok('redis.durability', `It keeps a message as DURABILITY=${durability} demands${replicas}`);
  } catch (error) {
    const { code, text } = redisFault(error);
    if (code === 'DURABILITY') {
      const why = (error as Error).message.replace(/^DURABILITY /, '');
      const what = `DURABILITY=${durability}, and ${why}${replicas}: no message would be acknowledged`;
      findings.problem('redis.durability', what, 'Bring the replicas back, look at the disk, or lower the setting');
    } else findings.problem('redis.durability', text);
  }
}

/** Whether what is stored can be used with these settings. */
export async function checkLedger(
  redis: Connections['ledger'],
  { prefix, shards }: Config['redis'],
  findings: Findings,
): Promise<void> {
  const mark = await redis.hmget(new Keys(prefix).identity, 'id', 'format', 'shards').catch((error) => {
    if (redisFault(error).kind === 'connection') throw error;
    return undefined;
  });
  // Its user may not read, which is said among what he may not do.
  if (mark === undefined) return;
  const [id, format, kept] = mark;
  // Not set: the ledger's own number, or that of a new one.
  const asked = `SHARDS=${shards ?? kept ?? DEFAULT_SHARDS}`;
  if (id == null) {
    findings.ok('redis.ledger', `Nothing is stored under ${prefix} yet; the first start fixes ${asked}`);
  } else if (format == null) {
    findings.ok(
      'redis.ledger',
      `A version before shards has written what is stored; the first start takes it over with ${asked}: stop the older processes first`,
    );
  } else if (Number(format) > LEDGER_FORMAT) {
    findings.problem(
      'redis.ledger',
      `A newer version has written what is stored (format ${format}; this one knows up to ${LEDGER_FORMAT})`,
      'Start that version, or set another REDIS_PREFIX',
    );
  } else if (kept != null && shards !== undefined && Number(kept) !== shards) {
    findings.problem(
      'redis.shards',
      `The ledger has ${kept} shards, which its first start has fixed, and ${asked}: no process would start`,
      `Set SHARDS=${kept}`,
    );
  } else if (Number(format) < LEDGER_FORMAT) {
    findings.ok(
      'redis.ledger',
      `An older version has written what is stored (format ${format}); the first start takes it over: stop the older processes first`,
    );
  } else findings.ok('redis.ledger', `What is stored is of this version's format, and ${asked} is its number`);
}
