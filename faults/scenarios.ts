import type { Scenario } from './scenario.ts';
import { CLOCK_SCENARIOS } from './scenarios/clock.ts';
import { GATE_SCENARIOS } from './scenarios/gate.ts';
import { LINK_SCENARIOS } from './scenarios/link.ts';
import { MIXED_SCENARIOS } from './scenarios/mixed.ts';
import { PROCESS_SCENARIOS } from './scenarios/processes.ts';
import { REDIS_SCENARIOS } from './scenarios/redis.ts';
import { REDIS_GROUP_SCENARIOS } from './scenarios/redis-group.ts';

/** What hurts the one Redis. */
const onOne = (scenarios: readonly Scenario[]): readonly Scenario[] =>
  scenarios.map((scenario) => ({ ...scenario, redis: 'one' }));

export const SCENARIOS: readonly Scenario[] = [
  ...onOne(REDIS_SCENARIOS),
  ...LINK_SCENARIOS,
  ...PROCESS_SCENARIOS,
  ...CLOCK_SCENARIOS,
  ...MIXED_SCENARIOS,
  ...GATE_SCENARIOS,
  ...REDIS_GROUP_SCENARIOS,
];
