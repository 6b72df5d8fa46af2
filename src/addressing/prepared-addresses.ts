import { ownCopy } from '../util/octets.ts';
import { foldWritten, type Jid, prepareJid, prepareResource, withResource } from '../xmpp/stanza/address.ts';
import type { Address } from './address-policy.ts';

/** What one of two generations of the cache may take, bytes: the addresses of some 30,000 conversations, or of fewer that are long. */
const MAX_GENERATION = 64 * 1024 * 1024;
/** What a bare JID takes, about, beside its text, which is there twice; and a full one of it. */
const EACH = 320;
const EACH_FULL = 180;
/** Resources of a bare JID that are kept; of more, the latest. */
const MOST_RESOURCES = 8;

/** What is known of a bare JID. */
interface Known {
  readonly bare: Address;
  /** The latest comes last. Replaced, and not pushed to: an array that grows takes room for 17. */
  full: readonly Address[];
  /** As counted. */
  size: number;
}

/**
 * Base of policies: addresses, made of prepared JIDs. They are cached, since a busy component sees the same few over and over
 * and preparing them is dearer than all else that is done with a stanza. They are found by their bare JIDs: a user's full ones, of which
 * some are on each message's way, are then no entries of their own in a table that is far larger than a core's cache.
 */
export abstract class PreparedAddresses {
  #recent = new Map<string, Known>();
  /** Those of before, until as many others have been seen. */
  #before = new Map<string, Known>();
  #size = 0;

  /** Whose address a bare JID is, as that address; may throw a MalformedAddressError. */
  protected abstract interpret(jid: Jid): Address;

  /** @throws {MalformedAddressError} */
  parse(address: string): Address {
    // RFC 7622 section 3.2: the first slash begins the resource.
    const slash = address.indexOf('/');
    const bare = slash === -1 ? address : address.slice(0, slash);
    const known = this.#recent.get(bare) ?? this.#known(bare, address);
    if (slash === -1) return known.bare;
    const length = address.length - slash - 1;
    for (const full of known.full) {
      if (full.resource.length === length && address.endsWith(full.resource)) return full;
    }
    return this.#full(known, address, slash);
  }

  /** @throws {MalformedAddressError} */
  parseWritten(address: string): Address {
    return this.parse(foldWritten(address));
  }

  #known(bare: string, address: string): Known {
    let known = this.#before.get(bare);
    if (known === undefined) {
      const own = ownCopy(bare);
      known = {
        bare: compact(this.interpret(prepareJid(own, address)), own),
        full: [],
        size: EACH + 2 * bare.length,
      };
    }
    // The key that is kept is never a part of what was read from the stream, and where it can be the text that the address has.
    this.#recent.set(known.bare.bare === bare ? known.bare.bare : ownCopy(bare), known);
    this.#note(known.size);
    return known;
  }

  #full(known: Known, address: string, slash: number): Address {
    const { kind, bare, inner, outer, returnsKey } = known.bare;
    const resource = prepareResource(ownCopy(address.slice(slash + 1)), address);
    const full = { kind, bare, resource, full: ownCopy(withResource(bare, resource)), inner, outer, returnsKey };
    const kept = known.full.length < MOST_RESOURCES ? known.full : known.full.slice(1);
    if (kept !== known.full) known.size -= sizeOfFull(known.full[0] as Address);
    known.full = [...kept, full];
    known.size += sizeOfFull(full);
    this.#note(sizeOfFull(full));
    return full;
  }

  /**
   * Two generations: whoever is still there when one is full stays. Emptied at once it would know nobody of more users than it
   * takes, who write in turn.
   */
  #note(size: number): void {
    this.#size += size;
    if (this.#size <= MAX_GENERATION) return;
    this.#before = this.#recent;
    this.#recent = new Map();
    this.#size = 0;
  }
}

const sizeOfFull = ({ full }: Address) => EACH_FULL + 2 * full.length;

/** Texts in memory of their own, in one piece, and those that are the same once: they are compared with each other all the time. */
function compact({ kind, bare, resource, full, inner, outer, returnsKey }: Address, own: string): Address {
  const texts = [own];
  const once = (text: string) => {
    const same = texts.find((known) => known === text);
    if (same !== undefined) return same;
    const copy = ownCopy(text);
    texts.push(copy);
    return copy;
  };
  return {
    kind,
    bare: once(bare),
    resource,
    full: once(full),
    inner: once(inner),
    outer: once(outer),
    returnsKey: once(returnsKey),
  };
}
