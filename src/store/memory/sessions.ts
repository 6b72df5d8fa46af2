import type { RequestOf, Seen } from '../contract.ts';
import { isHidden } from './evidence.ts';
import { HIDDEN_FOR, type Session, sessionName, withPriority } from './presence-state.ts';
import type { MemoryState, MemoryTimes } from './state.ts';
import { PROBED_FOR } from './subscriptions.ts';

/** Heard of within so long, the word is the same that each subscriber is sent, ms. */
const SAME_WORD = 1000;
/** Whoever was to find out whether a session returns receipts may be gone after so long, ms. */
const ASKED_IN_VAIN = 60_000;

const NOTHING: Seen = { what: 'none', asks: false, probe: false, verify: false, ended: [] };

/** Presence of a user that came to a subscriber. See `presence.record_presence` in scripts/include/sessions.lua. */
export function recordPresence(state: MemoryState, request: RequestOf<'recordPresence'>, times: MemoryTimes): Seen {
  const { user, subscriber, resource, available, now, priority, token } = request;
  const { presence } = state;
  const seen = gets(state, request);
  if (!seen.isSubscribed) return { ...NOTHING, verify: seen.verify };
  presence.setKnown(user, true);
  const flags = { ...NOTHING, probe: seen.probe };
  if (!available)
    return { ...flags, ...(resource === '' ? endAll(state, user, times) : saysGoodbye(state, request, times)) };
  if (resource === '') return flags;
  const before = presence.session(user, resource);
  if (before === undefined) {
    const begun: Session = { since: now, receipts: 'u', heard: now, caps: request.caps, low: [] };
    presence.setSession(user, resource, withPriority(begun, priority < 0, now).session);
    presence.noteDone(token, 'began');
    return { ...flags, what: 'began', asks: true };
  }
  presence.hidden.get(sessionName(user, resource))?.delete(subscriber);
  return { ...flags, ...update(state, request, before, times) };
}

/** Presence of a session that is known. */
function update(
  { presence }: MemoryState,
  { user, resource, now, caps, token, priority }: RequestOf<'recordPresence'>,
  before: Session,
  times: MemoryTimes,
): Pick<Seen, 'what' | 'asks'> {
  const { session, raised } = withPriority(before, priority < 0, now);
  if (priority < 0 && session !== before) presence.noteEnd(user, times.now);
  if (raised) presence.noteDone(token, 'began');
  const done = before.since === now || before.heard === now ? presence.doneBy(token) : undefined;
  // It may have been another meanwhile: nobody could hear of it.
  const returned = done === 'returned' || before.heard === 0;
  if (returned) presence.noteDone(token, 'returned');
  const began = done === 'began' || raised;
  const isNews = now - before.heard > SAME_WORD;
  const what = began ? 'began' : returned ? 'returned' : isNews ? 'updated' : 'none';
  // Without any they are those of before: a server may leave out what is unchanged (XEP-0115 section 8.4).
  const isOther = caps !== '' && caps !== before.caps;
  const receipts = isOther ? 'u' : before.receipts;
  const asks = isOther || done === 'began' || (receipts === 'u' && now - before.heard > ASKED_IN_VAIN);
  presence.setSession(user, resource, { ...session, receipts, heard: now, caps: isOther ? caps : before.caps });
  return { what, asks };
}

/**
 * Whether a subscriber gets the presence of a user that came to him; and whether his server is to be asked. An answer to a probe
 * goes to the very resource that asked, as nothing else does that a server sends by itself.
 */
function gets(
  { presence }: MemoryState,
  { user, subscriber, own, direct, available, resource }: RequestOf<'recordPresence'>,
): { readonly isSubscribed: boolean; readonly probe: boolean; readonly verify: boolean } {
  const no = { isSubscribed: false, probe: false, verify: false };
  const yes = { ...no, isSubscribed: true };
  const standing = presence.subscriptions.get(user)?.get(subscriber);
  if (standing === 'subscribed') return yes;
  if (own !== '') {
    if (!presence.isSubscribed(own, user)) return no;
    presence.putSubscription(user, own, 'subscribed');
    return { ...yes, probe: true };
  }
  const name = sessionName(user, subscriber);
  const isProbed = presence.probed.has(name);
  if (isProbed && direct) {
    presence.probed.delete(name);
    presence.putSubscription(user, subscriber, 'subscribed');
    return yes;
  }
  // Broadcast, perhaps, to one who was a subscriber before the store was emptied; or meant for him alone, who is none.
  if (isProbed || standing !== undefined || !available || resource === '') return no;
  presence.probed.set(name, 'us', PROBED_FOR);
  return { ...no, verify: true };
}

/** "He is offline", whoever hears it. */
function endAll({ presence }: MemoryState, user: string, { now }: MemoryTimes): Pick<Seen, 'what' | 'ended'> {
  const ended = presence.resources(user);
  for (const one of ended) presence.endSession(user, one, now);
  return { what: ended.length === 0 ? 'none' : 'ended', ended };
}

/**
 * A session says to one subscriber that it is unavailable. It has ended when it has said so to all of them; until then that may
 * have been meant for this one alone (RFC 6121 section 4.6.4).
 */
function saysGoodbye(
  { presence }: MemoryState,
  { user, resource, subscriber }: RequestOf<'recordPresence'>,
  { now }: MemoryTimes,
): Pick<Seen, 'what' | 'ended'> {
  if (presence.session(user, resource) === undefined) return { what: 'none', ended: [] };
  const subscribers = presence.subscriptions.get(user)?.size ?? 0;
  if (subscribers > 1) {
    const hiddenFrom = new Set(presence.hidden.get(sessionName(user, resource))).add(subscriber);
    presence.hidden.set(sessionName(user, resource), hiddenFrom, HIDDEN_FOR);
    if (hiddenFrom.size < subscribers) return { what: 'left', ended: [] };
  }
  presence.endSession(user, resource, now);
  return { what: 'ended', ended: [resource] };
}

/** Who was not told of a session that said to some that it is unavailable. */
export function whoStillSees(
  { presence }: MemoryState,
  { user, resource }: RequestOf<'whoStillSees'>,
  { now }: MemoryTimes,
): string | 'ended' | undefined {
  const session = presence.session(user, resource);
  const hiddenFrom = presence.hidden.get(sessionName(user, resource));
  if (session === undefined || hiddenFrom === undefined || hiddenFrom.size === 0) return undefined;
  const one = presence.subscribers(user).find((subscriber) => !hiddenFrom.has(subscriber));
  if (one === undefined) presence.endSession(user, resource, now);
  // It is to be heard of again.
  else if (session.heard !== 0) presence.setSession(user, resource, { ...session, heard: 1 });
  return one ?? 'ended';
}

/** Somebody logs in on a resource that has a session: it is another one from now on. */
export function renewSession(
  { presence }: MemoryState,
  { user, resource, before, now, token }: RequestOf<'renewSession'>,
  times: MemoryTimes,
): boolean {
  const session = presence.session(user, resource);
  if (session === undefined) return false;
  if (session.since === now) return presence.doneBy(token) === 'renewed';
  if (session.since > before) return false;
  presence.setSession(user, resource, { ...session, since: now });
  presence.noteEnd(user, times.now);
  presence.hidden.delete(sessionName(user, resource));
  presence.noteDone(token, 'renewed');
  return true;
}

export function isAvailable(state: MemoryState, { user, subscriber }: RequestOf<'isAvailable'>): boolean {
  const { presence } = state;
  const isShown = presence.isSubscribed(user, subscriber) && !isHidden(state, user, subscriber);
  return isShown && presence.of(user).presence === 'online';
}
