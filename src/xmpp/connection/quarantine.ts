/** What a death of the link, with one stanza alone in flight, says against that stanza. */
const NAMED = 2;
const BARE = 1;
const CONVICTED = 4;
/** Bare ends alone in flight after which a stanza is set aside; each time for thrice as long as before. */
const SET_ASIDE_AFTER = 2;
const LONGER = 3;

/**
 * Finds the stanza that kills the link. A server closes the whole stream for one stanza that it cannot read, without
 * saying which, and one that is sent again after the reconnect kills the link in a loop. But a network that resets
 * connections looks the same, and must not have anybody's message rejected. So:
 *
 * - What was in flight when the server named a fault of what it was given is suspected; when the link merely broke, what
 *   was in flight at such an end twice.
 * - Suspects are written one at a time, each on a stream that has answered a ping before and with nothing else in flight.
 *   One that is answered is cleared. Only the end of the link while a suspect is alone in flight counts against it.
 * - A named fault counts for two, a mere end for one, and four convict: a named fault twice, or four mere ends.
 * - A suspect that was met by two mere ends is set aside, so that the others go on without it, and is tried again by itself
 *   after a while (10 s), and once more after a longer one (30 s): a network that is bad at that time, too, but not for the others, is unlikely.
 */
export class Suspects<S extends object> {
  readonly #asideFor: number;
  readonly #suspects = new Set<S>();
  /** How often they were in flight, in company, when the link ended without a word. */
  readonly #ends = new WeakMap<S, number>();
  readonly #evidence = new WeakMap<S, number>();
  readonly #aside = new Map<S, number>();

  /** @param asideFor for how long one is set aside first, ms */
  constructor(asideFor: number) {
    this.#asideFor = asideFor;
  }

  /** Whether anything is suspected and to be written, so that nothing may be in flight along with it. */
  get any(): boolean {
    return this.#suspects.size > 0;
  }

  /** Those that are set aside, and until when. */
  get aside(): ReadonlyMap<S, number> {
    return this.#aside;
  }

  /** When the next of those that are set aside is to be tried again. */
  get dueAt(): number | undefined {
    return this.#aside.size === 0 ? undefined : Math.min(...this.#aside.values());
  }

  has(stanza: S): boolean {
    return this.#suspects.has(stanza);
  }

  /** It was handled, or need not be sent. */
  clear(stanza: S): void {
    this.#suspects.delete(stanza);
    this.#aside.delete(stanza);
  }

  /** Takes back into the ranks, as suspects, those that have been set aside long enough. */
  due(now: number): S[] {
    const due: S[] = [];
    for (const [stanza, until] of this.#aside) if (until <= now) due.push(stanza);
    for (const stanza of due) {
      this.#aside.delete(stanza);
      this.#suspects.add(stanza);
    }
    return due;
  }

  /**
   * The server ended the link with these in flight. Returns the culprit, if that is now plain.
   *
   * @param named whether it named a fault of what it had been given
   */
  killed(inFlight: readonly S[], named: boolean, now: number): S | undefined {
    const [first] = inFlight;
    if (inFlight.length === 1 && first !== undefined && this.#suspects.has(first)) {
      return this.#metAlone(first, named, now) ? first : undefined;
    }
    for (const stanza of inFlight) {
      const ends = (this.#ends.get(stanza) ?? 0) + 1;
      this.#ends.set(stanza, ends);
      if (named || ends > 1) this.#suspects.add(stanza);
    }
    return undefined;
  }

  /** Only these can still be sent. */
  retain(sendable: readonly S[]): void {
    const kept = new Set(sendable);
    for (const stanza of [...this.#suspects, ...this.#aside.keys()]) if (!kept.has(stanza)) this.clear(stanza);
  }

  #metAlone(stanza: S, named: boolean, now: number): boolean {
    const evidence = (this.#evidence.get(stanza) ?? 0) + (named ? NAMED : BARE);
    this.#evidence.set(stanza, evidence);
    if (evidence < CONVICTED && (named || evidence < SET_ASIDE_AFTER)) return false;
    this.#suspects.delete(stanza);
    if (evidence >= CONVICTED) return true;
    this.#aside.set(stanza, now + this.#asideFor * LONGER ** (evidence - SET_ASIDE_AFTER));
    return false;
  }
}
