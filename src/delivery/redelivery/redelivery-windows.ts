import {
  byStoring,
  type Claimed,
  type Clock,
  claim,
  type Missed,
  type StoredRecord,
  type StoreQueue,
} from '../../store/contract.ts';
import type { RetryPolicy } from '../../store/retry-policy.ts';
import type { MessageTrace } from '../../util/message-trace.ts';
import type { Copies } from '../copies.ts';
import { openRuleTrace, type RuleTrace } from '../rule-trace.ts';
import type { InTurn } from './in-turn.ts';
import { LeaseRenewal } from './lease-renewal.ts';

export interface RedeliveryWindowsOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly copies: Pick<Copies, 'redeliver'>;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  /** How many messages at a time are on their way to one recipient unconfirmed (REDELIVERY_WINDOW). */
  readonly redeliveryWindow: number;
  /** The newest message under each key. */
  readonly status: (keys: readonly string[]) => Promise<(StoredRecord | undefined)[]>;
  readonly trace?: MessageTrace;
  readonly counts: {
    evidenceSessionEnded: number;
    evidenceSessionSilent: number;
    evidenceBounced: number;
    evidenceNotStored: number;
  };
  /**
   * Resolves when what a server hands to this session by itself has come, and the receipts for it: what a session that has
   * ended did not acknowledge (XEP-0198) may go on to the next, or to offline storage.
   */
  readonly caughtUp?: (user: string, resource: string) => Promise<void>;
  /** What this user (bare JID) is to be sent once more of the message under that key, though it has ended. */
  readonly inDoubt?: (user: string, key: string) => InTurn | undefined;
  /** It could not be claimed: it has ended, another has claimed it, or it is not to be sent now. */
  readonly onMoot?: (user: string, missed: Missed) => void;
  /** All that may be sent again to this user for now has been. */
  readonly onSent?: (user: string) => void;
}

/** One recipient's messages that are being sent again. */
interface RedeliveryRun {
  /** Waiting for their turn, in the order in which they were stored. */
  waiting: Map<string, Missed | InTurn>;
  /** Sent again and not confirmed: which attempt was claimed, and when (ms). */
  readonly inFlight: Map<string, { readonly attempt: number; readonly since: number }>;
  /** Claims that Redis has not answered. */
  claiming: number;
  /** What goes behind the last of these. */
  behind: (() => void)[];
  /** The session that is to settle before anything is sent; a later one takes its place. */
  catchingUp?: { readonly resource: string } | undefined;
}

/** How often it is looked whether receipts came to another process, ms. */
const LOOK_EVERY = 1000;

const COUNTED = {
  'session-ended': 'evidenceSessionEnded',
  'session-silent': 'evidenceSessionSilent',
  bounced: 'evidenceBounced',
  'not-stored': 'evidenceNotStored',
} as const;

/** The column of the redelivery rules that each kind of evidence is for. */
const COLUMN = {
  'session-ended': 'sessionEnded',
  'session-silent': 'silent',
  bounced: 'presence',
  'not-stored': 'stored',
} as const;

/**
 * Sends again what recipients have missed: oldest first, and to each no more at a time than his client confirms, since one
 * that has just logged in over a bad network is easily lost again with all that was thrown at it.
 */
export class RedeliveryWindows {
  readonly #options: RedeliveryWindowsOptions;
  readonly #ruleTrace: RuleTrace;
  readonly #leases: LeaseRenewal;
  readonly #runs = new Map<string, RedeliveryRun>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #closed = false;

  constructor(options: RedeliveryWindowsOptions) {
    this.#options = options;
    this.#ruleTrace = openRuleTrace(options.pipeline, options.trace);
    this.#leases = new LeaseRenewal(options);
  }

  /**
   * Sends a user's messages again.
   *
   * @param there the resource of the session that is most surely there, or empty
   * @param isLost whether no session has the copy that was sent last, as a gate knows
   */
  add(user: string, missed: readonly Missed[], there: string, isLost = false, inTurn: readonly InTurn[] = []): void {
    if (missed.length + inTurn.length === 0 || this.#closed) return;
    const run = this.#runs.get(user) ?? { waiting: new Map(), inFlight: new Map(), claiming: 0, behind: [] };
    this.#runs.set(user, run);
    for (const one of missed) {
      // Found twice, by events that came together: it is being sent already.
      if (!isLost && run.inFlight.get(one.key)?.attempt === one.attempt) continue;
      // Its copy went to a session that has ended since.
      run.inFlight.delete(one.key);
      run.waiting.set(one.key, one);
    }
    for (const one of inTurn) run.waiting.set(`ended ${one.key}`, one);
    run.waiting = new Map([...run.waiting].sort(([, one], [, other]) => byStoring(one, other)));
    this.#timer ??= setInterval(() => void this.#check(), LOOK_EVERY).unref();
    if (missed.some(({ evidence }) => evidence === 'session-ended')) void this.#catchUp(user, run, there);
    else this.#send(user, run);
  }

  /** Whether messages wait to be sent again to a user. */
  isSending(user: string): boolean {
    const run = this.#runs.get(user);
    return run !== undefined && (run.claiming > 0 || run.waiting.size > 0);
  }

  /** He is away: nothing more is sent to him. */
  remove(user: string): void {
    this.#runs.delete(user);
    this.#options.onSent?.(user);
  }

  /** One of a user's messages has ended. */
  messageEnded(user: string, key: string): void {
    // Called with every receipt; nearly always there is no run at all.
    if (this.#runs.size === 0) return;
    const run = this.#runs.get(user);
    if (run?.inFlight.delete(key)) this.#send(user, run);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#runs.clear();
  }

  /** Has the server do first what it does by itself. */
  async #catchUp(user: string, run: RedeliveryRun, resource: string): Promise<void> {
    const { caughtUp } = this.#options;
    if (caughtUp !== undefined && resource !== '') {
      if (run.catchingUp?.resource === resource) return;
      const waitsFor = { resource };
      run.catchingUp = waitsFor;
      await caughtUp(user, resource);
      if (run.catchingUp !== waitsFor) return;
      run.catchingUp = undefined;
    }
    this.#send(user, run);
  }

  /** Sends as many as may be on their way, in one turn and in order. */
  #send(user: string, run: RedeliveryRun): void {
    // He has gone meanwhile.
    if (this.#runs.get(user) !== run || run.catchingUp !== undefined) return;
    for (const [name, one] of run.waiting) {
      if (run.inFlight.size >= this.#options.redeliveryWindow) break;
      run.waiting.delete(name);
      if (!('send' in one)) this.#claim(user, run, one);
      else if (run.claiming > 0) run.behind.push(one.send);
      else one.send();
    }
    if (!this.isSending(user)) this.#options.onSent?.(user);
    if (run.waiting.size === 0 && run.inFlight.size === 0) this.#runs.delete(user);
  }

  #claim(user: string, run: RedeliveryRun, missed: Missed): void {
    const { pipeline, clock } = this.#options;
    const { key, attempt, evidence } = missed;
    const open = { attempt, since: clock.now() };
    run.inFlight.set(key, open);
    this.#ruleTrace?.(key, COLUMN[evidence], { why: evidence });
    const behind: (() => void)[] = [];
    run.behind = behind;
    run.claiming += 1;
    let [isClaiming, sends] = [true, false];
    // Twice where what it does has thrown.
    const answered = () => {
      if (isClaiming) run.claiming -= 1;
      isClaiming = false;
      for (let send = behind.shift(); send !== undefined; send = behind.shift()) send();
      if (!sends && run.inFlight.get(key) === open) {
        run.inFlight.delete(key);
        this.#send(user, run);
      } else if (!this.isSending(user)) this.#options.onSent?.(user);
    };
    pipeline.push({
      request: claim(key, attempt),
      failed: answered,
      done: (claimed) => {
        sends = this.#redeliver(user, missed, claimed);
        answered();
      },
    });
  }

  /** Gives whether a copy is on its way. */
  #redeliver(recipient: string, missed: Missed, claimed: Claimed): boolean {
    const { copies, counts, trace, onMoot } = this.#options;
    const { key, attempt, evidence } = missed;
    if (claimed.outcome === 'claimed' && claimed.record.state === 'pending') {
      counts[COUNTED[evidence]] += 1;
      return copies.redeliver(claimed.record, claimed.noStore, evidence, claimed.target);
    }
    trace?.('redelivery skipped', { key, recipient, attempt }, { why: `${evidence}, but it is ${claimed.outcome}` });
    onMoot?.(recipient, missed);
    // It was confirmed meanwhile, right before the end of its session: this is its turn.
    this.#options.inDoubt?.(recipient, key)?.send();
    return false;
  }

  /** Frees the places of what was confirmed to another process, and of what nobody confirms. */
  async #check(): Promise<void> {
    if (this.#runs.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#looking) return;
    this.#looking = true;
    this.#renewLeases();
    for (const [user, run] of [...this.#runs]) {
      this.#giveUp(user, run);
      const keys = [...run.inFlight.keys()];
      if (keys.length === 0) continue;
      try {
        const records = await this.#options.status(keys);
        for (const [i, record] of records.entries()) {
          if (record?.state !== 'pending') this.messageEnded(user, keys[i] as string);
        }
      } catch {
        // Redis is away, which others say; it is asked again in a second.
        break;
      }
    }
    this.#looking = false;
  }

  /** A client may drop copies that it knows without confirming them; what comes after must not wait for that. */
  #giveUp(user: string, run: RedeliveryRun): void {
    const { retry, clock } = this.#options;
    const limit = retry.unansweredSince(clock.now());
    let over = false;
    for (const [key, { since }] of run.inFlight) if (since <= limit) over = run.inFlight.delete(key);
    if (over) this.#send(user, run);
  }

  /** What waits stays this process's to send. */
  #renewLeases(): void {
    if (!this.#leases.isDue()) return;
    for (const { waiting } of this.#runs.values()) {
      this.#leases.renew([...waiting.values()].filter((one): one is Missed => !('send' in one)));
    }
  }
}
