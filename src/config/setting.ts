import type { Value } from './values.ts';

/** A variable of the environment. */
export interface Setting {
  readonly group: Group;
  readonly value: Value<unknown>;
  /** As it would be written; without one it is unset. */
  readonly default?: string;
  /** Where the default comes from, when it is no fixed text. */
  readonly derived?: string;
  readonly required?: true;
  /** Never shown. */
  readonly secret?: true;
  readonly example?: string;
  /** For an operator, in Markdown; one paragraph. */
  readonly about: string;
}

export const GROUPS = {
  xmpp: 'The XMPP server',
  gate: 'The gate',
  redis: 'Redis',
  messages: 'What happens to a message',
  quotas: 'What one sender may take',
  http: 'Dashboard, health and metrics',
  process: 'The process',
} as const;

export type Group = keyof typeof GROUPS;
