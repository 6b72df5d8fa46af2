import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { ALIVE_FOR } from '../store/presence-times.ts';
import { type Connections, connect } from '../store/redis/connections.ts';
import { Keys } from '../store/redis/keys.ts';
import { Probe } from '../store/redis/probe.ts';
import { redisFault } from '../store/redis/redis-faults.ts';
import { checkSetup } from '../store/redis/server-setup.ts';
import { Shards } from '../store/redis/shards.ts';
import { formatDuration } from '../util/duration.ts';
import { type Finding, Findings } from './finding.ts';
import { checkLedger, checkWrites } from './ledger-checks.ts';
import { checkMemory, type MemoryFigures } from './memory-plan.ts';
import { patient } from './patience.ts';
import { isOlder } from './process-checks.ts';

/** How long Redis may take for its first answer, ms. */
const FIRST_ANSWER = 5000;
/** What README.md asks for. */
const OLDEST = '6.2';
/** How far two clocks may be apart, ms: durations are counted by Redis' clock, times that people see are ours. */
const APART = 2000;

export interface RedisFound {
  readonly findings: readonly Finding[];
  /** How many processes say in Redis that they serve the domain; undefined when that cannot be asked. */
  readonly processes: number | undefined;
}

/** Looks at Redis, as the component would use it. It changes nothing but keys to try writes and commands on. */
export async function checkRedis(config: Config, messagesADay?: number): Promise<RedisFound> {
  const findings = new Findings('Redis');
  let heard: (error: Error) => void = () => {};
  const problem = new Promise<Error>((resolve) => {
    heard = resolve;
  });
  const connections = connect(config.redis, (error) => heard(error), { slowDisk: config.durability === 'disk' });
  try {
    const failed = await firstAnswer(connections.ledger, problem);
    if (failed !== undefined) {
      findings.problem('redis', redisFault(failed).text);
      return { findings: findings.all, processes: undefined };
    }
    return { findings: findings.all, processes: await look(connections.ledger, config, messagesADay, findings) };
  } catch (error) {
    findings.problem('redis', redisFault(error).text);
    return { findings: findings.all, processes: undefined };
  } finally {
    await connections.close();
  }
}

/** Waits for the first answer; gives the first error otherwise. */
async function firstAnswer(redis: Connections['ledger'], problem: Promise<Error>): Promise<Error | undefined> {
  const over = new AbortController();
  const ready = async () => {
    if (redis.status !== 'ready') await once(redis, 'ready', { signal: over.signal });
    await redis.ping();
    return undefined;
  };
  const late = sleep(patient(FIRST_ANSWER), new Error('timed out'), { signal: over.signal });
  try {
    return await Promise.race([ready().catch((error: Error) => error), late, problem]);
  } finally {
    late.catch(() => {});
    over.abort();
  }
}

async function look(
  redis: Connections['ledger'],
  config: Config,
  messagesADay: number | undefined,
  findings: Findings,
): Promise<number> {
  const probe = new Probe(redis, config.redis.prefix);
  const info = (await redis.info().catch(() => '')) as string;
  const field = (name: string) => info.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1];
  const version = field('redis_version');
  if (version !== undefined && isOlder(version, OLDEST)) {
    findings.problem('redis.version', `Redis ${version} is too old`, `Install ${OLDEST} or newer`);
  } else findings.ok('redis', `Redis ${version ?? '(its version is not told)'} answers`);

  await checkWrites(redis, config, field('connected_slaves'), findings);
  await checkLedger(redis, config.redis, findings);
  // Who only looks does not mark the ledger as written by this version.
  const { refusals, warnings } = await checkSetup(redis, { denied: () => probe.denied() });
  for (const text of refusals) findings.problem('redis.setup', text);
  for (const text of warnings) findings.warning('redis.setup', text);
  if (refusals.length + warnings.length === 0) {
    findings.ok('redis.setup', 'It evicts nothing, writes each message to its disk first, and allows every command');
  }
  for (const name of ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status']) {
    if (field(name) === 'err') {
      findings.problem('redis.disk', `Redis' last write to its disk failed (${name})`, 'Look at its log and the disk');
    }
  }
  const number = (name: string) => (field(name) === undefined ? undefined : Number(field(name)));
  const memory: MemoryFigures = {
    used: number('used_memory'),
    limit: number('maxmemory'),
    machine: number('total_system_memory'),
  };
  findings.all.push(...checkMemory(memory, config, messagesADay));
  await checkClock(redis, findings);
  return checkProcesses(redis, config, findings);
}

async function checkClock(redis: Connections['ledger'], findings: Findings): Promise<void> {
  const before = Date.now();
  const [seconds, micros] = (await redis.time()).map(Number) as [number, number];
  const after = Date.now();
  const theirs = seconds * 1000 + micros / 1000;
  // It was read some time in between.
  const apart = Math.max(before - theirs, theirs - after, 0);
  if (apart <= APART) {
    findings.ok('clock', "This machine's clock and that of Redis agree");
    return;
  }
  const how = `${formatDuration(Math.round(apart / 1000) * 1000)} ${theirs > after ? 'ahead of' : 'behind'} ours`;
  findings.warning('clock', `The clock of Redis' machine is ${how}`, 'Let both machines take the time by NTP');
}

async function checkProcesses(redis: Connections['ledger'], config: Config, findings: Findings): Promise<number> {
  const [seconds] = (await redis.time()).map(Number) as [number, number];
  const since = seconds * 1000 - ALIVE_FOR;
  const { prefix } = config.redis;
  // A ledger of before shards does not name their number, and has one.
  const kept = await redis.hget(new Keys(prefix).identity, 'shards');
  const alive = await redis.zcount(new Shards(prefix, Number(kept ?? 1)).home.alive, since, '+inf');
  const domain = config.xmpp.componentDomain;
  if (alive === 0) findings.ok('processes', `No process of this Redis (${prefix}) serves ${domain} now`);
  else findings.ok('processes', `${alive} ${alive === 1 ? 'process serves' : 'processes serve'} ${domain} now`);
  return alive;
}
