import type { Dialogue } from './dialogue.ts';

/**
 * The order in which numbers come to somebody as the texts of messages, by the first copy of each. It listens from its making on, and
 * counts as they come: what a test has heard grows long.
 */
export class ConversationOrder {
  readonly #numbers = new Set<number>();
  #latest = -1;
  #inversions = 0;

  /** @param from lesser numbers are not looked at */
  constructor(user: Pick<Dialogue, 'listen'>, from = 0) {
    user.listen((stanza) => {
      if (stanza.name !== 'message' || stanza.attrs.type === 'error') return;
      const text = stanza.getChildText('body') ?? '';
      if (/^\d+$/.test(text) && Number(text) >= from) this.#take(Number(text));
    });
  }

  /** How many have come. */
  get count(): number {
    return this.#numbers.size;
  }

  /** How many came after one that was written later. */
  get inversions(): number {
    return this.#inversions;
  }

  #take(number: number): void {
    if (this.#numbers.has(number)) return;
    this.#numbers.add(number);
    if (number < this.#latest) this.#inversions += 1;
    else this.#latest = number;
  }
}

/** What was answered to somebody's messages: acknowledged, or refused with an error. It counts as they come, as above. */
export class Answers {
  readonly acknowledged = new Set<string>();
  readonly refused = new Set<string>();

  constructor(user: Pick<Dialogue, 'listen'>) {
    user.listen((stanza) => {
      if (stanza.name !== 'message') return;
      const { type, id = '' } = stanza.attrs;
      if (type === 'error') this.refused.add(id);
      else {
        const stored = stanza.getChild('stored')?.attrs.id;
        if (stored !== undefined) this.acknowledged.add(stored);
      }
    });
  }

  has(id: string): boolean {
    return this.acknowledged.has(id) || this.refused.has(id);
  }
}
