import type { SubscriptionState, SubscriptionType } from '../../xmpp/stanza/subscription.ts';

// What ends or corrects a presence must not be refused at the memory limit: none of these counts as growing.

/** Takes a step of a subscription (RFC 6121 section 3); gives the standing before it. Idempotent by its token. */
export interface SubscriptionStep {
  readonly kind: 'subscriptionStep';
  readonly type: SubscriptionType;
  /** Bare JIDs, or the component's domain. */
  readonly contact: string;
  readonly subscriber: string;
  /** ms. */
  readonly now: number;
  /** Names the stanza, so that a call whose reply was lost says the same when it is made again. */
  readonly token: string;
}

export const subscriptionStep = (
  type: SubscriptionType,
  contact: string,
  subscriber: string,
  now: number,
  token: string,
): SubscriptionStep => ({
  kind: 'subscriptionStep',
  type,
  contact,
  subscriber,
  now,
  token,
});

/** Takes back a subscription request of that time (ms) whose sender was told that it could not be stored. Idempotent. */
export interface WithdrawSubscription {
  readonly kind: 'withdrawSubscription';
  readonly contact: string;
  readonly subscriber: string;
  readonly asked: number;
}

export const withdrawSubscription = (contact: string, subscriber: string, asked: number): WithdrawSubscription => ({
  kind: 'withdrawSubscription',
  contact,
  subscriber,
  asked,
});

/** Gives those who get a user's presence. */
export interface SubscribersOf {
  readonly kind: 'subscribersOf';
  readonly user: string;
}

export const subscribersOf = (user: string): SubscribersOf => ({ kind: 'subscribersOf', user });

export type SubscriptionRequest = SubscriptionStep | WithdrawSubscription | SubscribersOf;

export interface SubscriptionReplies {
  subscriptionStep: SubscriptionState;
  withdrawSubscription: undefined;
  subscribersOf: readonly string[];
}
