import { hash } from 'node:crypto';
import { isAscii } from '../../util/octets.ts';
import { isUniqueId } from './ids.ts';
import { NS } from './namespaces.ts';
import { partitionDigits, partitionOf } from './partition.ts';

/**
 * Characters of a record's key, in base64url, which Redis and BullMQ take as they are: two of the recipient's partition, and 72
 * bits of SHA-256. Among a billion messages two have one key with a chance of 3 in 100 million. Both are kept then, unless their
 * texts are equal, too ({@link payloadDigest}).
 */
export const KEY_LENGTH = 14;
const HASHED_LENGTH = 12;
/** Of ledgers before format 6. */
const OLDER_KEY_LENGTH = 22;
/** Characters of a payload's digest: 96 bits; it only tells apart what one sender sent under one id. */
export const DIGEST_LENGTH = 16;

function sha256(data: string | Buffer): string {
  return hash('sha256', data, 'base64url');
}

/**
 * The key that one message has in the ledger, and that its receipt leads to.
 *
 * @param sender the sender's bare JID, prepared
 * @param recipient the recipient's bare JID, prepared
 * @param id the stanza's `origin-id` (XEP-0359), else its `id`
 */
export function recordKey(sender: string, recipient: string, id: string): string {
  // NUL occurs in no JID and no XML, so the encoding is unambiguous.
  return partitionDigits(partitionOf(recipient)) + sha256(`${sender}\0${recipient}\0${id}`).slice(0, HASHED_LENGTH);
}

/** A key that may be of a ledger before format 6 (its jobs stay as they are), as it is now. */
export function presentKey(key: string): string {
  const isOlder = key.length === OLDER_KEY_LENGTH || key.length === OLDER_KEY_LENGTH + MARK_LENGTH;
  return isOlder ? key.slice(0, KEY_LENGTH) + key.slice(OLDER_KEY_LENGTH) : key;
}

/** The digest that distinguishes a resend from another message under the same id. @param payload XML, in octets */
export function payloadDigest(payload: string): string {
  return sha256(isAscii(payload) ? payload : Buffer.from(payload, 'latin1')).slice(0, DIGEST_LENGTH);
}

/**
 * The suffix of a message's key and wire id when its sender has used the same id for another message. So the recipient's
 * client, which may drop copies, can tell them apart, and receipts and errors name exactly one. Made by
 * scripts/include/accept.lua.
 */
const MARK = /~[\da-f]{16}$/;
const MARK_LENGTH = 17;
const TILDE = 126;

/** The mark at the end of a key or an id, or nothing. */
function markOf(text: string): string {
  // Asked for every receipt.
  return text.charCodeAt(text.length - MARK_LENGTH) === TILDE && MARK.test(text) ? text.slice(-MARK_LENGTH) : '';
}

/** Whether a key has such a mark. */
export function isMarked(key: string): boolean {
  return key.charCodeAt(KEY_LENGTH) === TILDE;
}

/** The wire id of the message of this key. `id` and `originId` are those that its sender gave it. */
export function wireIdOf(key: string, id: string, originId: string | undefined): string {
  return isMarked(key) ? (originId ?? id) + key.slice(KEY_LENGTH) : id;
}

/** The sender's own id for a wire id. */
export function senderIdOf(id: string): string {
  const mark = markOf(id);
  return mark === '' ? id : id.slice(0, -MARK_LENGTH);
}

/** Whether a sender may have given this id, which comes back, to several messages: a client counts it, and it is none that we have marked. */
export function mayNameSeveral(id: string): boolean {
  return markOf(id) === '' && !isUniqueId(id);
}

/** The key of the message with this wire id. */
export function keyOfWireId(sender: string, recipient: string, id: string): string {
  return recordKey(sender, recipient, senderIdOf(id)) + markOf(id);
}

// Attributes are written in double quotes, with "<>&" escaped: see xml.ts.
const ORIGIN_ID = /<origin-id [^<>]*urn:xmpp:sid:0[^<>]*>(?:(?<!\/>)<\/origin-id>)?/g;
/** By whole attributes: one may have ` id=` in its value. */
const OWN_REFERENCE = /(<(?:replace|retract)(?: (?!id=)[^ ="<>]+="[^"<>]*")* id=")([^"<>]*)("[^<>]*>)/;

/** Takes an origin-id away. What somebody has put into one stays, and is in one of no meaning, so that each tag is ended. */
function withoutOriginId(tag: string): string {
  return tag.endsWith('/>') || tag.endsWith('</origin-id>') ? '' : tag.replaceAll(NS.sid, NS.own);
}

/**
 * A message's children as they go out.
 *
 * @param key its record's
 * @param target the key of the earlier message that it corrects or retracts, if it does
 */
export function wireInner(inner: string, key: string, target: string | undefined): string {
  let out = inner;
  // Clients that go by the origin-id (XEP-0359) would take it for the earlier one.
  if (isMarked(key)) out = out.replace(ORIGIN_ID, withoutOriginId);
  if (target !== undefined && isMarked(target)) {
    out = out.replace(
      OWN_REFERENCE,
      (_, before: string, id: string, after: string) => before + id + target.slice(KEY_LENGTH) + after,
    );
  }
  return out;
}
