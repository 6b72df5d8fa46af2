import { OWN_SERVER } from '../tests/support/stages/world.ts';
import { faketime } from './clock.ts';
import type { Mode } from './mode.ts';
import type { RedisKind } from './redis-kind.ts';
import type { Scenario } from './scenario.ts';

/** The seed of the choice that CI runs. */
export const CI_SEED = 1;

export interface Choice {
  readonly mode: Mode;
  /** By default one. */
  readonly redis?: RedisKind;
  /** Only those that CI runs. */
  readonly ci?: boolean;
  /** Only the one of that name; or those whose name has this in it. */
  readonly name?: string;
}

/** Those that make sense in that mode, and are wanted. */
export function choice(
  scenarios: readonly Scenario[],
  { mode, redis = 'one', ci = false, name = '' }: Choice,
): Scenario[] {
  const isTransparent = mode === 'transparent';
  const wanted = scenarios
    .filter(({ transparent }) => (isTransparent ? typeof transparent !== 'object' : transparent !== 'only'))
    .filter((scenario) => (scenario.redis ?? redis) === redis)
    .filter((scenario) => !ci || scenario.ci?.includes(mode));
  const exactly = wanted.filter((scenario) => scenario.name === name);
  return exactly.length > 0 ? exactly : wanted.filter((scenario) => scenario.name.includes(name));
}

/** Those that can be carried out here; and of the others, why not. */
export function runnable(scenarios: readonly Scenario[]): {
  scenarios: Scenario[];
  skipped: { name: string; why: string }[];
} {
  const why = ({ clocks, ownServer }: Scenario) => {
    if (clocks && faketime() === undefined) return 'since libfaketime is not installed (apt-get install faketime)';
    return ownServer && !OWN_SERVER ? 'since the server is not ours to stop' : undefined;
  };
  return {
    scenarios: scenarios.filter((scenario) => why(scenario) === undefined),
    skipped: scenarios.flatMap((scenario) => {
      const reason = why(scenario);
      return reason === undefined ? [] : [{ name: scenario.name, why: reason }];
    }),
  };
}

/** Each once; or, for so many ms, one after the other again and again, each round with a seed of its own. */
export function* runsFor(
  scenarios: readonly Scenario[],
  seed: number,
  ms: number | undefined,
): Generator<{ scenario: Scenario; seed: number }> {
  const until = performance.now() + (ms ?? 0);
  for (let round = 0; ; round += 1) {
    for (const scenario of scenarios) {
      if (ms !== undefined && performance.now() >= until) return;
      yield { scenario, seed: seed + round };
    }
    if (ms === undefined) return;
  }
}
