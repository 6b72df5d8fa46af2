import { type Graces, noteEnd } from '../../gate/facts.ts';
import { type SessionChange, thereUntil } from '../../gate/sessions.ts';
import {
  type Clock,
  type Missed,
  notified,
  onlyThat,
  prove,
  reject,
  type StoredRecord,
  type StoreQueue,
  settle,
} from '../../store/contract.ts';
import type { MessageTrace } from '../../util/message-trace.ts';
import type { Endings } from '../endings.ts';
import type { InTurn } from '../redelivery/in-turn.ts';
import type { RedeliveryWindows } from '../redelivery/redelivery-windows.ts';
import type { GateCopies } from './gate-copies.ts';
import type { GatePort } from './gate-port.ts';
import { type HeldMessages, missedOf } from './held-messages.ts';

export interface HeldReviewOptions {
  readonly gate: GatePort;
  readonly gateCopies: GateCopies;
  readonly messages: HeldMessages;
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly windows: Pick<RedeliveryWindows, 'add'>;
  /** What a user (bare JID) is sent once more though it is confirmed. */
  readonly doubted?: (user: string) => readonly InTurn[];
  readonly clock: Clock;
  readonly graces: Graces;
  /** Whether a proof ends redelivery alone, or tells the sender as a receipt does (PROOF_COUNTS). */
  readonly proofCounts: 'redelivery' | 'receipt';
  readonly counts: { provedBySession: number; proofsDoubted: number };
  /** It was looked what this user has missed. */
  readonly onLooked?: (user: string) => void;
  readonly trace?: MessageTrace;
}

/** Of a message that a filter of the recipient's discarded: what any server answers for him (RFC 6121 section 8.5). */
const DISCARDED = { condition: 'service-unavailable', type: 'cancel', text: 'The recipient does not take it' } as const;

/**
 * What a gate has seen decides about messages that nobody has confirmed: which session has which is known, and which has
 * ended without it. A proof counts when its session lives on for a while (rule 18).
 */
export class HeldReview {
  readonly #options: HeldReviewOptions;
  /** Users to be looked at in this turn of the event loop. */
  #toLookAt = new Set<string>();
  /** The next look at each user: one that comes too soon for something says when the next is due. */
  readonly #timers = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  /** When (ms) a lease was lost last. */
  #heardUntil = 0;
  #closed = false;

  constructor(options: HeldReviewOptions) {
    this.#options = options;
    const { gate, gateCopies, messages, graces } = options;
    gateCopies.on('bounced', (record, condition) => this.#bounced(record, condition));
    gateCopies.on('refused', (record) => this.#refused(record));
    gateCopies.on('known', ({ recipient }) => this.look(recipient));
    gateCopies.on('proved', (record, by) => this.#proved(record, by));
    // Claimed by this process only now: what the gate said of it came before.
    gateCopies.on('waiting', ({ recipient }) => this.look(recipient));
    gateCopies.on('routed', (record) => this.#routed(record));
    gateCopies.on('asked', (user) => this.look(user));
    gate.on('session', (change) => this.#session(change));
    gate.on('has', ({ n }) => {
      const message = messages.get(n);
      if (message !== undefined) this.#lookLater(message.recipient, graces.proof);
    });
    gate.on('moved', ({ n }) => {
      const message = messages.get(n);
      if (message !== undefined) this.look(message.recipient);
    });
    gate.on('lost', () => {
      this.#heardUntil = options.clock.now();
    });
    gate.on('ready', () => this.#compare());
  }

  /** Looks at a user's unconfirmed messages, soon. */
  look(user: string): void {
    if (this.#closed) return;
    if (this.#toLookAt.size === 0) setImmediate(() => this.#lookAtAll());
    this.#toLookAt.add(user);
  }

  /** Whether it is about to be looked at what this user has missed. */
  isDue(user: string): boolean {
    return this.#toLookAt.size > 0 && this.#toLookAt.has(user);
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
  }

  #lookAtAll(): void {
    const users = this.#toLookAt;
    this.#toLookAt = new Set();
    for (const user of users) {
      this.#review(user);
      this.#options.onLooked?.(user);
    }
  }

  #review(user: string): void {
    const { gate, gateCopies, messages, windows, graces, doubted } = this.#options;
    if (this.#closed || !gate.isReady) return;
    const missed: Missed[] = [];
    for (const message of messages.to(user)) {
      const decision = gateCopies.look(message.n, user, message.copies);
      if (decision.what === 'deliver') missed.push(missedOf(message, decision.mayResume));
      else if (decision.what === 'proved') this.#proved({ key: message.key, heldAs: message.n }, decision.by);
      else if (decision.what === 'ask') gateCopies.ask(message.n, () => this.look(user));
      else if (decision.again !== undefined) this.#lookLater(user, decision.again);
      else if ((gate.factsOf(message.n)?.has.size ?? 0) > 0) this.#lookLater(user, graces.proof);
    }
    const inTurn = doubted?.(user) ?? [];
    if (missed.length + inTurn.length > 0) windows.add(user, missed, '', true, inTurn);
  }

  #session(change: SessionChange): void {
    const { user, session, what } = change;
    const { messages, clock } = this.#options;
    const own = messages.to(user);
    if (own.length === 0) return;
    if (what === 'gone') for (const { n } of own) this.#endedAt(n, session.id, thereUntil(change, clock.now()));
    this.look(user);
  }

  /** A session has ended that was last there at that time (ms): its client may not have kept what it has acknowledged lately. */
  #endedAt(n: string, id: string, until: number): void {
    const { gate, graces, counts, clock } = this.#options;
    const facts = gate.factsOf(n);
    if (facts === undefined) return;
    facts.endedAt = clock.now();
    if (facts.doubted || !noteEnd(facts, id, until, graces.proof)) return;
    facts.suspected = id;
    counts.proofsDoubted += 1;
  }

  /** The gate has told all again. Of a session that has ended meanwhile it is known until when it was heard of. */
  #compare(): void {
    const { messages, gate } = this.#options;
    for (const user of messages.recipients()) {
      const there = new Set(gate.sessionsOf(user).map(({ id }) => id));
      for (const { n } of messages.to(user)) {
        // What was proved only since then was not heard: nobody knows how long before the end.
        for (const [id, since] of [...(gate.factsOf(n)?.has ?? [])])
          if (!there.has(id) && since <= this.#heardUntil) this.#endedAt(n, id, this.#heardUntil);
      }
      this.look(user);
    }
  }

  #lookLater(user: string, ms: number): void {
    if (this.#closed) return;
    const at = this.#options.clock.now() + ms;
    const pending = this.#timers.get(user);
    if (pending !== undefined && pending.at <= at) return;
    clearTimeout(pending?.timer);
    const timer = setTimeout(() => {
      this.#timers.delete(user);
      this.look(user);
    }, ms + 5).unref();
    this.#timers.set(user, { at, timer });
  }

  /** That client has it: nothing is sent again, and a receipt that comes later still goes to the sender. */
  #proved(record: Pick<StoredRecord, 'key' | 'heldAs'>, by: string): void {
    const { key } = record;
    const only = onlyThat(record);
    const { gate, pipeline, endings, clock, counts, proofCounts, trace } = this.#options;
    const told = gate.factsOf(record.heldAs as string)?.told === true;
    const resource = by.slice(by.indexOf('/') + 1);
    const now = clock.now();
    pipeline.push({
      request:
        proofCounts === 'receipt' && !told
          ? settle(key, resource, now, undefined, undefined, only)
          : prove(key, resource, now, told, undefined, only),
      done: (taken) => {
        if (taken.outcome !== 'delivered' && taken.outcome !== 'proved') return;
        counts.provedBySession += 1;
        trace?.('confirmed', taken.record, { why: 'its server has seen that the client has it', session: by });
        void endings.conclude(taken.record, taken.outcome, told);
      },
    });
  }

  /** What its sender wrote again has gone by itself, and so does the receipt for it: nothing is sent again, and nothing is told. */
  #routed(record: StoredRecord): void {
    const { pipeline, endings, clock, trace } = this.#options;
    pipeline.push({
      request: prove(record.key, '?', clock.now(), false, undefined, onlyThat(record)),
      done: (taken) => {
        if (taken.outcome !== 'proved') return;
        trace?.('confirmed', taken.record, { why: 'its sender wrote it again while nothing was held' });
        void endings.conclude(taken.record, taken.outcome);
      },
    });
  }

  #bounced(record: StoredRecord, condition: string): void {
    const { gate, pipeline } = this.#options;
    const { key, sender, senderResource } = record;
    // An error to a session that has ended reaches nobody (RFC 6121 section 8.5.3.2.1).
    const isNotified = gate.sessionAt(sender, senderResource) !== undefined;
    this.#reject(record, condition, undefined, undefined, isNotified);
    if (!isNotified) return;
    // In the same call to Redis: there is no moment in which a sweep could find that the sender is to be told.
    for (const request of notified([{ key, state: 'rejected' }])) pipeline.push({ request, done: () => {} });
  }

  #refused(record: StoredRecord): void {
    this.#reject(record, DISCARDED.condition, DISCARDED.type, DISCARDED.text, false);
  }

  #reject(
    record: StoredRecord,
    condition: string,
    type: string | undefined,
    text: string | undefined,
    isNotified: boolean,
  ): void {
    const { pipeline, endings, clock } = this.#options;
    pipeline.push({
      request: reject(record.key, clock.now(), condition, type, text, onlyThat(record)),
      done: (rejected) => {
        if (rejected.outcome === 'done') void endings.conclude(rejected.record, 'rejected', isNotified);
      },
    });
  }
}
