// What the interceptor makes of evidence: who writes, what the proxy then sends.

import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { keyOf } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  room = openDeliveryStage(server.url, { redeliveryWindow: 2 });
});
afterEach(() => {
  room.receipts.close();
  room.close();
});

const BOB = 'bob@example.org';
const aliceSays = (id: string) =>
  `<message type="chat" id="${id}" from="alice@example.org/phone" to="bob@receipts.example.org"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`;
const bobSends = (inner: string, id = 'b-1') =>
  `<message type="chat" id="${id}" from="bob@example.org/desk" to="alice@receipts.example.org/phone">${inner}</message>`;
const bobConfirms = (id: string) => bobSends(`<received xmlns="urn:xmpp:receipts" id="${id}"/>`);

/** Bob's only session began so long ago (ms), and his presence is known. */
async function bobIsOnline(ago: number): Promise<void> {
  const name = room.ledger.keys.sessions(BOB);
  await room.redis.del(name);
  await room.redis.hset(name, { '': Date.now(), desk: `${Date.now() - ago};y` });
}
const bobGivesReceipts = () => room.redis.set(room.ledger.keys.confirms(BOB), '1');
/** Ids of the copies among what was written. */
const copies = (written: readonly string[]) =>
  written.filter((xml) => xml.includes('<delay')).map((xml) => / id="([^"]+)"/.exec(xml)?.[1]);

async function aliceHasWritten(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await room.given(aliceSays(id));
    await room.handsOver();
    // What was stored in the same millisecond counts as neither earlier nor later, and this one was stored by now.
    const stored = Date.now();
    await until(() => Date.now() > stored);
  }
}

test('he comes back: what his ended session may have lost is sent, in order, no more at a time than he confirms', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2', 'm-3', 'm-4', 'm-5');
  await bobIsOnline(-1);
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual(['m-1', 'm-2']);
  expect(copies(await room.given(bobConfirms('m-1')))).toEqual(['m-3']);
  expect(copies(await room.given(bobConfirms('m-3'), bobConfirms('m-2')))).toEqual(['m-4', 'm-5']);
  expect(await room.given(bobConfirms('m-4'), bobConfirms('m-5'))).toHaveLength(2);
  expect(room.counts).toMatchObject({ evidenceSessionEnded: 5, delivered: 5 });
});

test('he goes again before all was sent: the rest waits for his next login', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2', 'm-3');
  await bobIsOnline(-1);
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual(['m-1', 'm-2']);
  await room.handsOver();
  await room.redis.hdel(room.ledger.keys.sessions(BOB), 'desk');
  room.receipts.sessionRedelivery.sessionEnded(BOB);
  expect(copies(await room.given(bobConfirms('m-1')))).toEqual([]);
  await bobIsOnline(-1);
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual(['m-2', 'm-3']);
});

test('his receipts went to another process: the next ones go all the same', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2', 'm-3');
  await bobIsOnline(-1);
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  await room.given();
  const other = openDeliveryStage(server.url, { ledger: room.ledger });
  await other.given(bobConfirms('m-1'));
  const written: string[] = [];
  await until(() => {
    written.push(...room.written());
    return copies(written).includes('m-3');
  });
  other.close();
});

test('a healthy conversation with somebody who is online sends no copy', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  for (let i = 0; i < 20; i += 1) {
    await room.given(aliceSays(`m-${i}`));
    await room.handsOver();
    await room.given(bobConfirms(`m-${i}`));
  }
  room.receipts.sequenceGaps.look();
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual([]);
  expect(room.counts).toMatchObject({ evidenceGap: 0, redelivered: 0, delivered: 20 });
});

test('he confirms a later message: the earlier one is due RECEIPT_GAP later', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2');
  await room.given(bobConfirms('m-2'));
  const before = Date.now();
  room.receipts.sequenceGaps.look();
  await room.given();
  expect(room.counts.evidenceGap).toBe(1);
  const due = await room.redis.zscore(room.ledger.keys.due, keyOf('m-1'));
  // The ledger's time is known to this process to within the duration of a call.
  expect(Number(due)).toBeGreaterThanOrEqual(before + 10_000 - 1000);
  expect(Number(due)).toBeLessThanOrEqual(Date.now() + 10_000);
});

test('receipts that come out of order leave no gap unseen', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2', 'm-3');
  await room.given(bobConfirms('m-3'), bobConfirms('m-1'));
  room.receipts.sequenceGaps.look();
  await room.given();
  expect(room.counts.evidenceGap).toBe(1);
});

test('what its sender wants kept from offline storage is known to be lost on somebody who is away', async () => {
  await bobGivesReceipts();
  await room.redis.hset(room.ledger.keys.sessions(BOB), { '': Date.now() });
  await room.given(aliceSays('m-1').replace('<request', '<no-store xmlns="urn:xmpp:hints"/><request'));
  await room.handsOver();
  await bobIsOnline(-1);
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  expect(copies(await room.given())).toEqual(['m-1']);
  expect(room.counts.evidenceNotStored).toBe(1);
});

test('it is his presence that tells: a session that ends, another that begins, and one that only changes', async () => {
  await bobGivesReceipts();
  await room.redis.hset(room.ledger.keys.subscriptions(BOB), 'alice@example.org', 's');
  const bobIs = (type = '') => `<presence from="bob@example.org/desk" to="alice@receipts.example.org"${type}/>`;
  await room.given(bobIs());
  await aliceHasWritten('m-1', 'm-2', 'm-3');
  const bounce = '<error type="wait"><recipient-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
  await room.given(
    `<message type="error" id="m-1" from="bob@example.org" to="alice@receipts.example.org/phone">${bounce}</message>`,
  );
  // An update counts once a second.
  await room.redis.hset(room.ledger.keys.sessions(BOB), 'desk', `${Date.now() - 5000};y;1;`);
  expect(copies(await room.given(bobIs()))).toEqual(['m-1']);
  await room.given(bobConfirms('m-1'));
  expect(copies(await room.given(bobIs(' type="unavailable"')))).toEqual([]);
  expect(copies(await room.given(bobIs()))).toEqual(['m-2', 'm-3']);
});

test('a gap is looked for by itself, soon after the receipt', async () => {
  await bobGivesReceipts();
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2');
  await room.given(bobConfirms('m-2'));
  await until(() => room.counts.evidenceGap === 1);
});

describe('proof beside a receipt', () => {
  test('a marker settles what was written so far, tells the sender, and goes on to her', async () => {
    await aliceHasWritten('m-1', 'm-2');
    const written = await room.given(bobSends('<displayed xmlns="urn:xmpp:chat-markers:0" id="m-2"/>'));
    expect(written).toEqual([
      expect.stringContaining('<received xmlns="urn:xmpp:receipts" id="m-1"/>'),
      expect.stringContaining('<received xmlns="urn:xmpp:receipts" id="m-2"/>'),
      expect.stringContaining('<displayed xmlns="urn:xmpp:chat-markers:0" id="m-2"/>'),
    ]);
    expect(room.counts).toMatchObject({ provedByMarker: 2, delivered: 2 });
  });

  test.each([
    [
      'a reply',
      '<body>yes</body><reply xmlns="urn:xmpp:reply:0" id="m-1" to="alice@receipts.example.org"/>',
      'provedByReply',
    ],
    [
      'a reaction',
      '<reactions xmlns="urn:xmpp:reactions:0" id="m-1"><reaction>👍</reaction></reactions>',
      'provedByReaction',
    ],
  ] as const)('%s settles the message that it names, and no other', async (_, inner, count) => {
    await aliceHasWritten('m-0', 'm-1');
    await room.given(bobSends(inner));
    expect(room.counts).toMatchObject({ delivered: 1, [count]: 1 });
    expect(await room.ledger.figures()).toMatchObject({ pending: 2 });
  });

  test('a receipt after it is a repeated one; a second marker says nothing', async () => {
    await aliceHasWritten('m-1');
    const marker = bobSends('<displayed xmlns="urn:xmpp:chat-markers:0" id="m-1"/>');
    await room.given(marker);
    expect(await room.given(marker, bobConfirms('m-1'))).toHaveLength(1);
    expect(room.counts).toMatchObject({ delivered: 1, repeatedReceipts: 1, provedByMarker: 1 });
  });

  test.each([
    ['markable', '<markable xmlns="urn:xmpp:chat-markers:0" id="m-1"/>'],
    ['of a message that nobody knows', '<displayed xmlns="urn:xmpp:chat-markers:0" id="m-9"/>'],
    ['without an id', '<displayed xmlns="urn:xmpp:chat-markers:0"/>'],
  ])('no marker is one that is %s', async (_, inner) => {
    await aliceHasWritten('m-1');
    await room.given(bobSends(inner));
    expect(room.counts).toMatchObject({ delivered: 0, provedByMarker: 0 });
  });

  test.each([
    ['the sender’s own other device', 'alice@example.org/desk', 'bob@receipts.example.org'],
    ['somebody else', 'carol@example.org/desk', 'alice@receipts.example.org'],
  ])('nothing from %s proves anything', async (_, from, to) => {
    await aliceHasWritten('m-1');
    for (const inner of [
      '<displayed xmlns="urn:xmpp:chat-markers:0" id="m-1"/>',
      '<received xmlns="urn:xmpp:receipts" id="m-1"/>',
      '<reactions xmlns="urn:xmpp:reactions:0" id="m-1"/>',
    ]) {
      await room.given(`<message type="chat" id="x-1" from="${from}" to="${to}">${inner}</message>`);
    }
    expect(room.counts.delivered).toBe(0);
  });

  test.each([
    [
      'a carbon',
      '<received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0">',
      '</forwarded></received>',
    ],
    [
      'an archive copy',
      '<result xmlns="urn:xmpp:mam:2" id="a"><forwarded xmlns="urn:xmpp:forward:0">',
      '</forwarded></result>',
    ],
  ])('a receipt inside %s settles nothing', async (_, open, close) => {
    await aliceHasWritten('m-1');
    const receipt =
      '<message xmlns="jabber:client" from="bob@example.org" to="alice@receipts.example.org"><received xmlns="urn:xmpp:receipts" id="m-1"/></message>';
    await room.given(bobSends(`${open}${receipt}${close}`));
    expect(room.counts.delivered).toBe(0);
  });
});
