import type { IncomingMessage, ReceiptsClient, State } from 'openfire-receipts-client';

/** One message of a conversation, as a page shows it. */
export interface Line {
  readonly key: string;
  readonly body: string;
  /** Of a message of one's own; undefined of one that came. */
  readonly state?: State;
}

/** The lines of one conversation, for a page to read and to be told of. A real application keeps them in a database. */
export class Conversation {
  readonly #receipts: ReceiptsClient;
  readonly #with: string;
  readonly #listeners = new Set<() => void>();
  /** Another array after each change, as React wants it. */
  #lines: readonly Line[] = [];

  /** @param contact the other's bare address */
  constructor(receipts: ReceiptsClient, contact: string) {
    this.#receipts = receipts;
    this.#with = contact;
    receipts.addEventListener('state', ({ detail: { id, state } }) => {
      this.#change(this.#lines.map((line) => (line.key === id ? { ...line, state } : line)));
    });
  }

  readonly lines = (): readonly Line[] => this.#lines;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly send = (body: string): void => {
    const { id } = this.#receipts.send({ to: this.#with, body });
    const state = this.#receipts.get(id)?.state ?? 'failed';
    this.#change([...this.#lines, { key: id, body, state }]);
  };

  /** To be called by the handler of incoming messages. The key is the same for all copies. */
  take({ key, body }: IncomingMessage): void {
    if (body === null || this.#lines.some((line) => line.key === key)) return;
    this.#change([...this.#lines, { key, body }]);
  }

  #change(lines: readonly Line[]): void {
    this.#lines = lines;
    for (const listener of this.#listeners) listener();
  }
}
