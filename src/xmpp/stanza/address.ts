import { domainToASCII, domainToUnicode } from 'node:url';
import { foldAscii, isLocalpart, prepareLocalpart } from './localpart.ts';

/** An address that no server would route (RFC 7622); its sender gets `jid-malformed`. */
export class MalformedAddressError extends Error {
  constructor(readonly address: string) {
    super(`Malformed address: ${address.slice(0, 100)}`);
    this.name = 'MalformedAddressError';
  }
}

/**
 * Whose an address is: `served`, a user of the server that we stand beside, or of another one that is allowed; `server`,
 * such a server itself; `proxied`, our stand-in for a user; `component`, ourselves; `foreign`, anybody else.
 */
export type Side = 'served' | 'server' | 'proxied' | 'component' | 'foreign';

/** An address such that equal addresses are equal strings: see {@link Addresses}. */
export interface Address {
  readonly side: Side;
  /** Bare JID; the domain alone for a server or component. */
  readonly bare: string;
  /** Empty for a bare JID. */
  readonly resource: string;
  readonly full: string;
  /** The same user's address on the other side, bare: proxied for served, served for proxied; empty for others. */
  readonly counterpart: string;
}

// RFC 7622 section 3.1: each part has at most 1023 bytes.
const MAX_PART = 1023;
// What a URL's host ends at or leaves out: domainToASCII takes a domain for one.
const FORBIDDEN_IN_DOMAIN = /[\s\\/?#@:[\]%]/;
// RFC 8265 section 4.2.1, OpaqueString: no control characters; and none that no text has.
const FORBIDDEN_IN_RESOURCE = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const ASCII = /^[\0-\x7f]*$/;
const MAX_CACHED = 20_000;

/** RFC 7622 section 3.2: the first slash begins the resource, the first at sign before it ends the localpart. */
function split(address: string): { readonly local?: string; readonly domain: string; readonly resource?: string } {
  const slash = address.indexOf('/');
  const bare = slash === -1 ? address : address.slice(0, slash);
  const at = bare.indexOf('@');
  return {
    ...(at !== -1 && { local: bare.slice(0, at) }),
    domain: bare.slice(at + 1),
    ...(slash !== -1 && { resource: address.slice(slash + 1) }),
  };
}

/** Joins a bare JID and a resource, which may be empty. */
export function withResource(bare: string, resource: string): string {
  return resource === '' ? bare : `${bare}/${resource}`;
}

// XEP-0106 section 3.2: what an escaped character begins with, and what it stands for.
const ESCAPED = /\\(20|22|26|27|2f|3a|3c|3e|40|5c)/g;

/** XEP-0106 section 4.2: a foreign user's bare JID as a localpart. Of what is escaped, a bare JID has only these. */
function asLocalpart(bare: string): string {
  return bare.replace(ESCAPED, '\\5c$1').replace('@', '\\40');
}

/** The bare JID that a localpart stands for, if it stands for one. */
function fromLocalpart(local: string): { readonly local: string; readonly domain: string } | undefined {
  const bare = local.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const at = bare.lastIndexOf('@');
  return at === -1 ? undefined : { local: bare.slice(0, at), domain: bare.slice(at + 1) };
}

/**
 * Prepares a domain: IDN to its ASCII form (RFC 5890), case folded. Empty when it is not a domain, or when it would be
 * another one after more than that: only what is folded by everybody may be.
 */
function prepareDomain(domain: string): string {
  const name = domain.replace(/\.$/, '');
  if (FORBIDDEN_IN_DOMAIN.test(name)) return '';
  const ascii = domainToASCII(name);
  if (ASCII.test(name)) return ascii;
  return domainToUnicode(ascii) === name.toLowerCase().normalize('NFC') ? ascii : '';
}

/**
 * Who is the same person. A server prepares every address that it passes on (RFC 7622, or the older RFC 6122 with its
 * Unicode 3.2): its own form of a name is the account's identity, and two accounts of the server are two persons, whatever
 * this side's Unicode makes of their names. So of a localpart ASCII letters are folded and nothing else, a resource stays as
 * it is, and domains are compared in their ASCII form. What may not be an address is refused ({@link isLocalpart}). What a
 * person or a client wrote inside a payload, a form or a setting no server has prepared: {@link Addresses.parseWritten}.
 *
 * And the mapping between the served domain's users and their stand-ins in the component's domain:
 * `bob@example.org/desk` and `bob@receipts.example.org/desk`; and for users of other domains that are allowed,
 * `carol@other.org` and `carol\40other.org@receipts.example.org` (XEP-0106).
 */
export class Addresses {
  readonly #cache = new Map<string, Address>();
  readonly #component: string;
  readonly #served: string;
  /** Further domains whose users are served, prepared, each with how it is spelt. */
  readonly #allowed: ReadonlyMap<string, string>;

  /**
   * @param componentDomain our own domain, as the server spells it
   * @param servedDomain the domain whose users are served
   * @param allowedDomains others whose users are served as well
   */
  constructor(
    readonly componentDomain: string,
    readonly servedDomain: string,
    allowedDomains: readonly string[] = [],
  ) {
    this.#component = prepareDomain(componentDomain);
    this.#served = prepareDomain(servedDomain);
    this.#allowed = new Map(allowedDomains.map((domain) => [prepareDomain(domain), domain]));
  }

  /**
   * Parses and prepares an address. Results are cached, since a busy proxy sees the same few over and over and
   * preparing them is dearer than all else that is done with a stanza.
   *
   * @param address as the server wrote it
   * @throws {MalformedAddressError}
   */
  parse(address: string): Address {
    const known = this.#cache.get(address);
    if (known !== undefined) return known;
    const parsed = this.#parse(address);
    // Emptied rather than trimmed: bounded memory is what matters, and a full one refills within milliseconds.
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(address, parsed);
    return parsed;
  }

  /**
   * As `parse`, of an address as a person or a client wrote it: in the letters that the server folds too.
   *
   * @throws {MalformedAddressError}
   */
  parseWritten(address: string): Address {
    const { local, domain, resource } = split(address);
    if (local === undefined || ASCII.test(local)) return this.parse(address);
    const bare = `${prepareLocalpart(local)}@${domain}`;
    return this.parse(resource === undefined ? bare : `${bare}/${resource}`);
  }

  #parse(address: string): Address {
    const { local: localText, domain: domainText, resource } = split(address);
    const local = foldAscii(localText ?? '');
    const domain = prepareDomain(domainText);
    if (
      domain === '' ||
      (localText !== undefined && !isLocalpart(localText)) ||
      resource === '' ||
      (resource !== undefined && FORBIDDEN_IN_RESOURCE.test(resource)) ||
      [local, domain, resource ?? ''].some((part) => Buffer.byteLength(part) > MAX_PART)
    ) {
      throw new MalformedAddressError(address);
    }
    const side = this.#sideOf(local, domain);
    const spelt = this.#spelt(domain);
    const bare = local === '' ? spelt : `${local}@${spelt}`;
    const counterpart = this.#counterpart(side, local, domain, address);
    return { side, bare, resource: resource ?? '', full: withResource(bare, resource ?? ''), counterpart };
  }

  #counterpart(side: Side, local: string, domain: string, address: string): string {
    if (side === 'proxied') return this.#behind(local, address);
    if (side !== 'served') return '';
    const name = domain === this.#served ? local : asLocalpart(`${local}@${this.#spelt(domain)}`);
    if (Buffer.byteLength(name) > MAX_PART) throw new MalformedAddressError(address);
    return `${name}@${this.componentDomain}`;
  }

  #spelt(domain: string): string {
    if (domain === this.#component) return this.componentDomain;
    return domain === this.#served ? this.servedDomain : (this.#allowed.get(domain) ?? domain);
  }

  #sideOf(local: string, domain: string): Side {
    if (domain === this.#component) return local === '' ? 'component' : 'proxied';
    if (domain !== this.#served && !this.#allowed.has(domain)) return 'foreign';
    if (local === '') return 'server';
    // A user of the served domain who is named like somebody's stand-in would be taken for him.
    return domain === this.#served && this.#foreigner(local) !== undefined ? 'foreign' : 'served';
  }

  /** The user of an allowed domain whose bare JID this localpart is, if it is one. */
  #foreigner(local: string): { readonly local: string; readonly domain: string } | undefined {
    if (this.#allowed.size === 0) return undefined;
    const foreigner = fromLocalpart(local);
    return foreigner !== undefined && this.#allowed.has(prepareDomain(foreigner.domain)) ? foreigner : undefined;
  }

  #behind(local: string, address: string): string {
    const foreigner = this.#foreigner(local);
    if (foreigner === undefined) return `${local}@${this.servedDomain}`;
    const bare = `${foreigner.local}@${this.#spelt(prepareDomain(foreigner.domain))}`;
    // One user, one stand-in: what names him in another way, or nobody that could be, is no address.
    if (!isLocalpart(foreigner.local) || asLocalpart(bare) !== local) {
      throw new MalformedAddressError(address);
    }
    return bare;
  }
}
