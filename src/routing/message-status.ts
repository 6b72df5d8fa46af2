import type { Element } from '@xmpp/xml';
import {
  MAX_STATUS_MESSAGES,
  STATUS,
  STATUS_MESSAGE,
  type StatusAttributes,
} from '../../packages/protocol/elements.ts';
import type { Address, AddressPolicy } from '../addressing/address-policy.ts';
import { isProved, type StoredRecord } from '../store/contract.ts';
import { statusElement } from '../xmpp/stanza/build.ts';
import { recordKey } from '../xmpp/stanza/message-key.ts';
import { RequestError } from '../xmpp/stanza/request-error.ts';

export interface MessageStatusOptions {
  readonly addresses: AddressPolicy;
  /** The newest message under each key. */
  readonly status: (keys: readonly string[], requester: string) => Promise<(StoredRecord | undefined)[]>;
}

/**
 * Answers a request for the status of messages that its sender has sent (docs/client.md).
 *
 * @returns the answer's child
 * @throws {RequestError} when it cannot be answered as it was asked
 */
export async function messageStatus(
  question: Element,
  from: Address,
  { addresses, status }: MessageStatusOptions,
): Promise<string> {
  if (!addresses.isServed(from)) throw new RequestError({ condition: 'forbidden' });
  const asked = question.getChildren(STATUS_MESSAGE);
  if (question.getName() !== STATUS || asked.length === 0) throw new RequestError({ condition: 'bad-request' });
  if (asked.length > MAX_STATUS_MESSAGES) {
    throw new RequestError({
      condition: 'policy-violation',
      text: `At most ${MAX_STATUS_MESSAGES} messages at a time`,
    });
  }
  const keys = asked.map(({ attrs: { id, to } }) => {
    if (!id || !to) throw new RequestError({ condition: 'bad-request', text: 'A message is named by its id and to' });
    // The requester is part of the key, so that nobody learns of another's messages.
    const recipient = addresses.parseWritten(to);
    return recordKey(from.inner, addresses.isOuter(recipient) ? recipient.inner : '', id);
  });
  const records = await status(keys, from.bare);
  return statusElement(asked.map(({ attrs: { id, to } }, i) => describe(id as string, to as string, records[i])));
}

function describe(id: string, to: string, record: StoredRecord | undefined): StatusAttributes {
  if (record === undefined) return { id, to, state: 'unknown' };
  if (record.firstStoredAt === 0) return { id, to, state: record.state };
  const { state, firstStoredAt, settledAt, attempt } = record;
  const stored = new Date(firstStoredAt).toISOString();
  // Its sender was not told that it is delivered, and may yet be.
  if (isProved(record)) return { id, to, state: 'pending', stored, attempts: String(attempt) };
  const settled = settledAt === undefined ? undefined : new Date(settledAt).toISOString();
  return { id, to, state, stored, settled, attempts: String(attempt) };
}
