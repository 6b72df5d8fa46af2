import type { SubscriptionState } from '../../../xmpp/stanza/subscription.ts';

/** Standings of subscriptions as the scripts write them; their order is that of a step's list of next standings. */
export const STANDING: Readonly<Record<string, SubscriptionState>> = {
  n: 'none',
  a: 'asked',
  o: 'askedLongAgo',
  s: 'subscribed',
  q: 'probed',
};

export const NEXT_STANDING = { none: 'n', asked: 'p', subscribed: 's', probed: 'q' } as const;
