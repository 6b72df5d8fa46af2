import type { Gate } from '../gate/gate.ts';
import type { HealthMonitor } from '../health/health-monitor.ts';
import { isResponsive } from '../health/readiness.ts';
import type { Counters } from '../metrics/counters.ts';
import { type Figures, Metrics } from '../metrics/metrics.ts';
import type { Link } from '../xmpp/connection/link.ts';
import type { StoreParts } from './compose-store.ts';

export interface MetricsParts {
  readonly counters: Counters;
  readonly store: StoreParts;
  readonly link: Pick<Link<never>, 'online' | 'stats'>;
  readonly gate: Pick<Gate, 'state' | 'held'> | undefined;
  readonly health: HealthMonitor;
}

/** What `/metrics` shows, put together. */
export function composeMetrics({ counters, store, link, gate, health }: MetricsParts): Metrics {
  const { ledger, queues, queries } = store;
  const figures = async (): Promise<Figures> => {
    const [found, undelivered, paused] = await Promise.all([
      ledger.figures(),
      queues.undelivered.getFailedCount(),
      queries.paused(),
    ]);
    return { ...found, undelivered, paused: paused !== undefined };
  };
  const linkFigures = () => {
    const { online, stats } = link;
    const up = stats.standsBy ? undefined : isResponsive({ online, ...stats });
    return { up, reconnects: stats.reconnects };
  };
  return new Metrics(
    { figures, link: linkFigures, ...(gate && { gate: gateFigures(gate) }), health: () => health.figures },
    counters,
  );
}

function gateFigures(gate: Pick<Gate, 'state' | 'held'>) {
  return () => ({ up: gate.state.state === 'up', waiting: gate.held });
}
