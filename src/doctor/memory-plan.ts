import type { Config } from '../config/config.ts';
import { type Finding, Findings } from './finding.ts';

/** Bytes, as INFO has them; undefined when Redis does not tell. */
export interface MemoryFigures {
  readonly used: number | undefined;
  /** maxmemory; 0 is none. */
  readonly limit: number | undefined;
  readonly machine: number | undefined;
}

/**
 * Bytes of Redis' memory that a message takes, with all that is kept beside it: while it is pending (of 300 bytes of text,
 * one to each recipient), for the first half hour after it has ended, and then as a digest. A test compares the first two with a real Redis, the
 * benchmark all of them with goals; docs/operations.md (Size) counts with the same, which another test sees to.
 */
export const BYTES = { pending: 1100, ended: 600, digest: 32 } as const;
/** The part of a day's messages that wait at a time, those to people who are away, and of those in its busiest half hour. */
const PARTS = { pending: 0.1, ended: 0.05 };
/** Digests go by generations: they are kept for so much of DEDUP_WINDOW. */
const DIGESTS_KEPT = 9 / 8;
/** While Redis rewrites its file it needs more than its data. */
const LARGEST_PART_OF_MACHINE = 0.75;
/** Of what is usable, one sender's quota may be so much. */
const LARGEST_PART_OF_ONE = 0.25;

const DAY = 86_400_000;

/** Whether Redis has the memory that the settings count on. Pure. */
export function checkMemory(
  { used = 0, limit, machine }: MemoryFigures,
  { quotas, retry }: Pick<Config, 'quotas' | 'retry'>,
  messagesADay?: number,
): Finding[] {
  const findings = new Findings('Redis');
  if (limit === undefined) {
    findings.unknown('redis.memory', 'Redis does not tell its memory', 'Look at maxmemory yourself');
    return findings.all;
  }
  if (limit === 0) {
    findings.warning(
      'redis.memory.limit',
      'Redis has no maxmemory: when the machine is full the system ends it, and quotas cannot make room',
      'Set maxmemory, with room above it (docs/operations.md, Redis)',
    );
  } else if (machine !== undefined && limit > machine * LARGEST_PART_OF_MACHINE) {
    findings.warning(
      'redis.memory.machine',
      `maxmemory is ${size(limit)}, and its machine has ${size(machine)}: a rewrite of its file needs room above`,
      `Set maxmemory to ${size(machine * LARGEST_PART_OF_MACHINE)} or less`,
    );
  }
  const usable = (limit === 0 ? (machine ?? 0) * LARGEST_PART_OF_MACHINE : limit) * (1 - quotas.reserve);
  if (limit > 0 && used >= usable) {
    findings.problem(
      'redis.memory.used',
      `Redis uses ${size(used)} of ${size(limit)}: new messages are refused (REDIS_RESERVE)`,
      'Give it more memory, or let the command "Heaviest senders" show who takes it',
    );
  } else if (limit > 0) findings.ok('redis.memory', `It uses ${size(used)} of ${size(limit)}`);
  if (usable > 0 && (quotas.bytes === 0 || quotas.bytes > usable * LARGEST_PART_OF_ONE)) {
    const share = quotas.bytes === 0 ? 'may fill it alone' : `may take ${size(quotas.bytes)} of its ${size(usable)}`;
    findings.warning(
      'redis.memory.sender',
      `One sender ${share} (SENDER_PENDING_BYTES)`,
      'Lower SENDER_PENDING_BYTES, or give Redis more memory',
    );
  }
  if (messagesADay !== undefined && usable > 0) {
    const needed = neededFor(messagesADay, retry.dedupWindow);
    const plan = `${messagesADay.toLocaleString('en')} messages a day need about ${size(needed)}, and Redis has ${size(usable)} for them`;
    if (needed > usable) {
      findings.warning('redis.memory.plan', plan, 'Give it more memory, or shorten DEDUP_WINDOW and MESSAGE_TTL');
    } else findings.ok('redis.memory.plan', plan);
  }
  return findings.all;
}

/** Bytes, about. */
function neededFor(messagesADay: number, dedupWindow: number): number {
  const perMessage =
    ((dedupWindow * DIGESTS_KEPT) / DAY) * BYTES.digest + PARTS.ended * BYTES.ended + PARTS.pending * BYTES.pending;
  return messagesADay * perMessage;
}

function size(bytes: number): string {
  const [divisor, unit] = bytes >= 2 ** 30 ? [2 ** 30, 'GiB'] : [2 ** 20, 'MiB'];
  return `${(bytes / divisor).toFixed(bytes >= 10 * divisor ? 0 : 1)} ${unit}`;
}
