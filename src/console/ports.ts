import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { CommandContext } from '../commands/command-context.ts';
import type { Readiness } from '../health/observations.ts';
import type { Counts } from '../metrics/counters.ts';
import type { StepStore } from '../store/contract.ts';
import type { History } from './history.ts';

/** What does not change while the process runs. */
export interface About {
  readonly version: string;
  readonly mode: 'subdomain' | 'transparent' | 'both';
  readonly componentDomain: string;
  /** ms since the epoch. */
  readonly startedAt: number;
}

/** What the store has just now. */
export interface StoreFigures {
  readonly pending: number;
  readonly owed: number;
  readonly oldestPendingAgeSeconds: number;
  readonly deadLetters: number;
}

/** What the console needs of the rest of the process. */
export interface ConsolePorts {
  readonly about: About;
  readonly addresses: AddressPolicy;
  /** What it shares with the ad-hoc commands. */
  readonly context: CommandContext;
  readonly readiness: () => Readiness;
  /** Since when (ms since the epoch) there is a link to the XMPP server; undefined while there is none. */
  readonly linkedSince: () => number | undefined;
  /** How much of its `maxmemory` Redis uses, 0 to 1, if it has one. */
  readonly memoryUsed: () => number | undefined;
  /** Rejects while Redis does not answer. */
  readonly figures: () => Promise<StoreFigures>;
  readonly counts: Readonly<Counts>;
  readonly history: History;
  /** Where each step of a message is kept; undefined where none is (TRACE_MESSAGES). */
  readonly steps?: Pick<StepStore, 'stepsOf' | 'traced'> | undefined;
}
