const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const BANG = 0x21;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

/**
 * Finds where stanzas end in the bytes of an XML stream, however these are cut into chunks. For what XMPP libraries
 * write: no comments, no CDATA. No byte of a UTF-8 character of several bytes looks like markup.
 */
export class StanzaBoundaries {
  #depth = 0;
  #inTag = false;
  #quote = 0;
  #first = 0;
  #last = 0;

  /** Whether the bytes so far end inside a stanza, or before the stream's header is whole. */
  get inside(): boolean {
    return this.#inTag || this.#depth !== 1;
  }

  /** The offsets in this chunk just after which a stanza (or the stream's header) has ended. */
  *ends(chunk: Buffer): Generator<number> {
    for (let i = 0; i < chunk.length; i += 1) {
      const byte = chunk[i] as number;
      if (!this.#inTag) {
        if (byte !== LT) continue;
        this.#inTag = true;
        this.#first = 0;
        this.#last = 0;
      } else if (this.#quote !== 0) {
        if (byte === this.#quote) this.#quote = 0;
      } else if (byte === GT) {
        this.#inTag = false;
        if (this.#closesTag()) yield i + 1;
      } else {
        if (byte === QUOTE || byte === APOSTROPHE) this.#quote = byte;
        if (this.#first === 0) this.#first = byte;
        this.#last = byte;
      }
    }
  }

  /** @returns whether a stanza or the header has ended with it */
  #closesTag(): boolean {
    if (this.#first === QUESTION || this.#first === BANG) return false;
    if (this.#first === SLASH) this.#depth -= 1;
    else if (this.#last !== SLASH) {
      this.#depth += 1;
      return this.#depth === 1;
    }
    return this.#depth === 1;
  }
}

/** The offset just after the first byte of a character of several bytes, or -1. */
export function insideCharacter(chunk: Buffer): number {
  const lead = chunk.findIndex((byte) => byte >= 0xc2);
  return lead === -1 ? -1 : lead + 1;
}
