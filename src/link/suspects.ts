/**
 * Finds the stanza that kills the link. A server closes the whole stream for one stanza that it cannot read, without
 * saying which, and one that is sent again after the reconnect kills the link in a loop. So whatever was in doubt when
 * the server closed the link is a suspect, suspects are sent one at a time, and the one that was alone in doubt when
 * the link was killed again is the culprit. A network that resets connections looks the same as a server that closes one
 * without saying why: then a suspect must be met alone twice.
 */
export class Suspects<S extends object> {
  readonly #suspects = new Set<S>();
  /** Those that were alone in doubt once, when the server did not say why it closed the link. */
  readonly #metAlone = new WeakSet<S>();

  /** Whether anything is still suspected, so that nothing may be sent along with it. */
  get any(): boolean {
    return this.#suspects.size > 0;
  }

  has(stanza: S): boolean {
    return this.#suspects.has(stanza);
  }

  /** It was handled, or need not be sent. */
  clear(stanza: S): void {
    this.#suspects.delete(stanza);
  }

  /**
   * The link was killed by the server with these outstanding. Returns the culprit, if that is now plain.
   *
   * @param said whether the server said that it was for what it had been given
   */
  killed(outstanding: readonly S[], said: boolean): S | undefined {
    const [first] = outstanding;
    if (outstanding.length === 1 && first !== undefined && this.#suspects.has(first)) {
      if (said || this.#metAlone.has(first)) {
        this.#suspects.delete(first);
        return first;
      }
      this.#metAlone.add(first);
    }
    for (const stanza of outstanding) this.#suspects.add(stanza);
    return undefined;
  }

  /** Only these can still be sent. */
  retain(sendable: readonly S[]): void {
    const kept = new Set(sendable);
    for (const stanza of this.#suspects) if (!kept.has(stanza)) this.#suspects.delete(stanza);
  }
}
