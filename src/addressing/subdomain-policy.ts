import { fitsPart, type Jid, MalformedAddressError, prepareDomain, withResource } from '../xmpp/stanza/address.ts';
import type { Between } from '../xmpp/stanza/embedded-addresses.ts';
import { escapeJid, isLocalpart, unescapeJid } from '../xmpp/stanza/localpart.ts';
import type { Address, AddressPolicy, Parties, Route, Traffic } from './address-policy.ts';
import { PreparedAddresses } from './prepared-addresses.ts';

export interface SubdomainPolicyOptions {
  /** Our own domain, as the server spells it. */
  readonly componentDomain: string;
  /** The domain whose users are served. */
  readonly servedDomain: string;
  /** Others whose users are served as well. */
  readonly allowedDomains?: readonly string[] | undefined;
  /** From whom acknowledgements come; `component` by default. */
  readonly ackFrom?: 'component' | 'recipient' | undefined;
}

/**
 * Users write to each other at the component's domain: `bob@example.org/desk` is seen as `bob@receipts.example.org/desk`;
 * and a user of another domain that is allowed, `carol@other.org`, as `carol\40other.org@receipts.example.org` (XEP-0106).
 */
export class SubdomainPolicy extends PreparedAddresses implements AddressPolicy {
  readonly componentDomain: string;
  readonly servedDomain: string;
  readonly delayedBy: string;
  readonly errorBy: string;
  readonly #component: string;
  readonly #served: string;
  /** Further domains whose users are served, prepared, each with how it is spelt. */
  readonly #allowed: ReadonlyMap<string, string>;
  readonly #ackFrom: 'component' | 'recipient';

  constructor({ componentDomain, servedDomain, allowedDomains = [], ackFrom = 'component' }: SubdomainPolicyOptions) {
    super();
    this.componentDomain = componentDomain;
    this.servedDomain = servedDomain;
    this.delayedBy = componentDomain;
    this.errorBy = componentDomain;
    this.#component = prepareDomain(componentDomain);
    this.#served = prepareDomain(servedDomain);
    this.#allowed = new Map(allowedDomains.map((domain) => [prepareDomain(domain), domain]));
    this.#ackFrom = ackFrom;
  }

  classify(from: Address, to: Address): Traffic {
    if (from.kind === 'foreign') return 'foreign';
    if (this.isServed(from)) {
      if (this.isOuter(to)) return 'between-users';
      return to.kind === 'component' ? 'to-component' : 'other';
    }
    return from.kind === 'server' ? 'other' : 'own';
  }

  isServed({ kind, bare, inner }: Address): boolean {
    return kind === 'user' && bare === inner;
  }

  isOuter({ kind, bare, outer }: Address): boolean {
    return kind === 'user' && bare === outer;
  }

  isComponent({ kind }: Address): boolean {
    return kind === 'component';
  }

  seenAs({ outer }: Address): string {
    return outer;
  }

  outerOf(account: string): string {
    return this.parse(account).outer || this.componentDomain;
  }

  returnsKeyOf(account: string): string {
    try {
      return this.parse(account).outer || account;
    } catch {
      return account;
    }
  }

  partyOf({ kind, inner }: Address): string {
    return kind === 'component' ? this.componentDomain : inner;
  }

  /** Without our own domain, which is the same for all. */
  displayName({ full, outer }: Address): string {
    return outer === '' ? full : outer.slice(0, outer.lastIndexOf('@'));
  }

  embedded(route: Route): Between {
    return route;
  }

  copyFrom({ sender, senderResource }: Parties): string {
    return withResource(this.outerOf(sender), senderResource);
  }

  writtenTo({ recipient }: Pick<Parties, 'recipient'>): string {
    return this.outerOf(recipient);
  }

  acknowledgementFrom(message: Pick<Parties, 'recipient'>): string {
    return this.#ackFrom === 'recipient' ? this.writtenTo(message) : this.componentDomain;
  }

  receiptFrom(message: Pick<Parties, 'recipient'>, resource: string): string {
    return withResource(this.writtenTo(message), resource);
  }

  errorFrom(message: Pick<Parties, 'recipient'>): string {
    return this.writtenTo(message);
  }

  protected interpret({ address, local, domain, resource }: Jid): Address {
    const spelt = this.#spelt(domain);
    const bare = local === '' ? spelt : `${local}@${spelt}`;
    const rest = { bare, resource, full: withResource(bare, resource) };
    if (domain === this.#component) {
      if (local === '') return { kind: 'component', ...rest, inner: '', outer: '', returnsKey: bare };
      return { kind: 'user', ...rest, inner: this.#innerOf(local, address), outer: bare, returnsKey: bare };
    }
    if (domain !== this.#served && !this.#allowed.has(domain)) {
      return { kind: 'foreign', ...rest, inner: '', outer: '', returnsKey: bare };
    }
    if (local === '') return { kind: 'server', ...rest, inner: '', outer: '', returnsKey: bare };
    // A user of the served domain who is named like somebody's outer address would be taken for him.
    if (domain === this.#served && this.#foreigner(local) !== undefined) {
      return { kind: 'foreign', ...rest, inner: '', outer: '', returnsKey: bare };
    }
    const name = domain === this.#served ? local : escapeJid(bare);
    if (!fitsPart(name)) throw new MalformedAddressError(address);
    const outer = `${name}@${this.componentDomain}`;
    return { kind: 'user', ...rest, inner: bare, outer, returnsKey: outer };
  }

  #spelt(domain: string): string {
    if (domain === this.#component) return this.componentDomain;
    return domain === this.#served ? this.servedDomain : (this.#allowed.get(domain) ?? domain);
  }

  /** The user of an allowed domain whose bare JID this localpart is, if it is one. */
  #foreigner(local: string): { readonly local: string; readonly domain: string } | undefined {
    if (this.#allowed.size === 0) return undefined;
    const foreigner = unescapeJid(local);
    return foreigner !== undefined && this.#allowed.has(prepareDomain(foreigner.domain)) ? foreigner : undefined;
  }

  #innerOf(local: string, address: string): string {
    const foreigner = this.#foreigner(local);
    if (foreigner === undefined) return `${local}@${this.servedDomain}`;
    const bare = `${foreigner.local}@${this.#spelt(prepareDomain(foreigner.domain))}`;
    // One user, one outer address: what names him in another way, or nobody that could be, is no address.
    if (!isLocalpart(foreigner.local) || escapeJid(bare) !== local) throw new MalformedAddressError(address);
    return bare;
  }
}
