// Unavailable to a single contact (RFC 6121 section 4.6), and probes that anybody may send.

import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, BOB } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;
let events: string[];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  events = [];
  room = openDeliveryStage(server.url, {
    presence: {
      observer: {
        began: (_, resource) => events.push(`${resource} began`),
        updated: () => {},
        ended: (_, resource) => events.push(`${resource} ended`),
      },
      timing: { broadcast: 20, probeTimeout: 200 },
    },
  });
});
afterEach(() => room.close());

const COMPONENT = 'receipts.example.org';
const [ALICE_PROXIED, BOB_PROXIED] = [`alice@${COMPONENT}`, `bob@${COMPONENT}`];
const CAROL = 'carol@example.org';
const CAROL_PROXIED = `carol@${COMPONENT}`;

const presence = (from: string, to: string, type = '') =>
  `<presence from="${from}" to="${to}"${type && ` type="${type}"`}/>`;
const desk = (to: string, type = '') => presence(`${BOB}/desk`, to, type);
const standing = (contact: string, subscriber: string) =>
  room.redis.hget(room.ledger.keys.subscriptions(contact), subscriber);
const keys = async (pattern: string) => (await room.redis.keys(`${room.ledger.keys.prefix}:${pattern}`)).sort();

/** What the proxy asks bob's server by itself: the address that it asks with. */
async function asks(): Promise<string> {
  let requester: string | undefined;
  await until(
    () => {
      for (const { xml } of room.link.take())
        requester ??= /from="([^"]*)" to="bob@example\.org" type="probe"/.exec(xml)?.[1];
      return requester !== undefined;
    },
    { what: 'a probe' },
  );
  return requester as string;
}

describe('a session says to one subscriber that it is unavailable', () => {
  beforeEach(async () => {
    for (const subscriber of [ALICE_PROXIED, CAROL_PROXIED]) {
      await room.given(presence(BOB, subscriber, 'subscribed'), desk(subscriber));
    }
  });

  test('it is there for the others, and the answer that shows it goes to nobody', async () => {
    expect(await room.given(desk(ALICE_PROXIED, 'unavailable'))).toEqual([
      presence(`${BOB_PROXIED}/desk`, ALICE, 'unavailable'),
    ]);
    const requester = await asks();
    // Carol was not told; and no session of hers has that resource.
    expect(requester).toMatch(new RegExp(`^${CAROL_PROXIED}/ofr-`));
    expect(await room.given(desk(requester))).toEqual([]);
    await until(async () => !events.includes('desk ended') && (await keys('hidden:*')).length === 1);
    expect(events).toEqual(['desk began']);
    // It shows itself to her again, and hides again.
    await room.given(desk(ALICE_PROXIED), desk(ALICE_PROXIED, 'unavailable'));
    expect(await room.given(desk(await asks()))).toEqual([]);
    expect(events).toEqual(['desk began']);
    // And then to all.
    await room.given(desk(CAROL_PROXIED, 'unavailable'));
    expect(events).toEqual(['desk began', 'desk ended']);
    expect(await keys('hidden:*')).toEqual([]);
  });

  test('to all in turn, as at a logout: it has ended at once, and nobody is asked', async () => {
    await room.given(desk(ALICE_PROXIED, 'unavailable'), desk(CAROL_PROXIED, 'unavailable'));
    expect(events).toEqual(['desk began', 'desk ended']);
    expect(room.counts.presenceProbes).toBe(0);
    expect(await keys('hidden:*')).toEqual([]);
  });

  test('the server knows nothing of it: it has ended, and who was not told is shown so', async () => {
    await room.given(desk(ALICE_PROXIED, 'unavailable'));
    await asks();
    await until(() => events.includes('desk ended'), { what: 'its end' });
    await until(() =>
      room.link.take().some(({ xml }) => xml === presence(`${BOB_PROXIED}/desk`, CAROL, 'unavailable')),
    );
  });

  test('an error instead of an answer goes to nobody either', async () => {
    await room.given(desk(ALICE_PROXIED, 'unavailable'));
    const requester = await asks();
    const error = '<error type="wait"><remote-server-timeout xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
    expect(await room.given(`<presence from="${BOB}" to="${requester}" type="error">${error}</presence>`)).toEqual([]);
  });

  test('who has only asked is not waited for', async () => {
    await room.given(presence('dave@example.org', BOB_PROXIED, 'subscribe'));
    await room.given(desk(ALICE_PROXIED, 'unavailable'), desk(CAROL_PROXIED, 'unavailable'));
    await until(() => events.includes('desk ended'), { what: 'its end' });
    expect(room.counts.presenceProbes).toBe(0);
  });

  test('one who was told and is no subscriber any more does not stand for one who was not', async () => {
    const dave = `dave@${COMPONENT}`;
    await room.given(presence(BOB, dave, 'subscribed'), desk(dave, 'unavailable'), presence(BOB, dave, 'unsubscribed'));
    await room.given(desk(ALICE_PROXIED, 'unavailable'));
    expect(await room.given(desk(await asks()))).toEqual([]);
    expect(events).toEqual(['desk began']);
  });

  test('nothing of it is left when he is forgotten', async () => {
    await room.given(desk(ALICE_PROXIED, 'unavailable'));
    expect(await keys('hidden:*')).toHaveLength(1);
    await room.given(presence(BOB, ALICE_PROXIED, 'unsubscribed'), presence(BOB, CAROL_PROXIED, 'unsubscribed'));
    expect(await keys('{hidden,sessions}:*')).toEqual([]);
    expect(await keys('hidden:*')).toEqual([]);
  });
});

describe('a probe', () => {
  const PHONE = `${ALICE}/phone`;
  const PHONE_PROXIED = `${ALICE_PROXIED}/phone`;

  test('thousands of a client’s own make no subscription, and a clean stop tells her of nobody', async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `u${i}`);
    for (let i = 0; i < names.length; i += 500) {
      await room.given(...names.slice(i, i + 500).map((name) => presence(PHONE, `${name}@${COMPONENT}`, 'probe')));
    }
    // One of them is there, for others, and his server says that she may not know.
    await room.given(presence(BOB, CAROL_PROXIED, 'subscribed'), desk(CAROL_PROXIED));
    expect(await room.given(presence(PHONE, BOB_PROXIED, 'probe'))).toEqual([presence(PHONE_PROXIED, BOB, 'probe')]);
    expect(await room.given(presence(BOB, ALICE_PROXIED, 'unsubscribed'))).toEqual([
      presence(BOB_PROXIED, ALICE, 'unsubscribed'),
    ]);
    expect(await keys('sub:*')).toEqual([`${room.ledger.keys.prefix}:sub:${BOB}`]);
    expect(await room.redis.hgetall(room.ledger.keys.subscriptions(BOB))).toEqual({ [CAROL]: 's' });
    expect(await room.redis.scard(room.ledger.keys.contacts)).toBe(1);
    for (const key of await keys('probed:*')) expect(await room.redis.pttl(key)).toBeGreaterThan(0);
    room.receipts.presence.online();
    await room.receipts.presence.stop();
    const written = room.written().filter((xml) => xml.includes('unavailable'));
    expect(written).toEqual([presence(`${BOB_PROXIED}/desk`, CAROL, 'unavailable')]);
  });

  test('the server answers the session that asked: she is a subscriber, as before Redis was emptied', async () => {
    await room.given(presence(PHONE, BOB_PROXIED, 'probe'));
    expect(await standing(BOB, ALICE)).toBeNull();
    expect(await room.given(presence(BOB, PHONE_PROXIED, 'unavailable'))).toEqual([
      presence(BOB_PROXIED, PHONE, 'unavailable'),
    ]);
    expect(await standing(BOB, ALICE)).toBe('s');
    expect(await keys('probed:*')).toEqual([]);
  });

  test('what comes to her bare address is no answer: so does what a server says to a request', async () => {
    await room.given(presence(PHONE, BOB_PROXIED, 'probe'), presence(ALICE, BOB_PROXIED, 'subscribe'));
    await room.given(presence(BOB, ALICE_PROXIED, 'unavailable'), desk(ALICE_PROXIED));
    expect(await standing(BOB, ALICE)).toMatch(/^p/);
    expect(events).toEqual([]);
  });

  test('presence to one who is no subscriber: his server is asked, once, and its word is nobody’s but ours', async () => {
    expect(await room.given(desk(ALICE_PROXIED))).toEqual([
      presence(`${BOB_PROXIED}/desk`, ALICE),
      `<presence from="${ALICE_PROXIED}/…" to="${BOB}" type="probe" id="…"/>`,
    ]);
    const requester = /from="([^"]*)"/.exec(room.held()[1]?.xml ?? '')?.[1] as string;
    expect(await room.given(desk(ALICE_PROXIED))).toEqual([presence(`${BOB_PROXIED}/desk`, ALICE)]);
    expect(await room.given(presence(BOB, ALICE_PROXIED, 'unsubscribed'))).toEqual([]);
    expect(await standing(BOB, ALICE)).toBeNull();
    expect(await room.given(desk(requester))).toEqual([]);
    expect(await standing(BOB, ALICE)).toBe('s');
    expect(events).toEqual(['desk began']);
  });
});
