import { randomBytes } from 'node:crypto';

const PREFIX = 'ofr-';

/** Makes ids for our own stanzas: unique across processes and restarts, and known again as ours. */
export class IdSource {
  readonly #start = `${PREFIX}${randomBytes(6).toString('base64url')}-`;
  #count = 0;

  next(): string {
    this.#count += 1;
    return this.#start + this.#count.toString(36);
  }
}

/** Whether an id is of our making: an error about such a stanza concerns nobody else. */
export function isOwnId(id: string): boolean {
  return id.startsWith(PREFIX);
}
