// Requests for a subscription while Redis does not take them: with a store that only notes what it is asked.

import type { Address } from '../../src/addressing/address-policy.ts';
import { ComponentContact } from '../../src/presence/component-contact.ts';
import { KeptRequests } from '../../src/presence/kept-requests.ts';
import { SubscriptionRelay } from '../../src/presence/subscription-relay.ts';
import type { SubscriptionState, SubscriptionType } from '../../src/xmpp/stanza/subscription.ts';

const DOMAIN = 'receipts.s';

interface Pushed {
  readonly request: { readonly type: string; readonly subscriber: string };
  readonly done: (before: SubscriptionState) => void;
  readonly refuse?: () => void;
}

const user = (name: string) => ({ inner: `${name}@s`, bare: `${name}@s`, full: `${name}@s`, resource: '' }) as Address;
const proxied = (name: string) =>
  ({ inner: `${name}@s`, bare: `${name}@${DOMAIN}`, full: `${name}@${DOMAIN}`, resource: '' }) as Address;

let pushed: Pushed[];
let sent: string[];
let refused: string[];
let kept: KeptRequests;
let relay: SubscriptionRelay;
let own: ComponentContact;

beforeEach(() => {
  pushed = [];
  sent = [];
  refused = [];
  kept = new KeptRequests();
  const options = {
    kept,
    addresses: { seenAs: ({ inner }: Address) => inner.replace('@s', `@${DOMAIN}`) },
    pipeline: { push: (work: Pushed) => pushed.push(work) },
    link: { send: (xml: unknown) => sent.push(String(xml)) },
    ids: { next: () => 'i' },
    clock: { now: () => 1 },
    refuser: {
      refuse: ({ attrs }: { attrs: { to: string } }, { condition }: { condition: string }) =>
        refused.push(`${condition} ${attrs.to}`),
      drop: () => refused.push('dropped'),
    },
    counts: { presencesRelayed: 0, presenceReplies: 0 },
    domain: DOMAIN,
  };
  relay = new SubscriptionRelay(options as never);
  own = new ComponentContact(options as never);
});

const NOTHING = { id: undefined, inner: '', otherAttributes: '' };
const alice = (type: SubscriptionType, to = 'bob', inner = '') =>
  relay.take(type, user('alice'), proxied(to), { ...NOTHING, inner });
/** What waits for Redis is refused, as far as it may be. */
const redisFails = () => {
  for (const { refuse } of pushed.splice(0)) refuse?.();
};
const redisTakes = (before: SubscriptionState = 'none') => {
  for (const { done } of pushed.splice(0)) done(before);
};

test('one that Redis did not take is made again when it works, as often as that takes, and its user is told nothing', () => {
  alice('subscribe');
  redisFails();
  expect(pushed).toEqual([]);
  for (let i = 0; i < 3; i += 1) {
    kept.makeAgain();
    expect(pushed).toHaveLength(1);
    redisFails();
  }
  kept.makeAgain();
  redisTakes();
  expect(sent).toEqual([`<presence from="alice@${DOMAIN}" to="bob@s" type="subscribe"/>`]);
  kept.makeAgain();
  expect([pushed, refused]).toEqual([[], []]);
});

test('one for the component’s own presence likewise', () => {
  own.take('subscribe', user('alice'));
  redisFails();
  kept.makeAgain();
  redisTakes();
  expect(sent).toEqual([
    `<presence from="${DOMAIN}" to="alice@s" type="subscribed" id="i"/>`,
    `<presence from="${DOMAIN}" to="alice@s" type="unavailable" id="i"/>`,
  ]);
  own.take('subscribe', user('alice'));
  redisFails();
  own.take('unsubscribe', user('alice'));
  redisTakes('none');
  kept.makeAgain();
  expect(pushed).toEqual([]);
});

test.each(['before it was refused', 'after it'])('one that its user takes back %s is not made again', (when) => {
  alice('subscribe');
  if (when === 'after it') redisFails();
  alice('unsubscribe');
  const [first] = pushed;
  if (when !== 'after it') first?.refuse?.();
  pushed.length = 0;
  kept.makeAgain();
  expect(pushed).toEqual([]);
});

test('one that he makes again himself is made once', () => {
  alice('subscribe');
  redisFails();
  alice('subscribe');
  kept.makeAgain();
  expect(pushed).toHaveLength(1);
  redisFails();
  alice('subscribe', 'carol');
  redisFails();
  kept.makeAgain();
  expect(pushed.map(({ request }) => request.type)).toEqual(['subscribe', 'subscribe']);
});

test('it is refused where there are too many of one user’s, or it is long; and when the process ends', () => {
  const names = Array.from({ length: 51 }, (_, i) => `c${i}`);
  for (const name of names) alice('subscribe', name);
  redisFails();
  expect(refused).toEqual([`resource-constraint c50@${DOMAIN}`]);
  relay.take('subscribe', user('dave'), proxied('bob'), {
    ...NOTHING,
    inner: `<status>${'x'.repeat(10_000)}</status>`,
  });
  redisFails();
  expect(refused.splice(0)).toEqual([`resource-constraint c50@${DOMAIN}`, `resource-constraint bob@${DOMAIN}`]);
  // There is room again for another.
  alice('unsubscribe', 'c0');
  alice('subscribe', 'c50');
  redisFails();
  expect(refused).toEqual([]);
  kept.giveUp();
  expect(refused).toEqual(names.slice(1).map((name) => `resource-constraint ${name}@${DOMAIN}`));
});

test('what is with Redis when the process ends, and is not taken, is refused: nobody makes it again', () => {
  alice('subscribe');
  kept.giveUp();
  expect(refused).toEqual([]);
  redisFails();
  expect(refused).toEqual([`resource-constraint bob@${DOMAIN}`]);
});
