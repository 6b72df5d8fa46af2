import type { Element } from '@xmpp/xml';
import type { Address, Route } from '../addressing/address-policy.ts';

/** What the router hands stanzas to. Handlers may throw MalformedAddressError and TooDeepError: the router answers them. */
export interface Handlers {
  readonly messages: {
    /** A message from a user to another. */
    take(route: Route, element: Element): void;
    /** One that may prove that others have arrived, and goes no further. */
    takeProofs(route: Route, element: Element): void;
  };
  /** Presence from a user to another, or to the component. */
  readonly presence: { take(route: Route, element: Element): void };
  readonly iq: {
    /** A well-formed request (RFC 6120 section 8.2.3) from a user to another. */
    request(route: Route, element: Element): void;
    /** A result or an error, to whomever. */
    reply(element: Element, to: Address): void;
  };
  /** Requests to the component itself, and what a user's server says of his roster. Never throws. */
  readonly component: { iq(element: Element): void };
}
