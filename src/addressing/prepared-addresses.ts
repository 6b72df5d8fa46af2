import { ownCopy } from '../util/octets.ts';
import { foldWritten, type Jid, prepareJid } from '../xmpp/stanza/address.ts';
import type { Address } from './address-policy.ts';

/** What one of two generations of the cache may take, bytes: the addresses of some 25,000 conversations, or of fewer that are long. */
const MAX_GENERATION = 48 * 1024 * 1024;
/** What an address takes, about, beside its text, which is there twice. */
const EACH = 400;

/**
 * Base of policies: addresses, made of prepared JIDs. They are cached, since a busy component sees the same few over and over
 * and preparing them is dearer than all else that is done with a stanza.
 */
export abstract class PreparedAddresses {
  #recent = new Map<string, Address>();
  /** Those of before, until as many others have been seen. */
  #before = new Map<string, Address>();
  #size = 0;

  /** Whose address it is; may throw a MalformedAddressError. */
  protected abstract interpret(jid: Jid): Address;

  /** @throws {MalformedAddressError} */
  parse(address: string): Address {
    const known = this.#recent.get(address);
    if (known !== undefined) return known;
    const before = this.#before.get(address);
    // The key that is kept is never a part of what was read from the stream.
    const own = before?.full === address ? before.full : ownCopy(address);
    const parsed = before ?? this.interpret(prepareJid(own));
    this.#note(own, parsed);
    return parsed;
  }

  /** @throws {MalformedAddressError} */
  parseWritten(address: string): Address {
    return this.parse(foldWritten(address));
  }

  /**
   * Two generations: whoever is still there when one is full stays. Emptied at once it would know nobody of more users than it
   * takes, who write in turn.
   */
  #note(own: string, parsed: Address): void {
    const size = EACH + 2 * own.length;
    if (this.#size + size > MAX_GENERATION) {
      this.#before = this.#recent;
      this.#recent = new Map();
      this.#size = 0;
    }
    this.#recent.set(own, parsed);
    this.#size += size;
  }
}
