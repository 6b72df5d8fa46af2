import type { Element } from '@xmpp/xml';
import type { AddressPolicy, Route } from '../addressing/address-policy.ts';
import { iq } from '../xmpp/stanza/build.ts';
import { rewriteChildren } from '../xmpp/stanza/embedded-addresses.ts';
import { otherAttributes } from '../xmpp/stanza/message.ts';

/** Whom an IQ stanza goes out from and to, and under which id. */
export interface IqEnvelope {
  readonly from: string;
  readonly to: string;
  readonly id: string;
}

/**
 * An IQ stanza as it goes to the other user, with the addresses inside it mapped by its route.
 *
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function mappedIq(element: Element, route: Route, envelope: IqEnvelope, addresses: AddressPolicy): string {
  return iq({
    ...envelope,
    type: element.attrs.type,
    otherAttributes: otherAttributes(element),
    inner: rewriteChildren(element, addresses.embedded(route)),
  });
}
