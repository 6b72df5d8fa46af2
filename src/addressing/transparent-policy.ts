import { type Jid, prepareDomain, withResource } from '../xmpp/stanza/address.ts';
import type { Between } from '../xmpp/stanza/embedded-addresses.ts';
import type { Address, AddressPolicy, Parties, Route, Traffic } from './address-policy.ts';
import { PreparedAddresses } from './prepared-addresses.ts';

type Told = Pick<Parties, 'recipient' | 'heldAs'>;

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
  readonly #older: AddressPolicy | undefined;

  /**
   * @param older the policy of messages that no gate held, which were stored in another mode: servers end the stream of a component
   *   that writes in a user's name, so that their copies keep the addresses of that mode
   */
  constructor(
    { componentDomain, servedDomain }: { readonly componentDomain: string; readonly servedDomain: string },
    older?: AddressPolicy,
  ) {
    super();
    this.#older = older;
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

  returnsKeyOf(account: string): string {
    return `${account}/`;
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

  formerly({ kind, full }: Address): Address | undefined {
    if (kind !== 'foreign' || this.#older === undefined) return undefined;
    const before = this.#older.parse(full);
    return this.#older.isOuter(before) ? before : undefined;
  }

  copyFrom(message: Parties): string {
    const { sender, senderResource } = message;
    return this.#olderOf(message)?.copyFrom(message) ?? withResource(sender, senderResource);
  }

  writtenTo(message: Told): string {
    return this.#olderOf(message)?.writtenTo(message) ?? message.recipient;
  }

  acknowledgementFrom(): string {
    return this.componentDomain;
  }

  receiptFrom(message: Told, resource: string): string {
    const older = this.#isOfServer(message) ? undefined : this.#olderOf(message);
    return older?.receiptFrom(message, resource) ?? withResource(message.recipient, resource);
  }

  /** A gate says it in the name of one of its server's own users, of whichever mode; in no other's. */
  errorFrom(message: Told): string {
    const older = this.#isOfServer(message) ? undefined : this.#olderOf(message);
    return older?.errorFrom(message) ?? message.recipient;
  }

  #olderOf({ heldAs }: Pick<Told, 'heldAs'>): AddressPolicy | undefined {
    return heldAs === undefined ? this.#older : undefined;
  }

  #isOfServer({ recipient }: Told): boolean {
    return recipient.endsWith(`@${this.servedDomain}`);
  }

  /** Also an address that somebody had at the component in another mode: who writes to it is told that nobody reads it. */
  #isOurs({ kind, bare }: Address): boolean {
    return kind === 'component' || (kind === 'foreign' && bare.endsWith(`@${this.#component}`));
  }

  protected interpret({ local, domain, resource }: Jid): Address {
    const bare = local === '' ? domain : `${local}@${domain}`;
    const rest = { bare, resource, full: withResource(bare, resource), returnsKey: this.returnsKeyOf(bare) };
    const none = { inner: '', outer: '' };
    if (domain === this.#component) {
      return { kind: local === '' ? 'component' : 'foreign', ...rest, ...none };
    }
    if (domain !== this.#served) return { kind: 'foreign', ...rest, ...none };
    return local === '' ? { kind: 'server', ...rest, ...none } : { kind: 'user', ...rest, inner: bare, outer: bare };
  }
}
