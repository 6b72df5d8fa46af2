import type { Between } from '../xmpp/stanza/embedded-addresses.ts';

/** A prepared address (RFC 7622): equal addresses are equal strings. */
export interface Address {
  /** `user`: of an account that is served, by whichever of its addresses; `component`: ourselves; `foreign`: anybody else. */
  readonly kind: 'user' | 'server' | 'component' | 'foreign';
  /** Bare JID as it was written; the domain alone for a server or component. */
  readonly bare: string;
  /** Empty for a bare JID. */
  readonly resource: string;
  readonly full: string;
  /** Bare JID of the account itself, as its server has it; empty unless a user. All that is stored has this one. */
  readonly inner: string;
  /** Bare JID that other users write to and see; empty unless a user. In some modes the same as `inner`. */
  readonly outer: string;
  /** Names what comes back from a user (receipts, errors) in fair queues, apart from what he writes (`bare`). */
  readonly returnsKey: string;
}

/** Whom a stanza is from and to. */
export interface Route {
  readonly from: Address;
  readonly to: Address;
  /** Of a message that a gate shows us: the number under which it holds the original until our verdict. */
  readonly heldAs?: string;
}

/**
 * What a stanza is to us, by its two addresses: `between-users`, from a user to another's outer address, which is ours to
 * deliver; `to-component`, from a user to the component itself; `foreign`, from somebody who is not served; `own`, from an
 * address of ours, which came back; `other`, what servers announce and what is none of our business.
 */
export type Traffic = 'between-users' | 'to-component' | 'foreign' | 'own' | 'other';

/** The users of a stored message: bare inner JIDs and resources, which may be empty. */
export interface Parties {
  readonly sender: string;
  readonly senderResource: string;
  readonly recipient: string;
  /** Set of one that a gate held: its users know each other by their own addresses. */
  readonly heldAs?: string | undefined;
}

/**
 * Who is served, and by which addresses users know each other. Nothing outside of this directory compares domains, or takes
 * it for granted that the two addresses of an account differ.
 */
export interface AddressPolicy {
  readonly componentDomain: string;
  /** The domain whose users are served, for texts that name it. */
  readonly servedDomain: string;
  /** Who is named as the one that delayed a further copy (XEP-0203 section 3, `from`). */
  readonly delayedBy: string;
  /** Who is named as the entity that made an error (RFC 6120 section 8.3.2, `by`). */
  readonly errorBy: string;

  /**
   * Parses and prepares an address, as the server wrote it.
   *
   * @throws {MalformedAddressError}
   */
  parse(address: string): Address;
  /**
   * As `parse`, of an address as a human or a client wrote it: in the letters that the server folds too.
   *
   * @throws {MalformedAddressError}
   */
  parseWritten(address: string): Address;

  classify(from: Address, to: Address): Traffic;
  /** Whether it is an account's own address, whose stanzas are taken. */
  isServed(address: Address): boolean;
  /** Whether it is an address that others write to in order to reach an account. */
  isOuter(address: Address): boolean;
  /** Whether it is the component itself, with whatever resource. */
  isComponent(address: Address): boolean;

  /** The bare JID by which the recipient of a stanza knows its sender. Both are users. */
  seenAs(from: Address, to: Address): string;
  /** The same for an account (bare inner JID); the component's domain for itself, and for one who is served no longer. */
  outerOf(account: string): string;
  /** The {@link Address.returnsKey} of an account (bare inner JID). Never throws. */
  returnsKeyOf(account: string): string;
  /** The bare JID that stands for a party in the store: a user's inner one, or the component's domain. */
  partyOf(address: Address): string;
  /** A user's name in lists, as short as is unambiguous; any other address as it is. */
  displayName(address: Address): string;
  /** The users whose addresses inside a payload are rewritten to those that the other knows. */
  embedded(route: Route): Between;

  /** The user whose address at the component this was in another mode, as {@link parse} gave it then; undefined when it was nobody's. */
  formerly?(address: Address): Address | undefined;

  /** From whom a copy of a message comes to its recipient: a full JID, unless the sender has no resource. */
  copyFrom(message: Parties): string;
  /** Whom a message was for, as its sender wrote it: bare. */
  writtenTo(message: Pick<Parties, 'recipient' | 'heldAs'>): string;
  /** From whom its sender is told that a message is stored, or that nobody confirmed it. */
  acknowledgementFrom(message: Pick<Parties, 'recipient' | 'heldAs'>): string;
  /** From whom its sender gets the receipt. `resource` returned it, and may be empty. */
  receiptFrom(message: Pick<Parties, 'recipient' | 'heldAs'>, resource: string): string;
  /** From whom its sender gets the error of a message that was not delivered. */
  errorFrom(message: Pick<Parties, 'recipient' | 'heldAs'>): string;
}
