import { type Jid, prepareDomain, withResource } from '../xmpp/stanza/address.ts';
import type { Between } from '../xmpp/stanza/embedded-addresses.ts';
import type { Address, AddressPolicy, Parties, Route, Traffic } from './address-policy.ts';
import { PreparedAddresses } from './prepared-addresses.ts';

/**
 * Users know each other by their own addresses, and the component is seen where it speaks for itself: nothing above the
 * policy may take it for granted that the two addresses of an account differ.
 */
export class TransparentPolicy extends PreparedAddresses implements AddressPolicy {
  readonly componentDomain: string;
  readonly servedDomain: string;
  readonly delayedBy: string;
  readonly errorBy: string;
  readonly #component: string;
  readonly #served: string;

  constructor({ componentDomain, servedDomain }: { readonly componentDomain: string; readonly servedDomain: string }) {
    super();
    this.componentDomain = componentDomain;
    this.servedDomain = servedDomain;
    this.delayedBy = componentDomain;
    this.errorBy = componentDomain;
    this.#component = prepareDomain(componentDomain);
    this.#served = prepareDomain(servedDomain);
  }

  classify(from: Address, to: Address): Traffic {
    if (from.kind === 'foreign') return 'foreign';
    if (from.kind === 'component') return 'own';
    if (from.kind === 'user' && to.kind === 'user') return 'between-users';
    return from.kind === 'user' && this.#isOurs(to) ? 'to-component' : 'other';
  }

  isServed({ kind }: Address): boolean {
    return kind === 'user';
  }

  isOuter({ kind }: Address): boolean {
    return kind === 'user';
  }

  isComponent({ kind }: Address): boolean {
    return kind === 'component';
  }

  seenAs({ bare }: Address): string {
    return bare;
  }

  outerOf(account: string): string {
    return account;
  }

  partyOf({ bare }: Address): string {
    return bare;
  }

  displayName({ bare }: Address): string {
    return bare;
  }

  embedded(route: Route): Between {
    return route;
  }

  copyFrom({ sender, senderResource }: Parties): string {
    return withResource(sender, senderResource);
  }

  writtenTo({ recipient }: Pick<Parties, 'recipient' | 'heldAs'>): string {
    return recipient;
  }

  acknowledgementFrom(): string {
    return this.componentDomain;
  }

  receiptFrom({ recipient }: Pick<Parties, 'recipient' | 'heldAs'>, resource: string): string {
    return withResource(recipient, resource);
  }

  errorFrom({ recipient }: Pick<Parties, 'recipient' | 'heldAs'>): string {
    return recipient;
  }

  /** Also an address that somebody had at the component in another mode: who writes to it is told that nobody reads it. */
  #isOurs({ kind, bare }: Address): boolean {
    return kind === 'component' || (kind === 'foreign' && bare.endsWith(`@${this.#component}`));
  }

  protected interpret({ local, domain, resource }: Jid): Address {
    const bare = local === '' ? domain : `${local}@${domain}`;
    const rest = { bare, resource, full: withResource(bare, resource), returnsKey: `${bare}/` };
    const none = { inner: '', outer: '' };
    if (domain === this.#component) {
      return { kind: local === '' ? 'component' : 'foreign', ...rest, ...none };
    }
    if (domain !== this.#served) return { kind: 'foreign', ...rest, ...none };
    return local === '' ? { kind: 'server', ...rest, ...none } : { kind: 'user', ...rest, inner: bare, outer: bare };
  }
}
