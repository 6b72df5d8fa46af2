import { evidence } from './cases.ts';
import type { History } from './history.ts';
import { copies } from './rules/copies.ts';
import { health } from './rules/health.ts';
import { order } from './rules/order.ts';
import { kept, truthful } from './rules/promise.ts';
import { unheld } from './rules/unheld.ts';
import type { Violation } from './violation.ts';

/** All that is wrong with a history, in the order of time. Pure. */
export function check(history: History): Violation[] {
  const sorted = evidence(history);
  return [kept, truthful, unheld, copies, order, health]
    .flatMap((rule) => [...rule(sorted)])
    .sort((a, b) => a.at - b.at);
}
