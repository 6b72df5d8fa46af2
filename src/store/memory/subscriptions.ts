import { ASK_AGAIN_AFTER, type SubscriptionState, transitionOf } from '../../xmpp/stanza/subscription.ts';
import type { RequestOf } from '../contract.ts';
import { advanceAll } from './evidence.ts';
import { ALL_UNHEARD, NOT_ARRIVED } from './out.ts';
import { sessionName } from './presence-state.ts';
import type { MemoryState, MemoryTimes } from './state.ts';

/** How long a server may take to answer a probe, ms. */
export const PROBED_FOR = 60_000;

function standingOf(
  { presence }: MemoryState,
  { contact, subscriber, now }: RequestOf<'subscriptionStep'>,
): SubscriptionState {
  const standing = presence.subscriptions.get(contact)?.get(subscriber);
  if (standing === 'subscribed') return 'subscribed';
  if (standing !== undefined) return now - standing < ASK_AGAIN_AFTER ? 'asked' : 'askedLongAgo';
  return presence.probed.get(sessionName(contact, subscriber)) === 'subscriber' ? 'probed' : 'none';
}

/** Takes a step of a subscription (RFC 6121 section 3); gives the state before it. */
export function subscriptionStep(
  state: MemoryState,
  request: RequestOf<'subscriptionStep'>,
  times: MemoryTimes,
): SubscriptionState {
  const { presence } = state;
  const { type, contact, subscriber, now, token } = request;
  const done = presence.doneBy(token);
  if (done !== undefined) return done as SubscriptionState;
  const before = standingOf(state, request);
  const { next } = transitionOf(type, before);
  if (next === undefined) return before;
  const probed = sessionName(contact, subscriber);
  if (next === 'probed') presence.probed.set(probed, 'subscriber', PROBED_FOR);
  else {
    presence.probed.delete(probed);
    if (next === 'none') dropSubscription(state, contact, subscriber, times);
    else presence.putSubscription(contact, subscriber, next === 'asked' ? now : next);
  }
  presence.noteDone(token, before);
  return before;
}

export function withdrawSubscription(
  state: MemoryState,
  { contact, subscriber, asked }: RequestOf<'withdrawSubscription'>,
  times: MemoryTimes,
): undefined {
  const isIt = state.presence.subscriptions.get(contact)?.get(subscriber) === asked;
  if (isIt) dropSubscription(state, contact, subscriber, times);
}

/** Of whom nobody is told any more, nothing is known: what waited for his presence is the clock's from now on. */
export function dropSubscription(state: MemoryState, contact: string, subscriber: string, times: MemoryTimes): void {
  const { presence } = state;
  const all = presence.subscriptions.get(contact);
  all?.delete(subscriber);
  for (const resource of presence.resources(contact)) {
    presence.hidden.get(sessionName(contact, resource))?.delete(subscriber);
  }
  if (all?.size === 0) presence.subscriptions.delete(contact);
  if (presence.subscribers(contact).length > 0 || !presence.forgetSessions(contact)) return;
  const hows = state.confirms.get(contact) === 'anybody' ? ALL_UNHEARD : NOT_ARRIVED;
  advanceAll(state, contact, hows, times.now + times.firstStep, times);
}
