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
 * Whose an address is: `served`, a user of the server that we stand beside; `server`, that server itself; `proxied`,
 * our stand-in for a user; `component`, ourselves; `foreign`, anybody else.
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

/** Prepares a domain: IDN to its ASCII form (RFC 5890), case folded. Empty when it is not a domain. */
function prepareDomain(domain: string): string {
  return FORBIDDEN_IN_DOMAIN.test(domain) ? '' : domainToASCII(domain.replace(/\.$/, ''));
}

/**
 * The mapping between the served domain's users and their stand-ins in the component's domain:
 * `bob@example.org/desk` and `bob@receipts.example.org/desk`.
 */
export class Addresses {
  readonly #cache = new Map<string, Address>();
  readonly #component: string;
  readonly #served: string;

  /**
   * @param componentDomain our own domain, as the server spells it
   * @param servedDomain the domain whose users are served
   */
  constructor(
    readonly componentDomain: string,
    readonly servedDomain: string,
  ) {
    this.#component = prepareDomain(componentDomain);
    this.#served = prepareDomain(servedDomain);
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
    const ours = domain === this.#component;
    const served = domain === this.#served;
    const spelt = ours ? this.componentDomain : served ? this.servedDomain : domain;
    const bare = local === '' ? spelt : `${local}@${spelt}`;
    const [side, counterpart] = this.#sideOf(local, ours, served);
    return { side, bare, resource, full: withResource(bare, resource), counterpart };
  }

  #sideOf(local: string, ours: boolean, served: boolean): [side: Side, counterpart: string] {
    if (ours) return local === '' ? ['component', ''] : ['proxied', `${local}@${this.servedDomain}`];
    if (served) return local === '' ? ['server', ''] : ['served', `${local}@${this.componentDomain}`];
    return ['foreign', ''];
  }
}
