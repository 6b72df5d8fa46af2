// What LOG_LEVEL=debug says of one message: each decision, by which rule, and on what evidence.

import { explain } from '../../src/store/contract.ts';
import { type MessageTrace, openMessageTrace } from '../../src/util/message-trace.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { keyOf } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const BOB = 'bob@example.org';
const DESK = `${BOB}/desk`;
const CONFIRMS = 'presence online, confirms yes, last copy handed over';

let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;
let trace: MessageTrace;
let lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

beforeEach(() => {
  lines = [];
  const line = (fields: object, msg: string) => void lines.push({ ...fields, msg });
  const log = { isLevelEnabled: () => true, debug: line, trace: line };
  trace = openMessageTrace(log, { bodies: false });
  room = openDeliveryStage(server.url, { trace });
});
afterEach(() => room.close());

const aliceSays = (id: string) =>
  `<message type="chat" id="${id}" from="alice@example.org/phone" to="bob@receipts.example.org"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`;
const bobConfirms = (id: string) =>
  `<message type="chat" from="${DESK}" to="alice@receipts.example.org/phone"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`;

async function bobIsOnline(ago: number): Promise<void> {
  const name = room.ledger.keys.sessions(BOB);
  await room.redis.del(name);
  await room.redis.hset(name, { '': Date.now(), desk: `${Date.now() - ago};y` });
  await room.redis.set(room.ledger.keys.confirms(BOB), '1');
}

async function aliceHasWritten(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await room.given(aliceSays(id));
    await room.handsOver();
    // Of two that are stored in one millisecond neither is the later one.
    const stored = Date.now();
    await until(() => Date.now() > stored);
  }
}

/** What was logged of a message, of those lines that name a rule or a session. */
const said = (id: string) =>
  lines
    .filter((line) => line.id === id && (line.rule !== undefined || line.msg === 'Message session pinged'))
    .map(({ msg, rule, why, session }) => ({ msg, rule, why, session }));

test('a copy that the server has: the cell of the table, and when it is due', async () => {
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1');
  const line = lines.find(({ msg }) => msg === 'Message rule applied');
  expect(line).toMatchObject({
    id: 'm-1',
    from: 'alice@example.org',
    to: BOB,
    key: keyOf('m-1'),
    why: 'the server has a copy',
    rule: `${CONFIRMS}: timer = ask`,
    due: lines.find(({ msg }) => msg === 'Message redelivery scheduled')?.due,
  });
});

test('a gap is logged for the message that was passed over, and not for the one that was confirmed', async () => {
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1', 'm-2');
  await room.given(bobConfirms('m-2'));
  lines = [];
  room.receipts.sequenceGaps.look();
  await room.receipts.pipeline.drained();
  expect(said('m-1')).toEqual([
    {
      msg: 'Message passed over',
      rule: `${CONFIRMS}: gap = true`,
      why: 'this session has confirmed a later message of alice@example.org',
      session: DESK,
    },
  ]);
  expect(said('m-2')).toEqual([]);
});

test('the end of a session is logged with the rule before the copy goes out', async () => {
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1');
  await bobIsOnline(-1);
  lines = [];
  room.receipts.sessionRedelivery.sessionAvailable(BOB, 'login');
  await room.receipts.pipeline.drained();
  expect(said('m-1')).toMatchObject([
    { msg: 'Message rule applied', rule: `${CONFIRMS}: sessionEnded = always`, why: 'session-ended' },
  ]);
  const order = lines.map(({ msg }) => msg);
  expect(order.indexOf('Message rule applied')).toBeLessThan(order.indexOf('Message redelivered'));
});

test('a copy that comes back', async () => {
  await bobIsOnline(60_000);
  await aliceHasWritten('m-1');
  lines = [];
  await room.given(
    `<message type="error" id="m-1" from="${DESK}" to="alice@receipts.example.org/phone"><error type="wait"><recipient-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
  );
  expect(said('m-1')).toMatchObject([
    { rule: 'presence online, confirms yes, last copy bounced: timer = timetable', why: 'the last copy came back' },
  ]);
});

test('a session that is pinged for a message is logged for that message, with what it answered', async () => {
  room.close();
  room = openDeliveryStage(server.url, { trace, ping: async () => 'silent' });
  const { pings } = room.receipts;
  const judged = new Promise((resolve) => pings.once('judged', resolve));
  pings.ask(BOB, ['desk'], { key: 'k', senderId: 'm-1' });
  await judged;
  expect(said('m-1')).toEqual([
    { msg: 'Message session pinged', rule: undefined, why: 'it has not answered', session: DESK },
  ]);
});

test('without a trace the store is not asked', async () => {
  const asked: unknown[] = [];
  const silent = openDeliveryStage(server.url);
  const push = silent.receipts.pipeline.push.bind(silent.receipts.pipeline);
  silent.receipts.pipeline.push = (work) => {
    asked.push(work.request?.kind);
    push(work);
  };
  await silent.given(aliceSays('m-1'));
  await silent.handsOver();
  silent.close();
  expect(asked).toContain('handOver');
  expect(asked).not.toContain('explain');
});

test('what no record is kept of has no explanation', async () => {
  expect(await room.ledger.perform(explain(keyOf('m-9')))).toBeUndefined();
});

test('a whole component: by the clock, from the first copy to the end', async () => {
  const settings = { LOG_LEVEL: 'debug', UNCONFIRMED_RETRIES: '1', UNCONFIRMED_RETRY_AFTER: '1s', MESSAGE_TTL: '3s' };
  const proxy = await PeerProxy.start(server.url, { REDIS_PREFIX: '{trace}', ...settings });
  try {
    await proxy.ready();
    const id = await proxy.acknowledged('hello');
    const ofIt = () => proxy.lines.filter((line) => line.id === id);
    await until(() => ofIt().some(({ msg }) => msg === 'Message unconfirmed'), { within: 60_000, what: 'its end' });
    const ruled = ofIt().filter(({ rule }) => rule !== undefined);
    const cell = 'presence unknown, confirms unknown, last copy handed over';
    for (const one of [
      { why: 'the server has a copy', rule: `${cell}: timer = unconfirmed` },
      { why: 'it was due', rule: `${cell}: timer = unconfirmed` },
      { why: 'its time is over', rule: `${cell}: ends = unconfirmed` },
    ]) {
      expect(ruled).toContainEqual(
        expect.objectContaining({ msg: 'Message rule applied', from: 'alice@example.org', ...one }),
      );
    }
  } finally {
    await proxy.close();
  }
});
