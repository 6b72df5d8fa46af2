const SENT = 1;
const FORWARDED = 2;
const ACKNOWLEDGED = 4;
const DELIVERED = 8;
const CONFIRMED = 16;
const REFUSED = 32;

/** The most messages that one peer may send: a bit a step each, allotted once, so that the books cost nothing. */
const MAX_MESSAGES = 4_000_000;
const MAX_FAULTS = 20;

/** What became of every message, and whatever happened that must not. */
export class Journal {
  readonly #steps = new Uint8Array(MAX_MESSAGES);
  sent = 0;
  forwarded = 0;
  acknowledged = 0;
  /** Acknowledged and delivered. */
  completed = 0;
  refused = 0;
  faultCount = 0;
  /** The first few, in words. */
  readonly faults: string[] = [];

  /** Books a new message; its number. */
  send(): number {
    if (this.sent >= MAX_MESSAGES) throw new RangeError('The journal is full');
    this.#steps[this.sent] = SENT;
    return this.sent++;
  }

  forward(number: number): void {
    this.#step(number, FORWARDED, SENT, 'forwarded');
    this.forwarded += 1;
  }

  /** Bob's client confirms it. */
  confirm(number: number): void {
    this.#step(number, CONFIRMED, FORWARDED, 'confirmed');
  }

  acknowledge(number: number): void {
    this.#step(number, ACKNOWLEDGED, SENT, 'acknowledged');
    this.acknowledged += 1;
    this.#completeIf(number, DELIVERED);
  }

  deliver(number: number): void {
    this.#step(number, DELIVERED, CONFIRMED, 'reported delivered');
    this.#completeIf(number, ACKNOWLEDGED);
  }

  /** Its sender is told that it was not taken. */
  refuse(number: number): void {
    this.#step(number, REFUSED, SENT, 'refused');
    this.refused += 1;
    this.completed += 1;
  }

  fault(what: string): void {
    this.faultCount += 1;
    if (this.faults.length < MAX_FAULTS) this.faults.push(what);
  }

  /** Counts each message that is not complete as lost. */
  close(): void {
    for (let number = 0; number < this.sent; number += 1) {
      const steps = this.#steps[number] as number;
      const isDelivered = (steps & (ACKNOWLEDGED | DELIVERED)) === (ACKNOWLEDGED | DELIVERED);
      const isRefused = (steps & REFUSED) !== 0;
      if (!isDelivered && !isRefused) this.fault(`Message ${number} lost (${steps})`);
      if (isRefused && (steps & (ACKNOWLEDGED | FORWARDED)) !== 0)
        this.fault(`Message ${number} refused and taken (${steps})`);
    }
  }

  #completeIf(number: number, other: number): void {
    if (((this.#steps[number] ?? 0) & other) !== 0) this.completed += 1;
  }

  #step(number: number, step: number, needs: number, what: string): void {
    const steps = this.#steps[number] ?? 0;
    if ((steps & needs) === 0) this.fault(`Message ${number} was ${what} out of thin air`);
    if ((steps & step) !== 0) this.fault(`Message ${number} was ${what} twice`);
    if (number < MAX_MESSAGES) this.#steps[number] = steps | step;
  }
}
