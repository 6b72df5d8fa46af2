import type { Scenario } from './scenario.ts';
import { CLOCK_SCENARIOS } from './scenarios/clock.ts';
import { GATE_SCENARIOS } from './scenarios/gate.ts';
import { LINK_SCENARIOS } from './scenarios/link.ts';
import { MIXED_SCENARIOS } from './scenarios/mixed.ts';
import { PROCESS_SCENARIOS } from './scenarios/processes.ts';
import { REDIS_SCENARIOS } from './scenarios/redis.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...REDIS_SCENARIOS,
  ...LINK_SCENARIOS,
  ...PROCESS_SCENARIOS,
  ...CLOCK_SCENARIOS,
  ...MIXED_SCENARIOS,
  ...GATE_SCENARIOS,
];
