import type { AddressPolicy, Parties } from './address-policy.ts';
import { SubdomainPolicy, type SubdomainPolicyOptions } from './subdomain-policy.ts';
import { TransparentPolicy } from './transparent-policy.ts';

type Told = Pick<Parties, 'recipient' | 'heldAs'>;

/**
 * Two ways at once: what is routed to the component has its addresses; of what a gate held, as its record says, the users know
 * each other by their own.
 */
export class BothPolicy extends SubdomainPolicy {
  readonly #held: AddressPolicy;

  constructor(options: SubdomainPolicyOptions) {
    super(options);
    this.#held = new TransparentPolicy(options);
  }

  override copyFrom(message: Parties): string {
    return message.heldAs === undefined ? super.copyFrom(message) : this.#held.copyFrom(message);
  }

  override writtenTo(message: Told): string {
    return message.heldAs === undefined ? super.writtenTo(message) : this.#held.writtenTo(message);
  }

  override acknowledgementFrom(message: Told): string {
    return message.heldAs === undefined ? super.acknowledgementFrom(message) : this.#held.acknowledgementFrom(message);
  }

  override receiptFrom(message: Told, resource: string): string {
    return message.heldAs === undefined
      ? super.receiptFrom(message, resource)
      : this.#held.receiptFrom(message, resource);
  }

  override errorFrom(message: Told): string {
    return message.heldAs === undefined ? super.errorFrom(message) : this.#held.errorFrom(message);
  }
}
