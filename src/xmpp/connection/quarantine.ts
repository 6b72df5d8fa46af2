/** What a death of the link, with one stanza alone in flight, says against that stanza. */
const NAMED_FAULT = 2;
const BARE_END = 1;
const QUARANTINED_AT = 4;
/** Bare ends alone in flight after which a stanza is set aside; each time for thrice as long as before. */
const DEFERRED_AT = 2;
const DEFER_GROWTH = 3;

/**
 * Finds the stanza over which the server ends the stream. A server closes the whole stream for one stanza that it cannot
 * read, without saying which, and one that is sent again after the reconnect ends it again. A network that resets
 * connections looks the same, and must not have a message rejected. So:
 *
 * - A stanza becomes a candidate when it was in flight and the server named a fault of what it was given; when the link
 *   merely broke, after two such ends.
 * - Candidates are written one at a time, each on a stream that has answered a ping before and with nothing else in flight.
 *   One that is answered is released. Only an end of the link while a candidate is alone in flight counts against it.
 * - A named fault scores two, a mere end one. At four the stanza is quarantined: a named fault twice, or four mere ends.
 * - After two mere ends a candidate is deferred, so that the others go on without it. It is tried again by itself after a
 *   while (10 s), and once more after a longer one (30 s): it is unlikely that a network is bad at these times alone.
 */
export class Quarantine<S extends object> {
  readonly #deferFor: number;
  readonly #candidates = new Set<S>();
  /** How often they were in flight, in company, when the link ended without a word. */
  readonly #ends = new WeakMap<S, number>();
  readonly #score = new WeakMap<S, number>();
  readonly #deferred = new Map<S, number>();

  /** @param deferFor for how long one is deferred first, ms */
  constructor(deferFor: number) {
    this.#deferFor = deferFor;
  }

  /** Whether there is a candidate to be written, so that nothing may be in flight along with it. */
  get hasCandidates(): boolean {
    return this.#candidates.size > 0;
  }

  /** Those that are deferred, and until when (ms). */
  get deferred(): ReadonlyMap<S, number> {
    return this.#deferred;
  }

  /** When the next of those that are deferred is to be tried again. */
  get dueAt(): number | undefined {
    return this.#deferred.size === 0 ? undefined : Math.min(...this.#deferred.values());
  }

  isCandidate(stanza: S): boolean {
    return this.#candidates.has(stanza);
  }

  /** It was handled, or need not be sent. */
  release(stanza: S): void {
    this.#candidates.delete(stanza);
    this.#deferred.delete(stanza);
  }

  /** Makes candidates again of those that have been deferred long enough. */
  takeDue(now: number): S[] {
    const due: S[] = [];
    for (const [stanza, until] of this.#deferred) if (until <= now) due.push(stanza);
    for (const stanza of due) {
      this.#deferred.delete(stanza);
      this.#candidates.add(stanza);
    }
    return due;
  }

  /**
   * The server ended the link with these in flight. Returns the culprit, if that is now plain.
   *
   * @param named whether it named a fault of what it had been given
   */
  streamEnded(inFlight: readonly S[], named: boolean, now: number): S | undefined {
    const [first] = inFlight;
    if (inFlight.length === 1 && first !== undefined && this.#candidates.has(first)) {
      return this.#endedAlone(first, named, now) ? first : undefined;
    }
    for (const stanza of inFlight) {
      const ends = (this.#ends.get(stanza) ?? 0) + 1;
      this.#ends.set(stanza, ends);
      if (named || ends > 1) this.#candidates.add(stanza);
    }
    return undefined;
  }

  /** Only these can still be sent. */
  retain(sendable: readonly S[]): void {
    const kept = new Set(sendable);
    for (const stanza of [...this.#candidates, ...this.#deferred.keys()]) if (!kept.has(stanza)) this.release(stanza);
  }

  #endedAlone(stanza: S, named: boolean, now: number): boolean {
    const evidence = (this.#score.get(stanza) ?? 0) + (named ? NAMED_FAULT : BARE_END);
    this.#score.set(stanza, evidence);
    if (evidence < QUARANTINED_AT && (named || evidence < DEFERRED_AT)) return false;
    this.#candidates.delete(stanza);
    if (evidence >= QUARANTINED_AT) return true;
    this.#deferred.set(stanza, now + this.#deferFor * DEFER_GROWTH ** (evidence - DEFERRED_AT));
    return false;
  }
}
