/** How long a session that did not answer is told of each by itself, ms. */
const UNRESPONSIVE_FOR = 300_000;
/** Sessions that are remembered. */
const MAX_SESSIONS = 50_000;

/** Which sessions (full JIDs) take batches. Bounded, whatever names come. */
export class BatchSessions {
  /** Those that said that they do, the oldest first. */
  readonly #sessions = new Set<string>();
  /** Until when (ms, by the monotonic clock) a session that did not answer is sent none. */
  readonly #unresponsive = new Map<string, number>();

  get size(): number {
    return this.#sessions.size;
  }

  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  /** A session says that it takes them. Gives one that is forgotten for it, if one is. */
  add(session: string): string | undefined {
    if (this.#isUnresponsive(session)) return undefined;
    this.#sessions.delete(session);
    this.#sessions.add(session);
    const [oldest] = this.#sessions.size > MAX_SESSIONS ? this.#sessions : [];
    if (oldest !== undefined) this.#sessions.delete(oldest);
    return oldest;
  }

  /** Returns whether it was one of them. */
  delete(session: string): boolean {
    return this.#sessions.delete(session);
  }

  /** A session did not answer. */
  unresponsive(session: string): void {
    this.#unresponsive.set(session, performance.now() + UNRESPONSIVE_FOR);
    const [oldest] = this.#unresponsive.size > MAX_SESSIONS ? this.#unresponsive.keys() : [];
    if (oldest !== undefined) this.#unresponsive.delete(oldest);
  }

  clear(): void {
    this.#sessions.clear();
  }

  #isUnresponsive(session: string): boolean {
    const until = this.#unresponsive.get(session);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    this.#unresponsive.delete(session);
    return false;
  }
}
