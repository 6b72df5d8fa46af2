import type { ConsolePorts } from '../ports.ts';
import type { Now } from '../schemas.ts';

/** ms since the epoch as ISO 8601; undefined stays so. */
export function iso<T extends number | undefined>(ms: T): T extends number ? string : string | undefined {
  return (ms === undefined ? undefined : new Date(ms).toISOString()) as never;
}

/** An object without its undefined fields, for JSON schemas and exact types. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}

/** How it is just now. Never rejects: what the store would say is missing while it does not answer. */
export async function now(ports: ConsolePorts): Promise<Now> {
  const { about, context, counts, history } = ports;
  const { ready, problems, warnings, parts } = ports.readiness();
  const [figures, paused] = await Promise.all([
    ports.figures().catch(() => undefined),
    context.queries.paused().catch(() => undefined),
  ]);
  return defined({
    version: about.version,
    mode: about.mode,
    component: about.componentDomain,
    startedAt: iso(about.startedAt),
    ready,
    problems: [...problems],
    warnings: [...warnings],
    parts: parts as unknown as Now['parts'],
    linkedSince: iso(ports.linkedSince()),
    memoryUsed: ports.memoryUsed(),
    paused: paused && { since: iso(paused.since), by: paused.by },
    store: figures && {
      waiting: figures.pending,
      oldestSeconds: figures.oldestPendingAgeSeconds,
      sendersToTell: figures.owed,
      deadLetters: figures.deadLetters,
    },
    process: {
      accepted: counts.accepted,
      delivered: counts.delivered,
      redelivered: counts.redelivered,
      failed: counts.expired + counts.rejected,
      unconfirmed: counts.unconfirmed,
    },
    lastHour: history.samples.map((sample) => defined({ ...sample, at: iso(sample.at) })),
  }) as Now;
}
