import type { AddressPolicy } from '../addressing/address-policy.ts';
import { MalformedAddressError } from '../xmpp/stanza/address.ts';
import { badPayload } from './command.ts';

/**
 * The user that an operator names, by whichever of his addresses, with or without a resource.
 *
 * @returns his account's own bare JID
 * @throws {RequestError} when it is nobody who is served
 */
export function parseUser(addresses: AddressPolicy, text: string): string {
  try {
    const { inner } = addresses.parseWritten(text);
    if (inner !== '') return inner;
  } catch (error) {
    if (!(error instanceof MalformedAddressError)) throw error;
  }
  throw badPayload(`Not a user of ${addresses.servedDomain}: ${text.slice(0, 100)}`);
}

/** A user's name in lists; other addresses as they are. */
export function displayName(addresses: AddressPolicy, jid: string): string {
  try {
    const address = addresses.parse(jid);
    return address.inner === '' ? jid : addresses.displayName(address);
  } catch (error) {
    if (error instanceof MalformedAddressError) return jid;
    throw error;
  }
}
