import type { Job, Queue } from 'bullmq';
import { presentKey } from '../xmpp/stanza/message-key.ts';
import type { JobData, UndeliveredData } from './jobs.ts';

/** Jobs that are read at a time. */
const PAGE = 50;
/** Dead letters that are looked at for one user's, the newest: there may be a million. */
const MOST_LOOKED_AT = 10_000;

/** As a command shows one; see `DeadLetter` in commands/command-context.ts. */
interface DeadLetter {
  readonly id: string;
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly messageId: string;
  readonly stored: string;
  readonly ended: string;
  readonly why: string;
}

type State = 'waiting' | 'delayed' | 'failed' | 'completed';

/** All jobs of a state, a page at a time. */
async function* jobsOf<Data>(queue: Queue<Data>, state: State): AsyncGenerator<Job<Data>> {
  for (let start = 0; ; start += PAGE) {
    const page = await queue.getJobs([state], start, start + PAGE - 1);
    // A job that has gone meanwhile is missing from its page.
    for (const job of page) if (job !== undefined) yield job as Job<Data>;
    if (page.length < PAGE) return;
  }
}

/** Whether a job is about a message from or to one of these; quarantined stanzas name full JIDs. */
function concerns({ from, to }: Partial<JobData>, bareJids: readonly string[]): boolean {
  return [from, to].some((jid) => jid !== undefined && bareJids.includes(jid.split('/', 1)[0] as string));
}

/**
 * Dead letters, the newest first.
 *
 * @param of bare JIDs that one must be from or to; undefined for all
 * @returns up to `limit`, how many there are, and whether all were looked at for that
 */
export async function listUndelivered(
  queue: Queue<UndeliveredData>,
  of: readonly string[] | undefined,
  limit: number,
): Promise<{ letters: DeadLetter[]; total: number; all: boolean }> {
  if (of === undefined) {
    const [jobs, total] = await Promise.all([queue.getFailed(0, limit - 1), queue.getFailedCount()]);
    return { letters: jobs.flatMap(asLetter), total, all: true };
  }
  const letters: DeadLetter[] = [];
  let total = 0;
  let looked = 0;
  for await (const job of jobsOf(queue, 'failed')) {
    if (looked === MOST_LOOKED_AT) return { letters, total, all: false };
    looked += 1;
    if (!concerns(job.data, of)) continue;
    total += 1;
    if (letters.length < limit) letters.push(...asLetter(job));
  }
  return { letters, total, all: true };
}

/** None, of a job that went while it was read. */
function asLetter(job: Job<UndeliveredData> | undefined): DeadLetter[] {
  if (job?.id === undefined) return [];
  const { key, from, to, id: messageId, stored, ended, why } = job.data;
  return [
    {
      id: job.id,
      key: presentKey(key ?? ''),
      from,
      to,
      messageId: messageId ?? '',
      stored: stored ?? '',
      ended,
      why,
    },
  ];
}

/** All dead letters, the newest first, a page at a time; of these bare JIDs alone, if there are any. */
export async function* eachUndelivered(
  queue: Queue<UndeliveredData>,
  of: readonly string[] | undefined,
): AsyncGenerator<DeadLetter> {
  for await (const job of jobsOf(queue, 'failed')) {
    if (of === undefined || concerns(job.data, of)) yield* asLetter(job);
  }
}

/** Removes all jobs that name one of these bare JIDs, but for those that are at work: they find nothing to do. */
export async function removeJobsAbout(queues: readonly Queue<JobData>[], bareJids: readonly string[]): Promise<void> {
  for (const queue of queues) {
    for (const state of ['waiting', 'delayed', 'failed', 'completed'] as const) {
      const about: Job<JobData>[] = [];
      // Found first and removed then, since pages shift with each removal.
      for await (const job of jobsOf(queue, state)) if (concerns(job.data, bareJids)) about.push(job);
      for (const job of about) await job.remove().catch(() => {});
    }
  }
}
