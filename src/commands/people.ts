import { type Addresses, MalformedAddressError } from '../stanza/address.ts';
import { badPayload } from './command.ts';

/**
 * The user that an operator names, by his own address or by the proxied one, with or without a resource.
 *
 * @returns his bare JID in the served domain
 * @throws {Refusal} when it is nobody who is served
 */
export function userNamed(addresses: Addresses, text: string): string {
  try {
    const { side, bare, counterpart } = addresses.parseWritten(text);
    if (side === 'served') return bare;
    if (side === 'proxied') return counterpart;
  } catch (error) {
    if (!(error instanceof MalformedAddressError)) throw error;
  }
  throw badPayload(`Not a user of ${addresses.servedDomain}: ${text.slice(0, 100)}`);
}
