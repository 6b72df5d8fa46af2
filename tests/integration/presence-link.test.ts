import { setTimeout as sleep } from 'node:timers/promises';
import { recordPresence, recordReceiptSupport, renewSession } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { parseStanza } from '../support/stanzas/xml.ts';
import { ALICE, BOB } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

/** What happens when the link goes and comes back, with nobody on the other side of it. */
let server: RedisServer;
let rooms: ReturnType<typeof openDeliveryStage>[];

const TIMING = { perSecond: 2000, probeTimeout: 100, heartbeat: 50, unusableAfter: 50 };
/** Where somebody answers, or is looked at before he would have had to: a busy machine may take its time. */
const PATIENT = { probeTimeout: 1000 };
/** Where the time for an answer is not to end at all. */
const UNHURRIED = { probeTimeout: 60_000 };
const COMPONENT = 'receipts.example.org';
const ALICE_PROXIED = `alice@${COMPONENT}`;
const BOB_PROXIED = `bob@${COMPONENT}`;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  rooms = [];
});
afterEach(async () => {
  for (const { receipts } of rooms) receipts.presence.offline();
  for (const { receipts } of rooms) await receipts.pipeline.drained();
  for (const room of rooms) room.close();
});

const ended: string[] = [];
const returned: string[] = [];
const observer = {
  began: () => {},
  updated: (user: string, again: boolean) => again && returned.push(user),
  ended: (user: string, resource: string) => ended.push(`${user}/${resource}`),
};

/** A process; `beside` another it serves the same domain. */
function room(
  timing: Partial<typeof TIMING> = {},
  beside?: ReturnType<typeof openDeliveryStage>,
  pipelineTimeout?: number,
) {
  const opened = openDeliveryStage(server.url, {
    presence: { observer, timing: { ...TIMING, ...timing } },
    ...(beside && { ledger: beside.ledger }),
    ...(pipelineTimeout !== undefined && { pipelineTimeout }),
  });
  returned.length = 0;
  ended.length = 0;
  rooms.push(opened);
  return opened;
}

const presence = (from: string, to: string, type = '') =>
  `<presence from="${from}" to="${to}"${type && ` type="${type}"`}/>`;
const ownPresence = (from: string, to: string, type: string) =>
  `<presence from="${from}" to="${to}" type="${type}" id="…"/>`;

/** Alice and bob watch each other, and each has a session. */
async function contacts({ given }: ReturnType<typeof openDeliveryStage>): Promise<void> {
  await given(presence(ALICE, BOB_PROXIED, 'subscribe'), presence(BOB, ALICE_PROXIED, 'subscribed'));
  await given(presence(BOB, ALICE_PROXIED, 'subscribe'), presence(ALICE, BOB_PROXIED, 'subscribed'));
  await given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${ALICE}/phone`, BOB_PROXIED));
}

/** Gathers what a process writes, until there is so much. */
async function writes(one: ReturnType<typeof openDeliveryStage>, count: number): Promise<string[]> {
  const all: string[] = [];
  await until(() => all.push(...one.written()) >= count, { what: `${count} stanzas` });
  return all.sort();
}
const PROBES = [ownPresence(ALICE_PROXIED, BOB, 'probe'), ownPresence(BOB_PROXIED, ALICE, 'probe')].sort();

const known = (one: ReturnType<typeof openDeliveryStage>, user: string) =>
  one.redis.hkeys(one.ledger.keys.sessions(user));

test('each subscription is probed; who is heard of stays, and who is not is shown as gone', async () => {
  const one = room(PATIENT);
  await contacts(one);
  one.receipts.presence.online();
  expect(await writes(one, 2)).toEqual(PROBES);
  // Until he is heard of nobody knows.
  expect(await known(one, BOB)).toEqual(['desk']);
  expect(await one.given(presence(`${BOB}/desk`, ALICE_PROXIED))).toEqual([presence(`${BOB_PROXIED}/desk`, ALICE)]);
  expect((await known(one, BOB)).sort()).toEqual(['', 'desk']);
  expect(await writes(one, 1)).toEqual([presence(`${ALICE_PROXIED}/phone`, BOB, 'unavailable')]);
  expect(await known(one, ALICE)).toEqual(['']);
  expect(ended).toEqual([`${ALICE}/phone`]);
  expect(one.counts).toMatchObject({ presenceProbes: 2, staleSessions: 1 });
  expect(one.written()).toEqual([]);
});

test('the answer to its probe is no second login of a session that began a second ago', async () => {
  const one = room(UNHURRIED);
  await contacts(one);
  await one.redis.hset(one.ledger.keys.sessions(BOB), 'desk', `${Date.now() - 1000};y;${Date.now()};`);
  one.receipts.presence.online();
  await writes(one, 2);
  await one.given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${BOB}/desk`, ALICE_PROXIED, 'probe'));
  expect(ended).toEqual([]);
});

test('somebody who is offline and of whom nothing comes is known to be so after a while', async () => {
  const one = room(PATIENT);
  await contacts(one);
  await one.given(presence(`${BOB}/desk`, ALICE_PROXIED, 'unavailable'));
  one.receipts.presence.online();
  await writes(one, 2);
  expect(await known(one, BOB)).toEqual([]);
  await until(async () => (await known(one, BOB)).includes(''));
});

test('whose presence the component itself gets is probed in its name, and it tells itself nothing', async () => {
  const one = room();
  await one.given(presence(ALICE, COMPONENT, 'subscribed'), presence(`${ALICE}/phone`, COMPONENT));
  one.receipts.presence.online();
  expect(await writes(one, 1)).toEqual([ownPresence(COMPONENT, ALICE, 'probe')]);
  await until(() => one.counts.staleSessions === 1);
  await one.receipts.presence.stop();
  expect(one.written()).toEqual([]);
  expect(ended).toEqual([`${ALICE}/phone`]);
});

test('the pace is kept, and the link’s going ends it', async () => {
  const one = room({ perSecond: 50 });
  const { ledger } = one;
  for (let i = 0; i < 100; i += 1) {
    await one.given(
      presence(ALICE, `c${i}@${COMPONENT}`, 'subscribe'),
      presence(`c${i}@example.org`, ALICE_PROXIED, 'subscribed'),
    );
  }
  const start = performance.now();
  one.receipts.presence.online();
  await writes(one, 20);
  // 17 of them at the least had their turn by now: the first three come at once.
  expect(performance.now() - start).toBeGreaterThan(300);
  one.receipts.presence.offline();
  await one.receipts.pipeline.drained();
  const { presenceProbes } = one.counts;
  await sleep(150);
  expect(one.counts.presenceProbes).toBe(presenceProbes);
  expect(presenceProbes).toBeLessThan(100);
  expect((await ledger.contacts('0')).users).toHaveLength(100);
});

test('a link that goes at whatever moment ends the asking', async () => {
  const one = room(UNHURRIED);
  await contacts(one);
  for (let turns = 0; turns < 40; turns += 1) {
    one.receipts.presence.online();
    for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
    one.receipts.presence.offline();
    const { presenceProbes } = one.counts;
    for (let calls = 0; calls < 5; calls += 1) await one.given();
    expect(one.counts.presenceProbes).toBe(presenceProbes);
  }
});

test('of two processes one asks, and what the other hears counts', async () => {
  const one = room(PATIENT);
  await contacts(one);
  one.receipts.presence.online();
  await writes(one, 2);
  const other = room(PATIENT, one);
  other.receipts.presence.online();
  // The answers come to the other.
  await other.given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${ALICE}/phone`, BOB_PROXIED));
  await until(async () => (await one.redis.exists(`${one.ledger.keys.prefix}:asking`)) === 0, {
    what: 'the end of asking',
  });
  expect(one.counts.staleSessions + other.counts.staleSessions).toBe(0);
  expect(one.counts.presenceProbes + other.counts.presenceProbes).toBe(2);
  expect(ended).toEqual([]);
});

test('beside another process what is known stays known, and nobody is ended before he was asked twice', async () => {
  const one = room(PATIENT);
  await contacts(one);
  one.receipts.presence.online();
  await writes(one, 2);
  await one.given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${ALICE}/phone`, BOB_PROXIED));
  await until(async () => (await one.redis.exists(`${one.ledger.keys.prefix}:asking`)) === 0);
  const other = room(PATIENT, one);
  other.receipts.presence.online();
  expect(await writes(other, 2)).toEqual(PROBES);
  expect((await known(one, BOB)).sort()).toEqual(['', 'desk']);
  expect(await writes(other, 2)).toEqual(PROBES);
  await other.given(presence(`${BOB}/desk`, ALICE_PROXIED));
  expect(await writes(other, 1)).toEqual([presence(`${ALICE_PROXIED}/phone`, BOB, 'unavailable')]);
  expect(other.counts).toMatchObject({ presenceProbes: 4, staleSessions: 1 });
});

test('presence that Redis was not there to note: nothing is taken for known, though another process serves the domain', async () => {
  const one = room();
  await contacts(one);
  const other = room(PATIENT, one);
  other.receipts.presence.online();
  await writes(other, 2);
  await other.given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${ALICE}/phone`, BOB_PROXIED));
  await until(async () => (await one.redis.exists(`${one.ledger.keys.prefix}:asking`)) === 0);
  let down = false;
  const batch: typeof one.ledger.batch = (...args) =>
    down ? Promise.reject(new Error('down')) : one.ledger.batch(...args);
  const ledger = new Proxy(one.ledger, {
    get: (target, name) => {
      if (name === 'batch') return batch;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const third = room(PATIENT, { ...one, ledger }, 50);
  third.receipts.presence.online();
  await writes(third, 2);
  await third.given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${ALICE}/phone`, BOB_PROXIED));
  await until(async () => (await one.redis.exists(`${one.ledger.keys.prefix}:asking`)) === 0);
  expect(returned).not.toContain(BOB);
  third.written();
  down = true;
  third.router.stanza(parseStanza(presence(`${BOB}/desk`, ALICE_PROXIED)));
  await until(() => third.written().length > 0);
  down = false;
  await writes(third, 2);
  await third.given(presence(`${BOB}/desk`, ALICE_PROXIED), presence(`${ALICE}/phone`, BOB_PROXIED));
  expect(returned).toContain(BOB);
});

describe('a clean stop', () => {
  const FAREWELL = [
    presence(`${ALICE_PROXIED}/phone`, BOB, 'unavailable'),
    presence(`${BOB_PROXIED}/desk`, ALICE, 'unavailable'),
    presence(COMPONENT, ALICE, 'unavailable'),
  ].sort();

  test('shows everybody as gone, and who comes afterwards is not shown', async () => {
    const one = room(UNHURRIED);
    await contacts(one);
    await one.given(presence(ALICE, COMPONENT, 'subscribe'));
    one.receipts.presence.online();
    await until(async () => one.written().includes(presence(COMPONENT, ALICE)));
    await one.given();
    await one.receipts.presence.stop();
    expect((await one.given()).filter((xml) => !xml.includes('probe')).sort()).toEqual(FAREWELL);
    expect(await known(one, BOB)).toEqual(['desk']);
    expect(await one.given(presence(`${BOB}/desk`, ALICE_PROXIED))).toEqual([]);
  });

  test('says nothing while another process serves the domain, until that stops as well', async () => {
    const one = room(UNHURRIED);
    await contacts(one);
    await one.given(presence(ALICE, COMPONENT, 'subscribe'));
    one.receipts.presence.online();
    await writes(one, 3);
    const other = room(UNHURRIED, one);
    other.receipts.presence.online();
    await until(async () => (await one.redis.zcard(`${one.ledger.keys.prefix}:alive`)) === 2);
    one.written();
    await one.receipts.presence.stop();
    expect(one.written().filter((xml) => xml.includes('unavailable'))).toEqual([]);
    // The first calls to Redis of one that is there: then it has learned who watches the domain.
    for (let calls = 0; calls < 2; calls += 1) await other.receipts.pipeline.drained();
    await other.receipts.presence.stop();
    expect(
      other
        .written()
        .filter((xml) => xml.includes('unavailable'))
        .sort(),
    ).toEqual(FAREWELL);
  });

  test('with the link down there is nobody to tell', async () => {
    const one = room();
    await contacts(one);
    await one.receipts.presence.stop();
    expect(one.written()).toEqual([]);
  });
});

test('a process that has died without a word is not waited for', async () => {
  const one = room();
  await contacts(one);
  const { prefix } = one.ledger.keys;
  await one.redis.zadd(`${prefix}:alive`, Date.now() - 31_000, 'dead');
  await one.redis.set(`${prefix}:asking`, `dead ${Date.now()}`);
  one.receipts.presence.online();
  expect(await writes(one, 2)).toEqual(PROBES);
});

describe('in Redis', () => {
  const began = (at: number, token: string) => recordPresence(BOB, ALICE, 'desk', true, at, '', '', token);

  test('a session begins once, however many are told of it at the same time, and a repeated call says so again', async () => {
    const { ledger, redis } = room();
    await redis.hset(ledger.keys.subscriptions(BOB), ALICE, 's');
    const now = Date.now();
    expect(await ledger.perform(began(now, 't-1'))).toMatchObject({ what: 'began', asks: true });
    expect(await ledger.perform(began(now, 't-2'))).toMatchObject({ what: 'none', asks: false });
    expect(await ledger.perform(began(now, 't-1'))).toMatchObject({ what: 'began', asks: true });
  });

  test('a probe renews a session that is older than a login takes, once', async () => {
    const { ledger, redis } = room();
    const now = Date.now();
    const since = (at: number) => redis.hset(ledger.keys.sessions(BOB), 'desk', `${at};y;${now};sha-1:v1`);
    const renew = (token: string, resource = 'desk') => ledger.perform(renewSession(BOB, resource, now, token));
    await since(now - 4900);
    expect(await renew('t-1')).toBe(false);
    await since(now - 5000);
    expect(await renew('t-2')).toBe(true);
    // One to each contact, in the same millisecond; and the first once more, since its reply was lost.
    expect(await renew('t-3')).toBe(false);
    expect(await renew('t-2')).toBe(true);
    expect(await renew('t-4', 'phone')).toBe(false);
    expect(await redis.hget(ledger.keys.sessions(BOB), 'desk')).toBe(`${now};y;${now};sha-1:v1`);
  });

  test('what a client was found to do is noted of the client that was looked at', async () => {
    const { ledger, redis } = room();
    const of = (resource: string) => redis.hget(ledger.keys.sessions(BOB), resource);
    await redis.hset(ledger.keys.sessions(BOB), 'desk', '1;u;2;sha-1:v2', 'bare', '1;u');
    await ledger.perform(recordReceiptSupport(BOB, 'desk', 'sha-1:v1', 'y'));
    expect(await of('desk')).toBe('1;u;2;sha-1:v2');
    await ledger.perform(recordReceiptSupport(BOB, 'desk', 'sha-1:v2', 'y'));
    await ledger.perform(recordReceiptSupport(BOB, 'bare', '', 'n'));
    await ledger.perform(recordReceiptSupport(BOB, 'gone', '', 'n'));
    expect([await of('desk'), await of('bare'), await of('gone')]).toEqual(['1;y;2;sha-1:v2', '1;n;;', null]);
  });
});
