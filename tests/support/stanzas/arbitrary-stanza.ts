import type { Element } from '@xmpp/xml';
import fc from 'fast-check';
import { serialize } from '../../../src/xmpp/stanza/xml.ts';
import { text, token } from './arbitrary-jid.ts';
import { el, iqPayload, maybe, messagePayload, presencePayload } from './arbitrary-payload.ts';
import { parseWritten } from './xml.ts';

/** Arbitrary stanzas as a component gets them: from alice's client to bob's proxied address, unless told otherwise. */
const FROM = 'alice@example.org/phone';
const TO = fc.constantFrom('bob@receipts.example.org', 'bob@receipts.example.org/desk');

interface Addresses {
  readonly from?: fc.Arbitrary<string>;
  readonly to?: fc.Arbitrary<string>;
}

const lang = maybe(fc.constantFrom('de', 'en-GB'));
const several = (payload: fc.Arbitrary<Element>) => fc.array(payload, { maxLength: 4 });
/** As the link's parser would give it: namespaces are found, and nothing is shared. */
const arrived = (stanza: Element) => parseWritten(serialize(stanza));

function stanza(
  name: string,
  { from = fc.constant(FROM), to = TO }: Addresses,
  types: readonly (string | undefined)[],
  payload: fc.Arbitrary<readonly Element[]>,
  id: fc.Arbitrary<string | undefined> = maybe(token),
): fc.Arbitrary<Element> {
  const head = el(name, undefined, { from, to, type: fc.constantFrom(...types), id, 'xml:lang': lang });
  return fc.tuple(head, payload).map(([element, children]) => {
    element.append(...children);
    return arrived(element);
  });
}

/** Errors beside the types of RFC 6121 section 5.2.2, and one that nobody knows. */
export function messages(addresses: Addresses = {}): fc.Arbitrary<Element> {
  const types = ['chat', 'chat', 'normal', 'headline', 'groupchat', 'error', 'strange', undefined];
  return stanza('message', addresses, types, several(messagePayload));
}

/** Requests with one payload (RFC 6120 section 8.2.3). */
export function requests(addresses: Addresses = {}): fc.Arbitrary<Element> {
  return stanza('iq', addresses, ['get', 'set'], fc.tuple(iqPayload), token);
}

/** Results with a payload or none. */
function results(addresses: Addresses = {}): fc.Arbitrary<Element> {
  return stanza('iq', addresses, ['result'], fc.array(iqPayload, { maxLength: 1 }), token);
}

export function presences(addresses: Addresses = {}): fc.Arbitrary<Element> {
  const subscription = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'];
  const types = [undefined, undefined, 'unavailable', 'probe', 'error', 'strange', ...subscription];
  const said = fc.oneof(
    el('show', undefined, {}, fc.constantFrom('chat', 'away', 'xa', 'dnd', 'strange')),
    el('status', undefined, { 'xml:lang': lang }, text),
    el('priority', undefined, {}, fc.constantFrom('-128', '0', '5', '127', 'strange')),
    presencePayload,
  );
  return stanza('presence', addresses, types, several(said));
}

/** Any of them. */
export function stanzas(addresses: Addresses = {}): fc.Arbitrary<Element> {
  return fc.oneof(messages(addresses), requests(addresses), results(addresses), presences(addresses));
}
