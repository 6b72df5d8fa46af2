import type { Facts } from '../../gate/facts.ts';

/** A message that a session has confirmed. */
export interface Confirmed {
  readonly n: string;
  readonly key: string;
  readonly facts: Facts;
  /** Whether other sessions were sent it as well: then the gate is to remember it. */
  readonly isShared: boolean;
  /** When (ms). */
  readonly at: number;
}

/** What one session has confirmed lately. */
interface Confirming {
  readonly user: string;
  readonly resource: string;
  readonly messages: Confirmed[];
}

/** What sessions have confirmed so lately that their end would put it in doubt. How many, who puts them here bounds. */
export class ConfirmingSessions {
  /** By the session's stream. */
  readonly #sessions = new Map<string, Confirming>();
  /** Of those, what other sessions were sent as well, by its key; and the session's stream. */
  readonly #shared = new Map<string, { readonly id: string; readonly one: Confirmed }>();
  /** The numbers of those. */
  readonly #numbers = new Set<string>();
  #known = 0;

  get isEmpty(): boolean {
    return this.#known === 0;
  }

  /** How many are known. */
  get size(): number {
    return this.#known;
  }

  /** A session (`id`: its stream) has confirmed one. */
  put(id: string, user: string, resource: string, one: Confirmed): void {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = { user, resource, messages: [] };
      this.#sessions.set(id, session);
    }
    session.messages.push(one);
    if (one.isShared) {
      this.#shared.set(one.key, { id, one });
      this.#numbers.add(one.n);
    }
    this.#known += 1;
  }

  /** By the stream. */
  entries(): [id: string, session: Confirming][] {
    return [...this.#sessions];
  }

  /** Takes what that session has confirmed. */
  take(id: string): Confirming | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    this.#sessions.delete(id);
    this.#known -= session.messages.length;
    return session;
  }

  takeAll(): Confirmed[] {
    const all = [...this.#sessions.values()].flatMap(({ messages }) => messages);
    this.#sessions.clear();
    this.#known = 0;
    return all;
  }

  /**
   * Takes what was confirmed for so long (ms) before the end of the time that its session is known to have lived.
   *
   * @param livedUntil until when (ms) that is
   */
  takeOlder(age: number, livedUntil: (id: string, session: Confirming) => number): Confirmed[] {
    const taken: Confirmed[] = [];
    for (const [id, session] of this.#sessions) {
      const { messages } = session;
      const until = livedUntil(id, session);
      const kept = messages.findIndex(({ at }) => until - at < age);
      taken.push(...messages.splice(0, kept === -1 ? messages.length : kept));
      if (messages.length === 0) this.#sessions.delete(id);
    }
    this.#known -= taken.length;
    return taken;
  }

  /** Of those that other sessions were sent as well, the one with that key, and the stream of the session that confirmed it. */
  shared(key: string): { readonly id: string; readonly one: Confirmed } | undefined {
    return this.#shared.get(key);
  }

  /** Whether one of those has that number. */
  hasShared(n: string): boolean {
    return this.#numbers.has(n);
  }

  /** It is one of those no more. */
  forgetShared({ n, key }: Confirmed): void {
    this.#shared.delete(key);
    this.#numbers.delete(n);
  }
}
