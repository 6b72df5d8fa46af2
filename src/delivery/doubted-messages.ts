import type { AddressPolicy } from '../addressing/address-policy.ts';
import { bestSession } from '../gate/facts.ts';
import type { Clock, StoredRecord } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { redelivery } from '../xmpp/stanza/build.ts';
import { copyTo } from './copy-stanza.ts';
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
}

/** So many wait for their recipients; of more than that nothing is sent again. */
const MOST = 1000;

/** Messages that were confirmed, and are sent once more all the same, when their recipients are there. */
export class DoubtedMessages {
  readonly #options: DoubtedMessagesOptions;
  /** By recipient, in the order in which they were sent. */
  readonly #waiting = new Map<string, Doubted[]>();
  #size = 0;

  constructor(options: DoubtedMessagesOptions) {
    this.#options = options;
  }

  put(doubted: Doubted): void {
    if (this.#size >= MOST) return;
    const { recipient } = doubted.record;
    const waiting = this.#waiting.get(recipient) ?? [];
    this.#waiting.set(recipient, waiting);
    waiting.push(doubted);
    this.#size += 1;
  }

  /** Sends a user (bare JID) what waits for him, if he is there. */
  send(user: string): void {
    const { gate } = this.#options;
    const waiting = this.#waiting.get(user);
    if (waiting === undefined || !gate.isReady) return;
    const to = bestSession(gate.sessionsOf(user))?.jid;
    if (to === undefined) return;
    this.#waiting.delete(user);
    this.#size -= waiting.length;
    for (const one of waiting) this.deliver(one, to);
  }

  /** None of these is sent any more. */
  drop(isOver: (record: StoredRecord) => boolean): void {
    for (const [user, waiting] of this.#waiting) {
      const left = waiting.filter(({ record }) => !isOver(record));
      this.#size -= waiting.length - left.length;
      if (left.length === 0) this.#waiting.delete(user);
      else this.#waiting.set(user, left);
    }
  }

  sendAll(): void {
    for (const user of [...this.#waiting.keys()]) this.send(user);
  }

  /** Sends one into that session; if it has gone, to the next. */
  deliver(doubted: Doubted, to: string): void {
    const { gate, addresses, clock, counts, trace } = this.#options;
    const { record, copy } = doubted;
    const n = record.heldAs as string;
    // It was sent, and the lease was lost before the gate had said so.
    if (gate.factsOf(n)?.outcomes.get(copy)?.states.has('sent')) {
      gate.forget(n);
      return;
    }
    const firstSent = record.firstStoredAt - clock.aheadOfWall();
    const out = copyTo(record, to.slice(to.indexOf('/') + 1), addresses);
    counts.redelivered += 1;
    trace?.('redelivered', record, { why: 'its session ended right after its receipt', session: to });
    gate.deliver(n, copy, to, redelivery(out, addresses.servedDomain, firstSent, false), (answer) => {
      // That session has gone, or the lease: it goes to the next session, or when there is a lease again.
      if (answer === 'lost' || (answer !== 'done' && answer.reason === 'no-session')) this.put(doubted);
      else gate.forget(n);
    });
  }
}
