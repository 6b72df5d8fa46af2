import type { StoreFault } from '../store/contract.ts';
import type { DomainState } from './domain-state.ts';
import type { RedisState } from './redis-monitor.ts';

/** What is looked at; a part that is wrong says so in one sentence. */
export interface Part {
  readonly ok: boolean;
  /** What is wrong, and what to do. */
  readonly problem?: string;
  /** What does not keep the proxy from its work. */
  readonly warnings?: readonly string[];
  /** Since when it is wrong, ISO 8601. */
  readonly since?: string;
}

type PartName = 'link' | 'domain' | 'redis' | 'ledger' | 'queues';
type Parts = Readonly<Record<PartName, Part>> & { readonly gate?: Part };

export interface Readiness {
  readonly ready: boolean;
  /** In words for an operator; empty when it is ready. */
  readonly problems: readonly string[];
  /** The same of what does not keep it from its work. */
  readonly warnings: readonly string[];
  /** `gate` where there is to be one. */
  readonly parts: Parts;
}

export interface LinkState {
  readonly online: boolean;
  /** ms since the epoch. */
  readonly connectedSince: number | undefined;
  readonly downSince?: number | undefined;
  readonly provedAt: number | undefined;
  readonly lastProblem: string | undefined;
  /** Whether another process is connected in its place. */
  readonly standsBy?: boolean;
  /** ms; as of {@link LinkStats}. */
  readonly awaitingAnswerFor: number | undefined;
  readonly roundTrip: number | undefined;
  readonly answersMisrouted: boolean;
}

/** What the pipeline's calls to Redis show; times as of `performance.now()`. */
export interface PipelineHealth {
  readonly failingSince: number | undefined;
  readonly fault: StoreFault | undefined;
}

/** How it stands with the gate's lease: off while the link is down or messages cannot be stored. */
export type GateLeaseState =
  | { readonly state: 'off' | 'asking' }
  | { readonly state: 'refused' | 'ended'; readonly why: string }
  | {
      readonly state: 'up';
      readonly ready: boolean;
      readonly terms: { readonly version: number; readonly gate: string; readonly proofs: readonly string[] };
    };

export interface GateState {
  readonly state: GateLeaseState;
  /** Since when nothing is held though it is wanted, ms since the epoch. */
  readonly downSince: number | undefined;
  /** What passed unheld lately, and when the last of it did (ms since the epoch). */
  readonly unheldLately: { readonly count: number; readonly at: number } | undefined;
}

/** The part of the ledger in which what is overdue has gone unlooked for longest. */
export interface SweepState {
  /** As of `performance.now()`; before the first time when that was begun. */
  readonly sweptAt: number;
  /** Why it failed since. */
  readonly fault: string | undefined;
}

export interface Observations {
  readonly link: LinkState;
  readonly domain: DomainState;
  readonly storage: RedisState;
  readonly pipeline: PipelineHealth;
  /** Undefined while nothing is taken up, as without a link. */
  readonly sweeps?: SweepState | undefined;
  /** ms without a look for what is overdue after which that counts as failed. */
  readonly sweepWithin?: number | undefined;
  /** Undefined where no gate is wanted. */
  readonly gate?: GateState | undefined;
  /** The part of Redis' memory that is kept free, 0 to 1. */
  readonly reserve?: number;
  readonly names: { readonly component: string; readonly served: string };
  /** ms without an accepted write after which Redis counts as unusable. */
  readonly staleAfter: number;
  /** ms since the epoch, and of `performance.now()`. */
  readonly now: number;
  readonly monotonic: number;
}
