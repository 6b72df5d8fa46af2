import type { UnheldBefore } from '../../gate/unheld-messages.ts';
import type { GateCopies } from './gate-copies.ts';
import type { GatePort } from './gate-port.ts';

type Gate = Pick<GatePort, 'give' | 'acks' | 'isOpen' | 'isReady' | 'unheldTo' | 'noteConfirmed' | 'notePassed'>;

/** What is said about messages that a gate shows, by those who find out what they are. */
export class HeldVerdicts {
  readonly #gate: Gate;
  readonly #copies: Pick<GateCopies, 'tell' | 'isCatchingUp' | 'confirmedAgain'>;

  constructor(gate: Gate, copies: Pick<GateCopies, 'tell' | 'isCatchingUp' | 'confirmedAgain'>) {
    this.#gate = gate;
    this.#copies = copies;
  }

  isOpen(n: string): boolean {
    return this.#gate.isOpen(n);
  }

  /** Whether it has gone its way without a verdict, or by one that was given since nothing else was in time. */
  wasPassed(n: string): boolean {
    return this.#gate.isReady && !this.#gate.isOpen(n);
  }

  /** Whether a message to this recipient (bare JID) can be acknowledged by the gate: it can, and is given the verdict at once. */
  acknowledges(recipient: string): boolean {
    return this.#gate.acks && !this.#copies.isCatchingUp(recipient);
  }

  /** `pass`: not stored; `drop`: known, or said by ourselves. That it is stored says whoever sends it on. */
  give(word: 'pass' | 'drop', n: string): void {
    this.#gate.give(word, n);
  }

  /** Whom the server gave it to while nothing was held (see {@link GatePort.unheldTo}); undefined when it is to be forwarded. */
  unheldTo(from: string, to: string, id: string | undefined): UnheldBefore | undefined {
    return id === undefined ? undefined : this.#gate.unheldTo(from, to, id);
  }

  /** It was let go without being stored: when its sender writes it again, its recipient may have it. */
  notePassed(from: string, to: string, id: string | undefined): void {
    if (id !== undefined) this.#gate.notePassed(from, to, id);
  }

  /** A client (`by`, a full JID) has confirmed what nobody has stored, and the sender (`to`) is let have that by himself. */
  noteConfirmed(to: string, by: string, id: string): void {
    this.#gate.noteConfirmed({ to, by }, id);
  }

  /** One more receipt for a message (by its key) that is delivered, from that session of its recipient's. */
  confirmedAgain(recipient: string, resource: string, key: string): void {
    this.#copies.confirmedAgain(recipient, resource, key);
  }

  tell(xml: string): void {
    this.#copies.tell(xml);
  }
}
