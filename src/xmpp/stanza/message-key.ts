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

/**
 * What a message bears that is another one than those that its sender gave the same id: on its record's key, and on the
 * id that it goes out under. So its recipient's client, which may drop what it takes for a copy, tells it from them as
 * well, and whatever comes back about it names it alone. scripts/include/accept.lua makes it.
 */
const MARK = /~[\da-f]{16}$/;
const MARK_LENGTH = 17;
const TILDE = 126;

/** The mark at the end of a key or an id, or nothing. */
function markOf(text: string): string {
  // Asked for every receipt.
  return text.charCodeAt(text.length - MARK_LENGTH) === TILDE && MARK.test(text) ? text.slice(-MARK_LENGTH) : '';
}

/** Whether the record of this key is told apart by a mark. */
function isMarked(key: string): boolean {
  return key.charCodeAt(KEY_LENGTH) === TILDE;
}

/** The id that the message of this key goes out under, whose sender gave it this `id`, and another `origin-id` or none. */
export function wireIdOf(key: string, id: string, originId: string | undefined): string {
  return isMarked(key) ? (originId ?? id) + key.slice(KEY_LENGTH) : id;
}

/** The id that its sender gave a message that goes out under this one. */
export function senderIdOf(id: string): string {
  const mark = markOf(id);
  return mark === '' ? id : id.slice(0, -MARK_LENGTH);
}

/** The key of the message that went out under this id. */
export function keyOfWireId(sender: string, recipient: string, id: string): string {
  return recordKey(sender, recipient, senderIdOf(id)) + markOf(id);
}

// Attributes are written in double quotes, with "<>&" escaped: see xml.ts.
const ORIGIN_ID = /<origin-id [^<>]*urn:xmpp:sid:0[^<>]*>(?:<\/origin-id>)?/g;
const OWN_REFERENCE = /(<(?:replace|retract)(?= )[^<>]*?\sid=")([^"]*)("[^<>]*>)/;

/**
 * A message's children as they go out.
 *
 * @param key its record's
 * @param target the key of the earlier message that it corrects or retracts, if it does
 */
export function wireInner(inner: string, key: string, target: string | undefined): string {
  let out = inner;
  // Clients that go by the origin-id (XEP-0359) would take it for the earlier one.
  if (isMarked(key)) out = out.replace(ORIGIN_ID, '');
  if (target !== undefined && isMarked(target)) {
    out = out.replace(
      OWN_REFERENCE,
      (_, before: string, id: string, after: string) => before + id + target.slice(KEY_LENGTH) + after,
    );
  }
  return out;
}
