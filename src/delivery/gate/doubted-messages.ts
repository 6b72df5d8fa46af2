import type { AddressPolicy } from '../../addressing/address-policy.ts';
import { bestSession } from '../../gate/facts.ts';
import { type Clock, type StoredRecord, sizeOf, tokenOfHeld } from '../../store/contract.ts';
import type { MessageTrace } from '../../util/message-trace.ts';
import { redelivery } from '../../xmpp/stanza/build.ts';
import { copyTo } from '../copy-stanza.ts';
import type { InTurn } from '../redelivery/in-turn.ts';
import type { GatePort } from './gate-port.ts';

export interface DoubtedMessagesOptions {
  readonly gate: GatePort;
  readonly addresses: AddressPolicy;
  readonly clock: Clock & { aheadOfWall(): number };
  readonly counts: { redelivered: number };
  readonly trace?: MessageTrace;
}

export interface Doubted {
  readonly record: StoredRecord;
  /** Its number. */
  readonly copy: number;
  /** The session (full JID) that it is for, as long as that is there; else it goes to any. */
  readonly to?: string;
}

/** Messages that were confirmed, and are sent once more all the same, when their recipients are there. How many, who puts them here bounds. */
export class DoubtedMessages {
  readonly #options: DoubtedMessagesOptions;
  /** By recipient, in the order in which they were sent. */
  readonly #waiting = new Map<string, Set<Doubted>>();
  #size = 0;
  #bytes = 0;
  /** The numbers of those, and of what is being sent: whether the gate has sent it is known as long as it remembers it. */
  readonly #numbers = new Set<string>();

  constructor(options: DoubtedMessagesOptions) {
    this.#options = options;
  }

  put(doubted: Doubted): void {
    const { recipient, heldAs } = doubted.record;
    this.#numbers.add(heldAs as string);
    const waiting = this.#waiting.get(recipient) ?? new Set();
    this.#waiting.set(recipient, waiting);
    waiting.add(doubted);
    this.#size += 1;
    this.#bytes += sizeOf(doubted.record);
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What waits for a user (bare JID) who is there: each is sent when its turn among what else is sent to him again has come. */
  due(user: string): InTurn[] {
    const waiting = this.#waiting.get(user);
    if (waiting === undefined || this.#sessionOf(user) === undefined) return [];
    return [...waiting].map((one) => this.#turnOf(user, one));
  }

  /** The same of one message (by its key). */
  dueOf(user: string, key: string): InTurn | undefined {
    const waiting = this.#waiting.get(user);
    if (waiting === undefined || this.#sessionOf(user) === undefined) return undefined;
    for (const one of waiting) if (one.record.key === key) return this.#turnOf(user, one);
    return undefined;
  }

  /** The users (bare JIDs) for whom something waits. */
  users(): string[] {
    return [...this.#waiting.keys()];
  }

  has(user: string): boolean {
    return this.#waiting.has(user);
  }

  /** Whether the gate is to remember a message (by its number). */
  remembers(n: string): boolean {
    return this.#numbers.has(n);
  }

  /** None of these is sent any more; of one user (bare JID), or of all. */
  drop(isOver: (record: StoredRecord) => boolean, user?: string): void {
    for (const one of user === undefined ? this.users() : [user]) this.#drop(one, isOver);
  }

  #drop(user: string, isOver: (record: StoredRecord) => boolean): void {
    const waiting = this.#waiting.get(user) ?? new Set();
    for (const one of waiting) {
      if (!isOver(one.record)) continue;
      this.#take(user, waiting, one);
      this.#over(one);
    }
  }

  #turnOf(user: string, one: Doubted): InTurn {
    const { key, heldAs, storedAt } = one.record;
    return { key, storedAt, token: tokenOfHeld(heldAs as string), send: () => this.#send(user, one) };
  }

  /** If it waits still, and he is there. */
  #send(user: string, one: Doubted): void {
    const waiting = this.#waiting.get(user);
    const to = this.#sessionOf(user, one.to);
    if (to === undefined || waiting?.has(one) !== true) return;
    this.#take(user, waiting, one);
    this.#deliver(one, to);
  }

  #take(user: string, waiting: Set<Doubted>, one: Doubted): void {
    waiting.delete(one);
    this.#size -= 1;
    this.#bytes -= sizeOf(one.record);
    if (waiting.size === 0) this.#waiting.delete(user);
  }

  #over({ record }: Doubted): void {
    const n = record.heldAs as string;
    this.#numbers.delete(n);
    this.#options.gate.forget(n);
  }

  /** That one if it is there, or else the best of his. */
  #sessionOf(user: string, wanted?: string): string | undefined {
    const { gate } = this.#options;
    if (!gate.isReady) return undefined;
    const sessions = gate.sessionsOf(user);
    return (bestSession(sessions.filter(({ jid }) => jid === wanted)) ?? bestSession(sessions))?.jid;
  }

  /** Sends one into that session; if it has gone, to the next. */
  #deliver(doubted: Doubted, to: string): void {
    const { gate, addresses, clock, counts, trace } = this.#options;
    const { record, copy } = doubted;
    const n = record.heldAs as string;
    // It was sent, and the lease was lost before the gate had said so.
    if (gate.factsOf(n)?.outcomes.get(copy)?.states.has('sent')) {
      this.#over(doubted);
      return;
    }
    const firstSent = record.firstStoredAt - clock.aheadOfWall();
    const out = copyTo(record, to.slice(to.indexOf('/') + 1), addresses);
    counts.redelivered += 1;
    trace?.('redelivered', record, { why: 'its session ended right after its receipt', session: to });
    gate.deliver(n, copy, to, redelivery(out, addresses.servedDomain, firstSent, false), (answer) => {
      // That session has gone, or the lease: it goes to the next session, or when there is a lease again.
      if (answer === 'lost' || (answer !== 'done' && answer.reason === 'no-session')) this.put({ record, copy });
      else this.#over(doubted);
    });
  }
}
