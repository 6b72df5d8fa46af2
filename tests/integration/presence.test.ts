import { heartbeat, subscriptionStep } from '../../src/store/contract.ts';
import {
  ASK_AGAIN_AFTER,
  type SubscriptionState,
  type SubscriptionType,
  transitionOf,
} from '../../src/xmpp/stanza/subscription.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, BOB } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;
let events: string[];
let looks: string[];
let answer: 'y' | 'n' | 'u';

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  events = [];
  looks = [];
  answer = 'y';
  room = openDeliveryStage(server.url, {
    presence: {
      observer: {
        began: (user, resource) => events.push(`${user} began ${resource}`),
        updated: (user) => events.push(`${user} updated`),
        ended: (user, resource) => events.push(`${user} ended ${resource}`),
      },
      receiptsOf: async (jid, caps) => {
        looks.push(`${jid} ${caps?.ver ?? '-'}`);
        return answer;
      },
    },
  });
});
afterEach(() => room.close());

const COMPONENT = 'receipts.example.org';
const CAROL = 'carol@example.org';
const ALICE_PROXIED = `alice@${COMPONENT}`;
const BOB_PROXIED = `bob@${COMPONENT}`;
const CAPS = (ver: string) => `<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="n" ver="${ver}"/>`;

const presence = (from: string, to: string, type = '', inner = '') =>
  `<presence from="${from}" to="${to}"${type && ` type="${type}"`}${inner ? `>${inner}</presence>` : '/>'}`;
const aliceTells = (type: string, inner = '') => presence(ALICE, BOB_PROXIED, type, inner);
const bobTells = (type: string, inner = '') => presence(BOB, ALICE_PROXIED, type, inner);
/** Of one of bob's sessions. */
const desk = (type = '', inner = '', resource = 'desk') => presence(`${BOB}/${resource}`, ALICE_PROXIED, type, inner);
const standing = (contact: string, subscriber: string) =>
  room.redis.hget(room.ledger.keys.subscriptions(contact), subscriber);
const sessions = async (user: string) => {
  const all = await room.redis.hgetall(room.ledger.keys.sessions(user));
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value.replace(/\d{13}/g, 'T')]));
};
/** Alice becomes a subscriber of bob. */
const subscribed = async () => {
  await room.given(aliceTells('subscribe'), bobTells('subscribed'));
};

describe('subscriptions', () => {
  test('a request is put to the other user, with its nickname and words, and granted', async () => {
    const words = '<status>Hi</status><nick xmlns="http://jabber.org/protocol/nick">Ally</nick>';
    expect(await room.given(aliceTells('subscribe', words))).toEqual([
      presence(ALICE_PROXIED, BOB, 'subscribe', words),
    ]);
    expect(await standing(BOB, ALICE)).toMatch(/^p\d{13}$/);
    expect(await room.given(bobTells('subscribed'))).toEqual([presence(BOB_PROXIED, ALICE, 'subscribed')]);
    expect(await standing(BOB, ALICE)).toBe('s');
    expect(await room.redis.smembers(room.ledger.keys.contacts)).toEqual([BOB]);
    expect(room.counts).toMatchObject({ presencesRelayed: 2, presenceReplies: 0 });
  });

  test('nobody is asked twice: not while it is open, and not when it was granted', async () => {
    await room.given(aliceTells('subscribe'));
    expect(await room.given(aliceTells('subscribe'), aliceTells('subscribe'))).toEqual([]);
    await room.given(bobTells('subscribed'));
    expect(await room.given(aliceTells('subscribe'))).toEqual([
      `<presence from="${BOB_PROXIED}" to="${ALICE}" type="subscribed" id="…"/>`,
    ]);
    expect(room.counts.presenceReplies).toBe(1);
  });

  test('after a day without an answer he is asked again', async () => {
    await room.given(aliceTells('subscribe'));
    const name = room.ledger.keys.subscriptions(BOB);
    await room.redis.hset(name, ALICE, `p${Date.now() - ASK_AGAIN_AFTER - 1000}`);
    expect(await room.given(aliceTells('subscribe'))).toEqual([presence(ALICE_PROXIED, BOB, 'subscribe')]);
    expect(await room.given(aliceTells('subscribe'))).toEqual([]);
  });

  test.each([
    ['denied', () => bobTells('unsubscribed'), presence(BOB_PROXIED, ALICE, 'unsubscribed')],
    ['given up', () => aliceTells('unsubscribe'), presence(ALICE_PROXIED, BOB, 'unsubscribe')],
  ])('%s: it goes on once, and the way is free for another request', async (_, stanza, relayed) => {
    await room.given(aliceTells('subscribe'));
    expect(await room.given(stanza())).toEqual([relayed]);
    expect(await room.given(stanza())).toEqual([]);
    expect(await standing(BOB, ALICE)).toBeNull();
    expect(await room.redis.smembers(room.ledger.keys.contacts)).toEqual([]);
    expect(await room.given(aliceTells('subscribe'))).toEqual([presence(ALICE_PROXIED, BOB, 'subscribe')]);
  });

  test('cancelled by who gave it: once, and what was known of his sessions is forgotten', async () => {
    await subscribed();
    await room.given(desk());
    expect(await sessions(BOB)).not.toEqual({});
    expect(await room.given(bobTells('unsubscribed'), bobTells('unsubscribed'))).toEqual([
      presence(BOB_PROXIED, ALICE, 'unsubscribed'),
    ]);
    expect(await sessions(BOB)).toEqual({});
  });

  test('both directions are apart', async () => {
    await subscribed();
    await room.given(bobTells('subscribe'), aliceTells('subscribed'));
    await room.given(aliceTells('unsubscribe'));
    expect([await standing(BOB, ALICE), await standing(ALICE, BOB)]).toEqual([null, 's']);
  });

  test('a probe goes to who knows: it makes known a subscription that was written into the rosters, or forgotten', async () => {
    const probe = presence(`${ALICE}/phone`, BOB_PROXIED, 'probe');
    expect(await room.given(probe)).toEqual([presence(`${ALICE_PROXIED}/phone`, BOB, 'probe')]);
    await room.given(presence(`${BOB}/desk`, `${ALICE_PROXIED}/phone`));
    expect(await sessions(BOB)).toEqual({ '': 'T', desk: 'T;u;T;' });
    expect(await room.given(aliceTells('subscribe'))).toEqual([
      `<presence from="${BOB_PROXIED}" to="${ALICE}" type="subscribed" id="…"/>`,
    ]);
  });

  test('a probe of whom nobody has let in: his server’s word goes back, and nothing is left', async () => {
    await room.given(presence(`${ALICE}/phone`, BOB_PROXIED, 'probe'));
    expect(await room.given(bobTells('unsubscribed'))).toEqual([presence(BOB_PROXIED, ALICE, 'unsubscribed')]);
    expect(await standing(BOB, ALICE)).toBeNull();
  });

  test.each(['forbidden', 'not-authorized'])(
    'Openfire 4.2 says %s where others say unsubscribed',
    async (condition) => {
      const error = `<error type="auth"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`;
      await subscribed();
      expect(await room.given(bobTells('error', error))).toEqual([presence(BOB_PROXIED, ALICE, 'unsubscribed')]);
      expect(await standing(BOB, ALICE)).toBeNull();
      // Where it ends nothing it goes on as it is.
      expect(await room.given(bobTells('error', error))).toEqual([presence(BOB_PROXIED, ALICE, 'error', error)]);
    },
  );

  const STANDINGS: Record<SubscriptionState, string | undefined> = {
    none: undefined,
    asked: `p${Date.now()}`,
    askedLongAgo: `p${Date.now() - 2 * ASK_AGAIN_AFTER}`,
    subscribed: 's',
    probed: undefined,
  };
  const types: SubscriptionType[] = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'];
  const cells = types.flatMap((type) => Object.keys(STANDINGS).map((it) => [type, it as SubscriptionState] as const));

  test.each(cells)(
    'in Redis, %s at %s does as the table says, also when the call is made twice',
    async (type, before) => {
      const value = STANDINGS[before];
      if (value !== undefined) await room.redis.hset(room.ledger.keys.subscriptions(BOB), ALICE, value);
      if (before === 'probed') await room.redis.set(room.ledger.keys.probed(BOB, ALICE), 'p');
      const operation = subscriptionStep(type, BOB, ALICE, Date.now(), 'token');
      const standings = [await room.ledger.perform(operation), await room.ledger.perform(operation)];
      const { next } = transitionOf(type, before);
      expect(standings).toEqual([before, before]);
      const after = await standing(BOB, ALICE);
      if (next === undefined || next === 'probed') expect(after).toBe(value ?? null);
      else expect(after).toEqual({ none: null, asked: expect.stringMatching(/^p\d+$/), subscribed: 's' }[next]);
    },
  );
});

describe('presence', () => {
  const RICH = `<show>dnd</show><status>Busy</status><priority>5</priority>${CAPS('v1')}<x xmlns="vcard-temp:x:update"><photo>ab</photo></x><idle xmlns="urn:xmpp:idle:1" since="2026-01-01T00:00:00Z"/>`;

  test('goes on as it is, each resource by itself, to everybody or one session', async () => {
    await subscribed();
    const directed = presence(`${BOB}/desk`, `${ALICE_PROXIED}/phone`, '', RICH);
    expect(await room.given(desk('', RICH), desk('unavailable', '<status>Bye</status>', 'phone'), directed)).toEqual([
      presence(`${BOB_PROXIED}/desk`, ALICE, '', RICH),
      presence(`${BOB_PROXIED}/phone`, ALICE, 'unavailable', '<status>Bye</status>'),
      presence(`${BOB_PROXIED}/desk`, `${ALICE}/phone`, '', RICH),
    ]);
    expect(room.counts.presencesRelayed).toBe(5);
  });

  test('of whom nobody watches nothing is noted', async () => {
    await room.given(desk());
    expect(await sessions(BOB)).toEqual({});
    expect(events).toEqual([]);
  });

  test('a session begins, goes on and ends; then he is known to be offline', async () => {
    await subscribed();
    await room.given(desk('', RICH));
    expect(await sessions(BOB)).toEqual({ '': 'T', desk: 'T;u;T;sha-1:v1' });
    await room.given(desk('', '<show>away</show>'), desk('', '', 'phone'));
    await room.given(desk('unavailable'));
    expect(Object.keys(await sessions(BOB)).sort()).toEqual(['', 'phone']);
    await room.given(presence(BOB, ALICE_PROXIED, 'unavailable'));
    expect(await sessions(BOB)).toEqual({ '': 'eT' });
    expect(events).toEqual([`${BOB} began desk`, `${BOB} began phone`, `${BOB} ended desk`, `${BOB} ended phone`]);
  });

  test('a later change is told of once, however many watch', async () => {
    await subscribed();
    await room.given(
      presence('carol@example.org', BOB_PROXIED, 'subscribe'),
      presence(BOB, `carol@${COMPONENT}`, 'subscribed'),
    );
    await room.given(desk());
    const value = (await room.redis.hget(room.ledger.keys.sessions(BOB), 'desk')) as string;
    const earlier = Date.now() - 2000;
    await room.redis.hset(room.ledger.keys.sessions(BOB), 'desk', value.replaceAll(/\d{13}/g, `${earlier}`));
    await room.given(
      desk('', '<show>away</show>'),
      presence(`${BOB}/desk`, `carol@${COMPONENT}`, '', '<show>away</show>'),
    );
    expect(events).toEqual([`${BOB} began desk`, `${BOB} updated`]);
    expect(await room.redis.hget(room.ledger.keys.sessions(BOB), 'desk')).toMatch(new RegExp(`^${earlier};u;`));
  });

  test('what a client can do is looked at when it is new, and noted', async () => {
    await subscribed();
    await room.given(desk('', CAPS('v1')));
    await room.receipts.pipeline.drained();
    expect(await sessions(BOB)).toMatchObject({ desk: 'T;y;T;sha-1:v1' });
    answer = 'n';
    // The same, left out and changed.
    await room.given(desk('', CAPS('v1')), desk());
    expect(looks).toEqual([`${BOB}/desk v1`]);
    await room.given(desk('', CAPS('v2')));
    await room.receipts.pipeline.drained();
    expect(looks).toEqual([`${BOB}/desk v1`, `${BOB}/desk v2`]);
    expect(await sessions(BOB)).toMatchObject({ desk: 'T;n;T;sha-1:v2' });
  });

  test('a probe from a session that is old says that another has taken its place', async () => {
    await subscribed();
    await room.given(bobTells('subscribe'), aliceTells('subscribed'), desk());
    const login = presence(`${BOB}/desk`, ALICE_PROXIED, 'probe');
    await room.given(login);
    expect(events).toEqual([`${BOB} began desk`]);
    const old = `${Date.now() - 6000};y;${Date.now()};sha-1:v1`;
    await room.redis.hset(room.ledger.keys.sessions(BOB), { '': Date.now() - 6000, desk: old });
    // Servers probe when he is let in as well, for him and not for his session, which is no login.
    await room.given(presence(BOB, ALICE_PROXIED, 'probe'));
    expect(events).toEqual([`${BOB} began desk`]);
    await room.given(login, login);
    expect(events).toEqual([`${BOB} began desk`, `${BOB} ended desk`, `${BOB} began desk`]);
    expect(await sessions(BOB)).toMatchObject({ desk: 'T;y;T;sha-1:v1' });
  });

  test('a shared group changes, so that Openfire probes for each session: it goes on', async () => {
    await subscribed();
    await room.redis.hset(room.ledger.keys.sessions(BOB), { '': Date.now() - 60_000, desk: '1;y;1;sha-1:v1' });
    await room.given(presence(`${BOB}/desk`, ALICE_PROXIED, 'probe'));
    expect(events).toEqual([]);
  });

  describe('the end of a session is told amid the login of the one that took its place', () => {
    const CAROL_PROXIED = `carol@${COMPONENT}`;
    const probe = (from: string) => `<presence from="${from}" to="${BOB}" type="probe" id="…"/>`;
    const toCarol = (type = '') => presence(`${BOB}/desk`, CAROL_PROXIED, type);
    const login = presence(`${BOB}/desk`, ALICE_PROXIED, 'probe');

    beforeEach(async () => {
      await subscribed();
      await room.given(presence(CAROL, BOB_PROXIED, 'subscribe'), presence(BOB, CAROL_PROXIED, 'subscribed'));
      await room.given(bobTells('subscribe'), aliceTells('subscribed'));
      await room.redis.hset(room.ledger.keys.sessions(BOB), {
        '': Date.now() - 60_000,
        desk: `${Date.now() - 60_000};y;1;sha-1:v1`,
      });
    });

    test('to all: each is shown him again, and he is there', async () => {
      const shown = await room.given(desk(), toCarol(), desk('unavailable'), toCarol('unavailable'), login);
      expect(shown.filter((xml) => xml.includes('probe" id'))).toEqual([probe(ALICE_PROXIED), probe(CAROL_PROXIED)]);
      expect(events.at(-1)).toBe(`${BOB} ended desk`);
      expect(await room.given(desk(), toCarol())).toEqual([
        presence(`${BOB_PROXIED}/desk`, ALICE),
        presence(`${BOB_PROXIED}/desk`, CAROL),
      ]);
      expect(events.at(-1)).toBe(`${BOB} began desk`);
    });

    test('to some, before and after: those are shown him again', async () => {
      const told = await room.given(desk('unavailable'), desk(), toCarol(), toCarol('unavailable'), login);
      expect(told.filter((xml) => xml.includes('probe" id'))).toEqual([probe(CAROL_PROXIED)]);
      expect(events).toContain(`${BOB} ended desk`);
      expect(events.at(-1)).toBe(`${BOB} began desk`);
      const late = await room.given(desk('unavailable'));
      expect(late).toEqual([presence(`${BOB_PROXIED}/desk`, ALICE, 'unavailable'), probe(ALICE_PROXIED)]);
    });

    test('who is no subscriber is told nothing', async () => {
      const dave = `dave@${COMPONENT}`;
      const hidden = [presence(`${BOB}/desk`, dave), presence(`${BOB}/desk`, dave, 'unavailable')];
      expect(await room.given(desk(), toCarol(), ...hidden, login)).not.toContain(probe(dave));
    });
  });

  describe('his session began a second ago', () => {
    const CAROL_PROXIED = `carol@${COMPONENT}`;
    const login = presence(`${BOB}/desk`, ALICE_PROXIED, 'probe');
    const carolIsTold = presence(`${BOB}/desk`, CAROL_PROXIED);
    const again = [`${BOB} ended desk`, `${BOB} began desk`];
    const aSecondPasses = async (ms = 1000) => {
      const since = Date.now() - ms;
      await room.redis.hset(room.ledger.keys.sessions(BOB), 'desk', `${since};y;${Date.now()};sha-1:v1`);
      events.length = 0;
    };

    beforeEach(async () => {
      await subscribed();
      await room.given(presence(CAROL, BOB_PROXIED, 'subscribe'), presence(BOB, CAROL_PROXIED, 'subscribed'));
      await room.given(bobTells('subscribe'), aliceTells('subscribed'));
    });

    test('he logs in again, and his server says no end of the one before: it is over, once', async () => {
      await room.given(desk(), carolIsTold, login);
      await aSecondPasses();
      await room.given(desk(), carolIsTold, login, presence(`${BOB}/desk`, CAROL_PROXIED, 'probe'));
      expect(events).toEqual(again);
      await aSecondPasses();
      await room.given(desk(), carolIsTold, presence(`${BOB}/desk`, COMPONENT, 'probe'));
      expect(events).toEqual(again);
    });

    test('the same where nobody was told of his first login: he let alice in afterwards', async () => {
      await room.given(desk());
      await aSecondPasses();
      await room.given(desk(), login);
      expect(events).toEqual(again);
    });

    test('he logs in again, and his server says that the one before has ended: it is over once', async () => {
      await room.given(desk(), carolIsTold, login);
      events.length = 0;
      await room.given(desk('unavailable'), presence(`${BOB}/desk`, CAROL_PROXIED, 'unavailable'));
      await room.given(desk(), carolIsTold, login);
      expect(events).toEqual(again);
    });

    test('another process hears of his logins, too: it may have heard of this one first', async () => {
      await room.receipts.pipeline.perform(heartbeat('other', Date.now(), COMPONENT));
      room.receipts.presence.online();
      await until(() => room.receipts.presence.others === 1, { what: 'word of the other process' });
      await room.given(desk(), login);
      await aSecondPasses(300);
      await room.given(desk(), login);
      expect(events.filter((event) => !event.endsWith('updated'))).toEqual([]);
      await aSecondPasses(1500);
      await room.given(desk(), login);
      // He was probed at the start.
      expect(events.filter((event) => !event.endsWith('updated'))).toEqual(again);
      room.receipts.presence.offline();
    });

    test.each([
      ['what he does changes', [desk(), carolIsTold]],
      ['somebody probes him, and his server answers', [presence(`${BOB}/desk`, `${ALICE_PROXIED}/phone`), login]],
      [
        'alice’s server probes him in her name, and his answers',
        [presence(ALICE, BOB_PROXIED, 'probe'), desk(), login],
      ],
      ['a late part of his login comes', [login]],
      ['he hides from one', [desk('unavailable'), login]],
      [
        'his server probes for him and no session, as when he is let in',
        [desk(), presence(BOB, ALICE_PROXIED, 'probe')],
      ],
    ])('%s: it goes on', async (_, stanzas) => {
      await room.given(desk(), carolIsTold, login);
      await aSecondPasses();
      await room.given(...stanzas);
      expect(events).toEqual([]);
    });
  });
});

describe('what is not to pass', () => {
  const WHY = 'type="error" from="…" to="…"';
  /** What is written, all but a refusal's kind of it left out. */
  const conditions = async (...stanzas: string[]) =>
    (await room.given(...stanzas)).map((xml) => (xml.includes('type="error"') ? WHY : xml));

  test('foreigners may ask for nothing and tell nothing', async () => {
    const foreign = 'eve@elsewhere.org/x';
    expect(
      await conditions(presence(foreign, BOB_PROXIED, 'subscribe'), presence(foreign, BOB_PROXIED, 'probe')),
    ).toEqual([WHY, WHY]);
    expect(room.refused).toEqual(['forbidden', 'forbidden']);
    const others = ['', 'unavailable', 'subscribed', 'unsubscribe', 'unsubscribed', 'error'];
    expect(await room.given(...others.map((type) => presence(foreign, BOB_PROXIED, type)))).toEqual([]);
    expect(room.counts.dropped).toBe(6);
  });

  test.each([
    ['from our own domain', ALICE_PROXIED, BOB_PROXIED],
    ['from the component', COMPONENT, BOB_PROXIED],
    ['from the server', 'example.org', BOB_PROXIED],
    ['to the served domain', ALICE, BOB],
  ])('%s: dropped, so that nothing goes round', async (_, from, to) => {
    const types = ['', 'unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'];
    expect(await room.given(...types.map((type) => presence(from, to, type)))).toEqual([]);
    expect(room.counts.dropped).toBe(types.length);
  });

  test('malformed addresses, unknown types, no addresses', async () => {
    expect(await conditions(presence(ALICE, `a b@${COMPONENT}`, 'subscribe'))).toEqual([WHY]);
    expect(room.refused).toEqual(['jid-malformed']);
    expect(
      await room.given(aliceTells('invisible'), '<presence/>', presence(ALICE, `a b@${COMPONENT}`, 'error')),
    ).toEqual([]);
  });

  test('an error is never answered, and goes to whom it concerns', async () => {
    const error = '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
    expect(await room.given(bobTells('error', error), presence(BOB, COMPONENT, 'error', error))).toEqual([
      presence(BOB_PROXIED, ALICE, 'error', error),
    ]);
    // About a probe of our own nobody else has to know.
    expect(
      await room.given(`<presence from="${BOB}" to="${ALICE_PROXIED}" type="error" id="ofr-1">${error}</presence>`),
    ).toEqual([]);
  });

  test('too large: what asks is refused, what ends something goes on without its words', async () => {
    const words = `<status>${'x'.repeat(10_001)}</status>`;
    const deep = `${'<a xmlns="x">'.repeat(70)}${'</a>'.repeat(70)}`;
    for (const inner of [words, deep]) {
      expect(await conditions(aliceTells('subscribe', inner), desk('', inner))).toEqual([WHY, WHY]);
      expect(await room.given(desk('unavailable', inner))).toEqual([
        presence(`${BOB_PROXIED}/desk`, ALICE, 'unavailable'),
      ]);
    }
    expect(new Set(room.refused)).toEqual(new Set(['policy-violation']));
    const id = 'i'.repeat(20_000);
    expect(await room.given(`<presence from="${ALICE}" to="${BOB_PROXIED}" type="subscribe" id="${id}"/>`)).toEqual([]);
  });

  test('somebody who subscribes to himself is asked himself, once', async () => {
    const self = (type: string) => presence(BOB, BOB_PROXIED, type);
    expect(await room.given(self('subscribe'), self('subscribe'))).toEqual([presence(BOB_PROXIED, BOB, 'subscribe')]);
    expect(await room.given(self('subscribed'))).toEqual([presence(BOB_PROXIED, BOB, 'subscribed')]);
    expect(await room.given(presence(`${BOB}/desk`, BOB_PROXIED))).toEqual([presence(`${BOB_PROXIED}/desk`, BOB)]);
  });
});

describe('the removal of a contact (Openfire)', () => {
  const removal = (item: string, to = BOB_PROXIED, from = `${ALICE}/phone`) =>
    `<iq type="set" id="r-1" from="${from}" to="${to}"><query xmlns="jabber:iq:roster">${item}</query></iq>`;
  const ITEM = `<item jid="${BOB_PROXIED}" subscription="remove"/>`;
  const RESULT = `<iq type="result" from="${BOB_PROXIED}" to="${ALICE}/phone" id="r-1"></iq>`;
  /** The answer to a question, and all that is written beside it. */
  const given = async (iq: string) => {
    const written = await room.given(iq);
    await new Promise((resolve) => setImmediate(resolve));
    return [...written, ...room.written()].sort();
  };

  test('is answered and ends both directions; who was told already is not told again', async () => {
    await subscribed();
    await room.given(bobTells('subscribe'), aliceTells('subscribed'));
    expect(await given(removal(ITEM))).toEqual(
      [RESULT, presence(ALICE_PROXIED, BOB, 'unsubscribe'), presence(ALICE_PROXIED, BOB, 'unsubscribed')].sort(),
    );
    expect([await standing(BOB, ALICE), await standing(ALICE, BOB)]).toEqual([null, null]);
    expect(await given(removal(ITEM))).toEqual([RESULT]);
    expect(await room.given(aliceTells('unsubscribe'), aliceTells('unsubscribed'))).toEqual([]);
  });

  test('nothing else of a roster is ours', async () => {
    for (const item of [
      '',
      ITEM + ITEM,
      `<item jid="x@${COMPONENT}" subscription="remove"/>`,
      `<item jid="${BOB_PROXIED}"/>`,
    ]) {
      expect(await room.answersTo(removal(item))).toContain('type="error"');
    }
    // As for all that who is not served asks for.
    expect(await room.answersTo(removal(ITEM, BOB_PROXIED, 'eve@elsewhere.org'))).toContain('forbidden');
  });
});

describe("the component's own domain as a contact", () => {
  const toUs = (type: string, from = ALICE) => presence(from, COMPONENT, type);
  const fromUs = (type = '', to = ALICE) =>
    `<presence from="${COMPONENT}" to="${to}"${type && ` type="${type}"`} id="…"/>`;

  test('lets in whoever asks, at once, and asks for nothing', async () => {
    expect(await room.given(toUs('subscribe'))).toEqual([fromUs('subscribed'), fromUs('unavailable')]);
    room.receipts.presence.online();
    // Who watches is told when it is there, and when it is back.
    expect(await until(() => room.written().at(0))).toBe(presence(COMPONENT, ALICE));
    expect(await room.given(toUs('subscribe'))).toEqual([fromUs('subscribed'), fromUs()]);
    expect(await room.given(toUs('probe', `${ALICE}/phone`))).toEqual([fromUs('', `${ALICE}/phone`)]);
    expect(await room.given(toUs('unsubscribe'))).toEqual([fromUs('unavailable')]);
    expect(await room.given(toUs('unsubscribe'))).toEqual([]);
    room.receipts.presence.offline();
  });

  test('presence of who watches it counts, as far as his server tells us all', async () => {
    await room.given(toUs('subscribe'));
    expect(await room.given(toUs('', `${ALICE}/phone`))).toEqual([fromUs('probe')]);
    expect(await sessions(ALICE)).toEqual({ '': 'T', phone: 'T;u;T;' });
    // Once.
    expect(await room.given(toUs('', `${ALICE}/tablet`))).toEqual([]);
    expect(events).toEqual([`${ALICE} began phone`, `${ALICE} began tablet`]);
    // It does not: what came was for this once.
    expect(await room.given(toUs('unsubscribed'))).toEqual([]);
    expect(await sessions(ALICE)).toEqual({});
  });

  test('presence of who does not is nothing to us', async () => {
    expect(await room.given(toUs('', `${ALICE}/phone`), toUs('unavailable', `${ALICE}/phone`))).toEqual([]);
    expect(await sessions(ALICE)).toEqual({});
  });

  test('its removal ends both directions', async () => {
    await room.given(toUs('subscribe'), toUs('subscribed'));
    const iq = `<iq type="set" id="r-1" from="${ALICE}/phone" to="${COMPONENT}"><query xmlns="jabber:iq:roster"><item jid="${COMPONENT}" subscription="remove"/></query></iq>`;
    expect(await room.answersTo(iq)).toContain('type="result"');
    await room.receipts.pipeline.drained();
    expect([await standing(COMPONENT, ALICE), await standing(ALICE, COMPONENT)]).toEqual([null, null]);
  });
});
