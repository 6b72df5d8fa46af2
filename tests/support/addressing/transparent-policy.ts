import type { Address, AddressPolicy, Parties, Route, Traffic } from '../../../src/addressing/address-policy.ts';
import { PreparedAddresses } from '../../../src/addressing/prepared-addresses.ts';
import { type Jid, prepareDomain, withResource } from '../../../src/xmpp/stanza/address.ts';
import type { Between } from '../../../src/xmpp/stanza/embedded-addresses.ts';

/**
 * Users know each other by their own addresses, and the component is seen where it speaks for itself: nothing above the
 * policy may take it for granted that the two addresses of an account differ.
 */
export class TransparentPolicy extends PreparedAddresses implements AddressPolicy {
  readonly componentDomain: string;
  readonly servedDomain: string;
  readonly delayedBy: string;
  readonly errorBy: string;

  constructor({ componentDomain, servedDomain }: { readonly componentDomain: string; readonly servedDomain: string }) {
    super();
    this.componentDomain = componentDomain;
    this.servedDomain = servedDomain;
    this.delayedBy = componentDomain;
    this.errorBy = componentDomain;
  }

  classify(from: Address, to: Address): Traffic {
    if (from.kind === 'foreign') return 'foreign';
    if (from.kind === 'component') return 'own';
    if (from.kind === 'user' && to.kind === 'user') return 'between-users';
    return from.kind === 'user' && to.kind === 'component' ? 'to-component' : 'other';
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

  writtenTo({ recipient }: Pick<Parties, 'recipient'>): string {
    return recipient;
  }

  acknowledgementFrom(): string {
    return this.componentDomain;
  }

  receiptFrom({ recipient }: Pick<Parties, 'recipient'>, resource: string): string {
    return withResource(recipient, resource);
  }

  errorFrom({ recipient }: Pick<Parties, 'recipient'>): string {
    return recipient;
  }

  protected interpret({ local, domain, resource }: Jid): Address {
    const bare = local === '' ? domain : `${local}@${domain}`;
    const rest = { bare, resource, full: withResource(bare, resource), returnsKey: `${bare}/` };
    const none = { inner: '', outer: '' };
    if (domain === prepareDomain(this.componentDomain)) {
      return { kind: local === '' ? 'component' : 'foreign', ...rest, ...none };
    }
    if (domain !== prepareDomain(this.servedDomain)) return { kind: 'foreign', ...rest, ...none };
    return local === '' ? { kind: 'server', ...rest, ...none } : { kind: 'user', ...rest, inner: bare, outer: bare };
  }
}
