import { type Addresses, MalformedAddressError } from '../xmpp/stanza/address.ts';
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

/** A user as one writes to him, without our own domain, which is the same for all; other addresses as they are. */
export function nameOf(addresses: Addresses, jid: string): string {
  try {
    const { side, bare, counterpart } = addresses.parse(jid);
    if (side !== 'served' && side !== 'proxied') return jid;
    const proxied = side === 'served' ? counterpart : bare;
    return proxied.slice(0, proxied.lastIndexOf('@'));
  } catch (error) {
    if (error instanceof MalformedAddressError) return jid;
    throw error;
  }
}
