import { domainToASCII } from 'node:url';
import jid from '@xmpp/jid';

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

/** A prepared address: case folded and normalised, so that equal addresses are equal strings. */
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
// RFC 7622 section 3.3.1: not allowed in a localpart. @xmpp/jid would escape them, making another user of it.
const FORBIDDEN_IN_LOCAL = /[\s"&'/:<>@]/;
// A backslash that starts no XEP-0106 sequence is an ordinary character, which @xmpp/jid would escape.
const PLAIN_BACKSLASH = /\\(?!20|22|26|27|2f|3a|3c|3e|40|5c)/;
const MAX_CACHED = 20_000;

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

/** Prepares a domain: IDN to its ASCII form (RFC 5890), case folded. Empty when it is not a domain. */
function prepareDomain(domain: string): string {
  return FORBIDDEN_IN_DOMAIN.test(domain) ? '' : domainToASCII(domain.replace(/\.$/, ''));
}

/**
 * The mapping between the served domain's users and their stand-ins in the component's domain:
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

  #parse(address: string): Address {
    let parsed: ReturnType<typeof jid>;
    try {
      parsed = jid(address);
    } catch {
      throw new MalformedAddressError(address);
    }
    const bareEnd = address.indexOf('/');
    const bareText = bareEnd === -1 ? address : address.slice(0, bareEnd);
    const at = bareText.indexOf('@');
    const localText = at === -1 ? '' : bareText.slice(0, at);
    const local = (PLAIN_BACKSLASH.test(localText) ? localText.toLowerCase() : parsed.local).normalize('NFKC');
    const { resource } = parsed;
    const domain = prepareDomain(parsed.domain);
    if (
      domain === '' ||
      at === 0 ||
      bareEnd === address.length - 1 ||
      FORBIDDEN_IN_LOCAL.test(localText) ||
      // NFKC turns a full-width @ or / into the plain one, and with it one user's address into another's.
      FORBIDDEN_IN_LOCAL.test(local) ||
      [local, domain, resource].some((part) => Buffer.byteLength(part) > MAX_PART)
    ) {
      throw new MalformedAddressError(address);
    }
    const side = this.#sideOf(local, domain);
    const spelt = this.#spelt(domain);
    const bare = local === '' ? spelt : `${local}@${spelt}`;
    const counterpart = this.#counterpart(side, local, domain, address);
    return { side, bare, resource, full: withResource(bare, resource), counterpart };
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
    if (foreigner.local === '' || FORBIDDEN_IN_LOCAL.test(foreigner.local) || asLocalpart(bare) !== local) {
      throw new MalformedAddressError(address);
    }
    return bare;
  }
}
