import type { FairnessPlan } from './fairness.ts';
import type { GatePlan } from './gate.ts';
import type { LanguagesPlan } from './languages.ts';
import type { Plan } from './measure.ts';
import type { PendingPlan } from './pending.ts';
import type { PresencePlan } from './presence.ts';
import type { QueriesPlan } from './queries.ts';
import type { ScalePlan } from './scale.ts';
import type { ShardsPlan } from './shards.ts';
import type { ServerPlan } from './through-server.ts';

/** How much each section measures, and how long its rounds may take. */
export interface Plans {
  readonly speed: Plan;
  readonly languages: LanguagesPlan;
  readonly pending: PendingPlan;
  readonly fairness: FairnessPlan;
  readonly scale: ScalePlan;
  readonly gate: GatePlan;
  readonly presence: PresencePlan;
  readonly queries: QueriesPlan;
  readonly shards: ShardsPlan;
  readonly server: ServerPlan;
}

const SECOND = 1000;
/** 64 pairs: some in each of 16 shards. */
const SHARDS = { pairs: 64, counts: [1, 16] };

/** Together less than {@link LIMIT} on an idle machine with two cores. */
export const WHOLE: Plans = {
  // Node compiles and makes its young generation larger for 3 s and more: a message costs up to five times as much in the first of them.
  speed: { rounds: 5, limit: 220 * SECOND, warmUp: 5000, measure: 4000, paced: 3000 },
  languages: { rounds: 16, limit: 80 * SECOND, warmUp: 9000, lead: 200, measure: 1000 },
  pending: { rounds: 5, limit: 45 * SECOND, accepted: 50_000, filled: 1_000_000 },
  fairness: { rounds: 3, limit: 80 * SECOND, flood: 30_000, paced: 5000 },
  scale: { rounds: 5, limit: 140 * SECOND, warmUp: 15_000, measured: 40_000 },
  gate: { rounds: 3, limit: 120 * SECOND, warmUp: 3000, measured: 6000, paced: 3000 },
  presence: { users: 1000, subscribersEach: 10, changes: 50_000 },
  queries: { filled: 200_000, letters: 5000, rounds: 3 },
  shards: { rounds: 10, limit: 180 * SECOND, warmUp: 20_000, measured: 50_000, ...SHARDS },
  server: { rounds: 5, limit: 300 * SECOND, warmUp: 30_000, measured: 30_000, paced: 5000 },
};

/** A smoke test. */
export const QUICK: Plans = {
  speed: { rounds: 1, limit: 0, warmUp: 500, measure: 1000, paced: 1000 },
  languages: { rounds: 1, limit: 0, warmUp: 3000, lead: 200, measure: 1000 },
  pending: { rounds: 2, limit: 60 * SECOND, accepted: 10_000, filled: 50_000 },
  fairness: { rounds: 1, limit: 0, flood: 30_000, paced: 2000 },
  scale: { rounds: 1, limit: 0, warmUp: 3000, measured: 5000 },
  gate: { rounds: 1, limit: 60 * SECOND, warmUp: 1000, measured: 3000, paced: 2000 },
  presence: { users: 100, subscribersEach: 5, changes: 5000 },
  queries: { filled: 60_000, letters: 500, rounds: 3 },
  shards: { rounds: 2, limit: 60 * SECOND, warmUp: 2000, measured: 5000, ...SHARDS },
  server: { rounds: 1, limit: 60 * SECOND, warmUp: 1000, measured: 2000, paced: 1000 },
};

/** How long all of it may take: then it ends with what it has come to, ms. */
export const LIMIT = 15 * 60 * SECOND;
