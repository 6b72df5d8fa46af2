import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { StoredRecord } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { message } from '../xmpp/stanza/build.ts';
import { wireInner } from '../xmpp/stanza/message-key.ts';
import { isSingleElement } from '../xmpp/stanza/xml.ts';

/** What a copy of a message to a resource of its recipient, or to his bare address, consists of. */
export function copyTo(
  record: StoredRecord,
  resource: string,
  addresses: AddressPolicy,
): Parameters<typeof message>[0] {
  return {
    from: addresses.copyFrom(record),
    to: withResource(record.recipient, resource),
    type: record.type,
    id: record.wireId,
    otherAttributes: record.otherAttributes,
    inner: wireInner(record.inner, record.key, record.target),
  };
}

/** Whether a message's stored text is whole. */
export function isWhole({ inner }: StoredRecord): boolean {
  // By itself: what is put behind a text that was cut may seem to end it.
  return isSingleElement(`<x>${inner}</x>`);
}
