/**
 * Finds the stanza that kills the link. A server closes the whole stream for one stanza that it cannot read, without
 * saying which, and one that is sent again after the reconnect kills the link in a loop. So whatever was in doubt when
 * the server closed the link is a suspect, suspects are sent one at a time, and the one that was alone in doubt when
 * the link was killed again is the culprit.
 */
export class Suspects<S extends object> {
  readonly #suspects = new Set<S>();

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

  /** The link was killed by the server with these outstanding. Returns the culprit, if that is now plain. */
  killed(outstanding: readonly S[]): S | undefined {
    const [first] = outstanding;
    if (outstanding.length === 1 && first !== undefined && this.#suspects.delete(first)) return first;
    for (const stanza of outstanding) this.#suspects.add(stanza);
    return undefined;
  }

  /** Only these can still be sent. */
  retain(sendable: readonly S[]): void {
    const kept = new Set(sendable);
    for (const stanza of this.#suspects) if (!kept.has(stanza)) this.#suspects.delete(stanza);
  }
}
