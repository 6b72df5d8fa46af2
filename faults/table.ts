import { RULES } from './checker.ts';
import type { Figures } from './report.ts';
import type { Scenario } from './scenario.ts';

export interface Tallied {
  readonly name: string;
  readonly figures: Figures;
}

export function document(scenarios: readonly Scenario[], tallied: readonly Tallied[]): string {
  return [scenarios.length, tallied.length, RULES].join();
}
