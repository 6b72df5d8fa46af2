import { setTimeout as sleep } from 'node:timers/promises';
import type { StanzaSink } from './ports.ts';

/** Pauses in a second, at most. */
const BURSTS = 20;

/** Writes many stanzas at a pace that leaves room for others. */
export class PacedWriter {
  readonly #link: StanzaSink;
  readonly #perSecond: number;
  #written = 0;

  /** @param perSecond stanzas a second */
  constructor(link: StanzaSink, perSecond: number) {
    this.#link = link;
    this.#perSecond = perSecond;
  }

  /** Rejects when the signal comes. */
  async write(stanzas: Iterable<string>, signal: AbortSignal): Promise<void> {
    const burst = Math.ceil(this.#perSecond / BURSTS);
    for (const stanza of stanzas) {
      this.#link.send(stanza);
      this.#written += 1;
      if (this.#written % burst === 0) await sleep((1000 * burst) / this.#perSecond, undefined, { signal, ref: false });
      signal.throwIfAborted();
    }
  }
}
