/** Something that a test has opened, and that keeps a process, a port or the run itself if nobody closes it. */
interface Opened {
  readonly what: string;
  readonly close: () => unknown;
}

// By this name tests/support/environment.mjs finds it, which is no part of the sandbox that a test file runs in.
const NAME = Symbol.for('openfire-receipts.opened');

function registry(): Set<Opened> {
  const scope = globalThis as { [NAME]?: Set<Opened> };
  scope[NAME] ??= new Set();
  return scope[NAME];
}

/**
 * Notes what was opened. A test file closes it by itself; what it leaves when it has failed half-way is closed after it,
 * the youngest first.
 *
 * @param close may be called when it is closed already, or half open
 * @returns to be called when it is closed
 */
export function opened(what: string, close: () => unknown): () => void {
  const one = { what, close };
  registry().add(one);
  return () => void registry().delete(one);
}
