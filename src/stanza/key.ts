import { hash } from 'node:crypto';

/** Characters of a record's key: 132 bits of SHA-256, in base64url, which Redis and BullMQ take as they are. */
const KEY_LENGTH = 22;
/** Characters of a payload's digest: 96 bits; it only tells apart what one sender sent under one id. */
const DIGEST_LENGTH = 16;

function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}

/**
 * The key that one message has in the ledger, and that its receipt leads to.
 *
 * @param sender the sender's bare JID, prepared
 * @param recipient the recipient's bare JID, prepared
 * @param id the stanza's `origin-id` (XEP-0359), else its `id`
 */
export function recordKey(sender: string, recipient: string, id: string): string {
  // NUL stands in no JID and no XML, so that no two triples are written alike.
  return sha256(`${sender}\0${recipient}\0${id}`).slice(0, KEY_LENGTH);
}

/** The digest that tells a resend of a message from another message under the same id. */
export function payloadDigest(payload: string): string {
  return sha256(payload).slice(0, DIGEST_LENGTH);
}
