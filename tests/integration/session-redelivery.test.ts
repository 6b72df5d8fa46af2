// What is sent again to somebody who has come back, when things do not go smoothly.
import { claim, renewLease } from '../../src/store/contract.ts';
import { RetryPolicy } from '../../src/store/retry-policy.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { keyOf, TIMETABLE } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let rooms: ReturnType<typeof openDeliveryStage>[];
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  rooms = [];
});
afterEach(() => {
  for (const room of rooms) room.close();
});

/** A process that sends two at a time, and waits a tenth of a second for their receipts. */
function open(beside?: ReturnType<typeof openDeliveryStage>) {
  const retry = new RetryPolicy({ ...TIMETABLE, schedule: [100] });
  const room = openDeliveryStage(server.url, {
    redeliveryWindow: 2,
    retry,
    ...(beside && { ledger: beside.ledger }),
  });
  rooms.push(room);
  return room;
}
type Room = ReturnType<typeof openDeliveryStage>;

const BOB = 'bob@example.org';
const AT_ALICE = 'alice@receipts.example.org';
const aliceSays = (id: string) =>
  `<message type="chat" id="${id}" from="alice@example.org/phone" to="bob@receipts.example.org"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`;
const bobSends = (inner: string) =>
  `<message type="chat" id="b-1" from="bob@example.org/desk" to="${AT_ALICE}/phone">${inner}</message>`;
const presence = (resource: string, type = '') => `<presence from="${BOB}/${resource}" to="${AT_ALICE}"${type}/>`;

async function aliceHasWritten(room: Room, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await room.given(aliceSays(id));
    await room.handsOver();
  }
}

/** Alice has written to the session that bob had, and he has another. */
async function bobComesBack(room: Room, ...ids: string[]): Promise<void> {
  const name = room.ledger.keys.sessions(BOB);
  await room.redis.set(room.ledger.keys.confirms(BOB), '1');
  await room.redis.hset(name, { '': Date.now(), desk: `${Date.now() - 60_000};y` });
  await aliceHasWritten(room, ...ids);
  await room.redis.hset(name, { desk: `${Date.now() + 1};y` });
}

const copies = (written: readonly string[]) =>
  written.filter((xml) => xml.includes('<delay')).map((xml) => / id="([^"]+)"/.exec(xml)?.[1]);
const dueOf = async ({ redis, ledger }: Room, id: string) => Number(await redis.zscore(ledger.keys.due, keyOf(id)));

test('a client that drops copies without confirming them does not hold up what comes after', async () => {
  const room = open();
  await bobComesBack(room, 'm-1', 'm-2', 'm-3');
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual(['m-1', 'm-2']);
  await room.handsOver();
  const written: string[] = [];
  await until(() => written.push(...room.written()) > 0);
  expect(copies(written)).toEqual(['m-3']);
});

test('two words of him at the same time do not open the window twice as wide', async () => {
  const room = open();
  await bobComesBack(room, 'm-1', 'm-2', 'm-3', 'm-4');
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual(['m-1', 'm-2']);
});

test('another process heard that he has gone: what waits here is kept from nobody', async () => {
  const room = open();
  await bobComesBack(room, 'm-1', 'm-2', 'm-3');
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  await room.given();
  await room.handsOver();
  await room.redis.hdel(room.ledger.keys.sessions(BOB), 'desk');
  await until(async () => (await dueOf(room, 'm-3')) > Date.now() + 100_000);
  expect(copies(room.written())).toEqual([]);
});

test('what waits and was claimed by another is no longer kept', async () => {
  const room = open();
  await bobComesBack(room, 'm-1', 'm-2');
  await room.redis.zadd(room.ledger.keys.due, Date.now(), keyOf('m-1'), Date.now(), keyOf('m-2'));
  await room.ledger.perform(claim(keyOf('m-1'), 1));
  const claimed = await dueOf(room, 'm-1');
  const later = Date.now() + 60_000;
  const waiting = [
    { key: keyOf('m-1'), attempt: 1 },
    { key: keyOf('m-2'), attempt: 1 },
  ];
  await room.ledger.perform(renewLease(waiting, later));
  expect([await dueOf(room, 'm-1'), await dueOf(room, 'm-2')]).toEqual([claimed, later]);
});

test('his frozen session is ended by the server after he came back with another: that one gets what it has lost', async () => {
  const room = open();
  await room.redis.set(room.ledger.keys.confirms(BOB), '1');
  await room.redis.hset(room.ledger.keys.subscriptions(BOB), 'alice@example.org', 's');
  await room.given(presence('one'));
  await aliceHasWritten(room, 'm-1', 'm-2');
  const handed = Date.now();
  await until(() => room.ledger.clock.now() > handed);
  expect(copies(await room.given(presence('two')))).toEqual([]);
  expect(copies(await room.given(presence('one', ' type="unavailable"')))).toEqual(['m-1', 'm-2']);
  expect(room.counts.evidenceSessionEnded).toBe(2);
});

test('a marker and a receipt reach all that came before, however much that is', async () => {
  const room = open();
  const ids = Array.from({ length: 700 }, (_, i) => `m-${i}`);
  await room.redis.set(room.ledger.keys.confirms(BOB), '1');
  await room.redis.hset(room.ledger.keys.sessions(BOB), { '': Date.now(), desk: `${Date.now() - 60_000};y` });
  await room.given(...ids.map(aliceSays));
  await room.handsOver();
  await aliceHasWritten(room, 'last');
  await room.given(bobSends('<received xmlns="urn:xmpp:receipts" id="last"/>'));
  room.receipts.sequenceGaps.look();
  await room.given();
  expect(room.counts.evidenceGap).toBe(700);
  await room.given(bobSends('<displayed xmlns="urn:xmpp:chat-markers:0" id="m-699"/>'));
  expect(room.counts.provedByMarker).toBe(700);
});
