import { randomBytes } from 'node:crypto';

/** In hexadecimal: 16 and 8 bytes. */
export interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

/** The ids of spans, where whoever begins one says which; random ones otherwise. Is an IdGenerator of the SDK. */
export class IdSequence {
  #next: Partial<Ids> = {};

  /** @returns what `begin` does, which gets these ids when it begins a span at once */
  use<T>(ids: Partial<Ids>, begin: () => T): T {
    this.#next = ids;
    try {
      return begin();
    } finally {
      this.#next = {};
    }
  }

  generateTraceId(): string {
    return this.#next.traceId ?? randomBytes(16).toString('hex');
  }

  generateSpanId(): string {
    return this.#next.spanId ?? randomBytes(8).toString('hex');
  }
}
