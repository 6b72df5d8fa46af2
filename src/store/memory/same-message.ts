import { hash } from 'node:crypto';
import type { RequestOf } from '../contract.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

/** How long its sender may be in doubt about a message whose id he counts, ms. */
const IN_DOUBT = 300_000;
/** How long word of an end is on its way to him, and what comes from him was written before it reached him, ms. */
const ON_ITS_WAY = 2000;
const CROSSES = 300;

/** Whether the same words under a counted id are the message that is known already. docs/guarantees.md has this as a table. */
function isResend(
  state: MemoryState,
  { record }: Entry,
  { message }: RequestOf<'accept'>,
  { now }: MemoryTimes,
): boolean {
  if (now - record.storedAt > IN_DOUBT) return false;
  const { presence, sessions } = state.presence.of(record.sender, true);
  const session = presence === 'online' ? sessions.get(message.senderResource) : undefined;
  const isLaterLogin = session !== undefined && session.since > record.storedAt;
  const before = record.senderResource;
  // Another resource is another client, unless the session that it came from is known to have ended before this one began.
  if (message.senderResource !== before && !(isLaterLogin && !sessions.has(before))) return false;
  if (record.state === 'pending') return true;
  if (session !== undefined && !isLaterLogin) return true;
  const ended = now - (record.settledAt ?? 0);
  if (ended < ON_ITS_WAY) return session === undefined && ended < CROSSES;
  return state.due.has(state.dueName(record));
}

/** The key of a message that is another one than those that its sender gave the same id, by the attempt that stores it. */
const markedKey = ({ key, token }: RequestOf<'accept'>) => `${key}~${hash('sha1', token, 'hex').slice(0, 16)}`;

/** What is known of this very message: our own record, or the newest of its id when that says the same. */
export function knownAs(
  state: MemoryState,
  request: RequestOf<'accept'>,
  times: MemoryTimes,
): { readonly own?: Entry; readonly same?: Entry; readonly deliveredAs?: string } {
  const { key, digest, token, countable } = request;
  const { delivered } = state;
  const beginning = state.entries.has(key) ? undefined : delivered.digestOf(key, times);
  // While others of its id are known, the first is.
  if (!state.entries.has(key) && beginning === undefined) return {};
  const withDigest = `${key}-${digest}`;
  for (const name of [key, withDigest, markedKey(request)]) {
    const entry = state.entries.get(name);
    if (entry?.tokens[0] === token) return { own: entry };
  }
  const newest = state.newest(key);
  if (newest?.digest === digest && (!countable || isResend(state, newest, request, times))) return { same: newest };
  if (countable) return {};
  if (newest === undefined && delivered.isOf(beginning, digest)) return { deliveredAs: key };
  return delivered.isOf(delivered.digestOf(withDigest, times), digest) ? { deliveredAs: withDigest } : {};
}

/**
 * Under which key a message is stored whose own is taken. Under an id that nobody counts it is another version of the same
 * one, and goes by that id, unless an earlier one said the same: nobody could tell it from that.
 */
export function freeKey(state: MemoryState, request: RequestOf<'accept'>, times: MemoryTimes): string {
  const { key, digest, countable } = request;
  const withDigest = `${key}-${digest}`;
  const first = state.entries.get(key);
  const saidFirst =
    first === undefined ? state.delivered.isOf(state.delivered.digestOf(key, times), digest) : first.digest === digest;
  const isVersion = state.newest(key)?.digest !== digest && !saidFirst;
  return !countable && isVersion && !state.entries.has(withDigest) ? withDigest : markedKey(request);
}
