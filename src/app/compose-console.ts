import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { CommandContext } from '../commands/command-context.ts';
import type { Config } from '../config/config.ts';
import { type Console, createConsole } from '../console/console.ts';
import { History } from '../console/history.ts';
import { StepRecorder } from '../console/step-recorder.ts';
import type { HealthMonitor } from '../health/health-monitor.ts';
import type { Counts } from '../metrics/counters.ts';
import type { Log } from '../util/log.ts';
import type { Link } from '../xmpp/connection/link.ts';
import type { StoreParts } from './compose-store.ts';

/** What keeps the steps of messages; undefined where none are to be kept. */
export function composeStepRecorder(config: Config, store: StoreParts, log: Log): StepRecorder | undefined {
  if (config.traceMessages === undefined) return undefined;
  const { steps, monitoring } = store;
  const most = 1 - config.quotas.reserve;
  const hasRoom = () => (monitoring.monitor.memoryUsed ?? 0) < most;
  return new StepRecorder({ store: steps, hasRoom, bodies: config.logBodies, log });
}

export interface ConsoleParts {
  readonly config: Config;
  readonly version: string;
  readonly addresses: AddressPolicy;
  readonly context: CommandContext;
  readonly store: StoreParts;
  readonly counts: Counts;
  readonly link: Pick<Link<never>, 'stats'>;
  readonly health: HealthMonitor;
}

/** The console, put together. */
export function composeConsole({ config, version, store, link, health, counts, ...rest }: ConsoleParts): Console {
  const { ledger, queues, steps, monitoring } = store;
  const history = new History({ counts, waiting: async () => (await ledger.figures()).pending });
  return createConsole({
    ...rest,
    about: { version, mode: config.gate.mode, componentDomain: config.xmpp.componentDomain, startedAt: Date.now() },
    readiness: () => health.readiness,
    linkedSince: () => link.stats.connectedSince,
    memoryUsed: () => monitoring.monitor.memoryUsed,
    figures: async () => {
      const [figures, deadLetters] = await Promise.all([ledger.figures(), queues.undelivered.getFailedCount()]);
      return { ...figures, deadLetters };
    },
    counts,
    history,
    ...(config.traceMessages !== undefined && { steps }),
  });
}
