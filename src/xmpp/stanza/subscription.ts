/**
 * State of a subscriber's subscription to a user. `asked`: the user has been asked and has not answered;
 * `askedLongAgo`: so long ago that he may be asked again; `probed`: none, and the user's server was asked within the last
 * minute whether it is so.
 */
export type SubscriptionState = 'none' | 'asked' | 'askedLongAgo' | 'subscribed' | 'probed';

/** The presence stanzas that need a subscription, ask for one, or change it. */
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'probe';

/** What to do with such a stanza. */
export interface Step {
  /** The state after it; undefined leaves it unchanged. */
  readonly next?: 'none' | 'asked' | 'subscribed' | 'probed';
  /** `relay` it to the other user, `answer` it with "subscribed" in the other user's name, or `ignore` it. */
  readonly act: 'relay' | 'answer' | 'ignore';
}

/**
 * How long a request is not put to a user again, ms: servers send an open one again at each login of who asked, and the
 * other's own server keeps it for him (RFC 6121 section 3.1.3).
 */
export const ASK_AGAIN_AFTER = 24 * 3600 * 1000;

const IGNORE: Step = { act: 'ignore' };
const RELAY: Step = { act: 'relay' };
const END: Step = { next: 'none', act: 'relay' };
const ASK: Step = { next: 'asked', act: 'relay' };
const GRANT: Step = { next: 'subscribed', act: 'relay' };
const PROBE: Step = { next: 'probed', act: 'relay' };

/**
 * RFC 6121 section 3 and appendix A, as seen from between the two users' servers, which keep the rosters. The subscriber
 * sends `subscribe`, `unsubscribe` and `probe`, the contact `subscribed` and `unsubscribed`.
 */
const STEPS: Readonly<Record<SubscriptionType, Readonly<Record<SubscriptionState, Step>>>> = {
  subscribe: {
    none: ASK,
    asked: IGNORE,
    askedLongAgo: ASK,
    // Section 3.1.3: who has agreed is not asked again.
    subscribed: { act: 'answer' },
    probed: ASK,
  },
  // Also without a known request: the contact's server believes in one, and the requester's server ignores an approval that
  // it did not ask for (section 3.1.6).
  subscribed: { none: GRANT, asked: GRANT, askedLongAgo: GRANT, subscribed: RELAY, probed: GRANT },
  unsubscribe: { none: IGNORE, asked: END, askedLongAgo: END, subscribed: END, probed: IGNORE },
  unsubscribed: { none: IGNORE, asked: END, askedLongAgo: END, subscribed: END, probed: END },
  // A server probes for whom it has down as a subscriber, be it that an administrator wrote the rosters or that Redis has
  // forgotten. But so may any client, of anybody: it is the contact's server that says whether it is so (section
  // 4.3.2), by an answer with presence, or by "unsubscribed".
  probe: { none: PROBE, asked: PROBE, askedLongAgo: PROBE, subscribed: RELAY, probed: PROBE },
};

/** What a stanza of this type does in this state. Pure. */
export function transitionOf(type: SubscriptionType, standing: SubscriptionState): Step {
  return STEPS[type][standing];
}

export function isSubscriptionType(type: string): type is SubscriptionType {
  return Object.hasOwn(STEPS, type);
}

/** Whether it is the contact who sends such a stanza, and not the subscriber. */
export function isSentByContact(type: SubscriptionType): boolean {
  return type === 'subscribed' || type === 'unsubscribed';
}
