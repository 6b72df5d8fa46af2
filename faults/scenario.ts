import type { Message, Recorder } from './history.ts';
import type { Mode } from './mode.ts';
import type { Nemesis } from './nemesis.ts';
import type { Random } from './random.ts';
import type { Habit } from './recipients.ts';
import type { RedisKind } from './redis-kind.ts';
import type { Temper } from './senders.ts';
import type { Stage } from './stage.ts';

/** Where a scenario's faults take place. */
export interface Scene {
  readonly stage: Stage;
  readonly nemesis: Nemesis;
  readonly random: Random;
  readonly recorder: Recorder;
  /** The user that a sender or recipient is. */
  account(name: string): string;
  /** Written so far to recipients of that habit. */
  messagesTo(habit: Habit): readonly Message[];
  /** So many messages as fast as they can be written, from one sender to one recipient. */
  burst(count: number): Promise<void>;
  /** ms */
  calm(ms: number): Promise<void>;
}

/** Why a scenario with two processes is not run in MODE=transparent. */
export const ONE_PROCESS = 'Prosody takes one connection of a component';

/** Faults in some order, over a conversation of many. A seed decides what is left open. */
export interface Scenario {
  readonly name: string;
  /** For the table: what is done. */
  readonly about: string;
  /** The modes in which CI runs it; by default none. */
  readonly ci?: readonly Mode[];
  readonly processes?: 1 | 2;
  /** In MODE=transparent: `only` there, or why it makes no sense there; by default in both modes. */
  readonly transparent?: 'only' | { readonly not: string };
  /** Needs a server that is ours to stop. */
  readonly ownServer?: boolean;
  /** Only where the ledger is kept so; by default wherever it is. */
  readonly redis?: RedisKind;
  /** Where the ledger is on several Redis, one may take another's place while it runs. */
  readonly replaces?: boolean;
  readonly replica?: boolean;
  readonly clocks?: boolean;
  /** Settings of the proxy, over those of all scenarios. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly senders?: readonly Temper[];
  readonly recipients?: readonly Habit[];
  /** ms more than the settings alone allow until all has ended, such as for a backlog to drain. */
  readonly extra?: number;
  /** Whether what a dead process or a lost reply leaves behind waits for the lease of its job; by default yes. */
  readonly losesJobs?: boolean;
  /** Resolves when the last fault is over. */
  run(scene: Scene): Promise<void>;
}
