import { ownCopy } from '../util/octets.ts';
import { foldWritten, type Jid, prepareJid } from '../xmpp/stanza/address.ts';
import type { Address } from './address-policy.ts';

const MAX_CACHED = 20_000;

/**
 * Base of policies: addresses, made of prepared JIDs. They are cached, since a busy component sees the same few over and over
 * and preparing them is dearer than all else that is done with a stanza.
 */
export abstract class PreparedAddresses {
  readonly #cache = new Map<string, Address>();

  /** Whose address it is; may throw a MalformedAddressError. */
  protected abstract interpret(jid: Jid): Address;

  /** @throws {MalformedAddressError} */
  parse(address: string): Address {
    const known = this.#cache.get(address);
    if (known !== undefined) return known;
    const own = ownCopy(address);
    const parsed = this.interpret(prepareJid(own));
    // Emptied rather than trimmed: bounded memory is what matters, and a full one refills within milliseconds.
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(own, parsed);
    return parsed;
  }

  /** @throws {MalformedAddressError} */
  parseWritten(address: string): Address {
    return this.parse(foldWritten(address));
  }
}
