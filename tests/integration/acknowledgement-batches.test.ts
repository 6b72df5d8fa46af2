import { claim } from '../../src/store/contract.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { until } from '../support/time/until.ts';

const ALICE = 'alice@example.org/phone';
const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
const BATCH = '<batch xmlns="urn:openfire-receipts:0"/>';
const stored = (id: string) => `<message id="${id}" to="bob@receipts.example.org" state="pending"/>`;
const delivered = (id: string) => `<message id="${id}" to="bob@receipts.example.org" state="delivered"/>`;
/** What is acknowledged in it says how it is stored. */
const status = (...messages: string[]) => {
  const durability = messages.some((one) => one.includes('"pending"')) ? ' durability="memory"' : '';
  return `<status xmlns="urn:openfire-receipts:0"${durability}>${messages.join('')}</status>`;
};
const received = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;

interface Request {
  readonly session: string;
  readonly payload: string;
  readonly ends: (outcome: 'taken' | 'refused' | 'silent') => void;
}

let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;
/** What was put to clients, and waits for their answer. */
let requests: Request[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  requests = [];
  room = openDeliveryStage(server.url, {
    batching: {
      maxDelay: 60_000,
      request: (session, payload) => new Promise((ends) => requests.push({ session, payload, ends })),
    },
  });
});
afterEach(() => room.close());

const message = (id: string, children: string) =>
  `<message from="${ALICE}" to="bob@receipts.example.org" type="chat" id="${id}"><body>text of ${id}</body>${children}</message>`;
/** From a session of the library, and from a stock client's. */
const alice = (id: string) => message(id, REQUEST + BATCH);
const stock = (id: string) => message(id, REQUEST);
const bob = (children: string, resource = 'desk') =>
  `<message from="bob@example.org/${resource}" to="alice@receipts.example.org/phone">${children}</message>`;
const bounce = (id: string) =>
  `<message from="bob@example.org" to="alice@receipts.example.org/phone" type="error" id="${id}"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`;

const toAlice = (stanzas: readonly string[]) => stanzas.filter((stanza) => stanza.includes(`to="${ALICE}"`));
const idsOf = (stanzas: readonly string[]) => stanzas.map((stanza) => / id="(m-[^"]+)"/.exec(stanza)?.[1]);
const due = () => room.redis.zcard(room.ledger.keys.due);

/** Alice's session has written before, and said that it takes batches. */
const known = () => room.receipts.batches.recordSupport(ALICE, true);

/** Sends what waits for alice, and lets her client answer. */
async function answered(outcome: 'taken' | 'refused' | 'silent'): Promise<string[]> {
  room.receipts.batches.flush(ALICE);
  for (const request of requests.splice(0)) request.ends(outcome);
  await new Promise((resolve) => setImmediate(resolve));
  await room.receipts.pipeline.drained();
  return room.written();
}

test('acknowledgements and receipts wait, and go in one request', async () => {
  known();
  expect(toAlice(await room.given(alice('m-1'), alice('m-2'), alice('m-3')))).toEqual([]);
  expect(toAlice(await room.given(bob(received('m-1')), bob(received('m-2'), 'phone')))).toEqual([]);
  room.receipts.batches.flush(ALICE);
  // What is delivered was stored, and need not be said of it.
  expect(requests).toMatchObject([
    { session: ALICE, payload: status(stored('m-3'), delivered('m-1'), delivered('m-2')) },
  ]);
  expect(room.written()).toEqual([]);
});

test('each receipt of a batch is owed until the client has taken it', async () => {
  known();
  await room.given(alice('m-1'), alice('m-2'));
  await room.given(bob(received('m-1') + received('m-2')));
  room.receipts.batches.flush(ALICE);
  expect(await due()).toBe(2);
  expect(await answered('taken')).toEqual([]);
  expect(await due()).toBe(0);
});

test('what a sweep finds while the client is slow to answer is not told a second time', async () => {
  known();
  await room.given(alice('m-1'), alice('m-2'));
  await room.given(bob(received('m-1') + received('m-2')));
  /** As a worker does, with the job that a sweep has made. */
  const swept = async (id: string, attempt: number) => {
    const claimed = await room.receipts.pipeline.perform(
      claim(recordKey('alice@example.org', 'bob@example.org', id), attempt),
    );
    if (claimed.outcome === 'claimed') room.receipts.endings.repeat(claimed.record);
    return claimed.outcome;
  };
  expect(await swept('m-1', 1)).toBe('claimed');
  room.receipts.batches.flush(ALICE);
  expect(requests).toMatchObject([{ payload: status(delivered('m-1'), delivered('m-2')) }]);
  expect(await swept('m-2', 1)).toBe('claimed');
  room.receipts.batches.flush(ALICE);
  expect(requests).toHaveLength(1);
  expect(room.written()).toEqual([]);
  expect(idsOf(await answered('silent'))).toEqual(['m-1', 'm-2']);
  // Should that be lost as well, the next sweep's is told.
  expect(await swept('m-2', 2)).toBe('claimed');
});

test.each(['refused', 'silent'] as const)('a batch that is %s is told in a stanza for each message', async (how) => {
  known();
  await room.given(alice('m-1'), alice('m-2'), alice('m-3'), alice('m-4'));
  await room.given(bob(received('m-1') + received('m-2')));
  const written = await answered(how);
  expect(idsOf(written)).toEqual(['m-3', 'm-4', 'm-1', 'm-2']);
  expect(written[0]).toContain('<stored ');
  expect(written[2]).toBe(
    `<message type="chat" from="bob@receipts.example.org/desk" to="${ALICE}" id="…">${received('m-1')}</message>`,
  );
  // They are owed until the server has them, as all that goes alone.
  expect(await due()).toBeGreaterThanOrEqual(2);
});

test('a stock client on the resource of a session that took batches is told of each message by itself', async () => {
  known();
  await room.given(alice('m-1'), alice('m-2'));
  expect(await answered('taken')).toEqual([]);
  const ids = Array.from({ length: 50 }, (_, i) => `m-stock-${i}`);
  expect(idsOf(toAlice(await room.given(...ids.map(stock))))).toEqual(ids);
  const receipts = toAlice(await room.given(bob([...ids, 'm-1', 'm-2'].map(received).join(''))));
  expect(idsOf(receipts)).toEqual([...ids, 'm-1', 'm-2']);
  expect(requests).toEqual([]);
});

test('a stock client that has written nothing yet refuses what its predecessor’s receipts come in', async () => {
  known();
  const ids = Array.from({ length: 50 }, (_, i) => `m-${i}`);
  await room.given(...ids.map(alice));
  await answered('taken');
  // The library logs out, a stock client logs in, bob comes back: the proxy sees his receipts, and nothing else.
  expect(toAlice(await room.given(bob(ids.map(received).join(''))))).toEqual([]);
  expect(idsOf(await answered('refused'))).toEqual(ids);
  // And it is known from then on.
  expect(toAlice(await room.given(stock('m-a'), stock('m-b')))).toHaveLength(2);
});

test('of two sessions’ messages on one resource, only those that said so share a request', async () => {
  known();
  expect(idsOf(toAlice(await room.given(alice('m-1'), alice('m-2'), stock('m-3'), stock('m-4'))))).toEqual([
    'm-3',
    'm-4',
  ]);
  expect(requests).toMatchObject([{ payload: status(stored('m-1'), stored('m-2')) }]);
});

test('a resend without the mark is the same message, answered alone; the recipient never sees the mark', async () => {
  known();
  const [forward] = await room.given(alice('m-1'));
  expect(forward).toContain('<body>text of m-1</body>');
  expect(forward).not.toContain('batch');
  const written = await room.given(stock('m-1'));
  expect(room.counts.duplicates).toBe(1);
  expect(idsOf(toAlice(written))).toEqual(['m-1', 'm-1']);
  expect(await answered('taken')).toEqual([]);
});

test('a client that does not answer is asked no more for a while, one that refuses is when it says so again', async () => {
  known();
  await room.given(alice('m-1'), alice('m-2'));
  await answered('refused');
  expect(idsOf(toAlice(await room.given(alice('m-3'), alice('m-4'), alice('m-5'))))).toEqual(['m-3']);
  expect(idsOf(await answered('silent'))).toEqual(['m-4', 'm-5']);
  expect(toAlice(await room.given(alice('m-6'), alice('m-7')))).toHaveLength(2);
});

test('there are no batches while another process serves the domain, which might get the answer', async () => {
  known();
  await room.given(alice('m-1'), alice('m-2'));
  await room.redis.zadd(`${room.ledger.keys.prefix}:alive`, Date.now(), 'another');
  const { presence } = room.receipts;
  presence.online();
  await until(() => presence.others === 1, { what: 'word of the other process' });
  // What was waiting goes; what comes now goes by itself.
  await room.given(alice('m-3'), alice('m-4'));
  const receipts = await room.given(bob(received('m-3') + received('m-4')));
  expect(idsOf(toAlice(receipts))).toEqual(['m-3', 'm-4']);
  expect(requests).toMatchObject([{ payload: status(stored('m-1'), stored('m-2')) }]);
  presence.offline();
});

test('what would be alone in a request goes without one', async () => {
  known();
  expect(toAlice(await room.given(alice('m-1')))).toEqual([]);
  expect(idsOf(await answered('taken'))).toEqual(['m-1']);
});

test('the first message of a session is acknowledged at once, those after it together', async () => {
  expect(idsOf(toAlice(await room.given(alice('m-1'), alice('m-2'), alice('m-3'))))).toEqual(['m-1']);
  room.receipts.batches.flush(ALICE);
  expect(requests).toMatchObject([{ payload: status(stored('m-2'), stored('m-3')) }]);
});

test('a failure comes at once, after the acknowledgement', async () => {
  known();
  await room.given(alice('m-1'));
  const [first, second] = toAlice(await room.given(bounce('m-1')));
  expect(first).toContain(
    '<stored xmlns="urn:openfire-receipts:0" id="m-1" to="bob@receipts.example.org" durability="memory"/>',
  );
  expect(second).toContain('item-not-found');
});

test('a batch has 100 entries at most', async () => {
  known();
  expect(toAlice(await room.given(...Array.from({ length: 250 }, (_, i) => alice(`m-${i}`))))).toEqual([]);
  expect(requests.map(({ payload }) => payload.split('<message').length - 1)).toEqual([100, 100]);
});

test('when a session is over, or the proxy stops, what waits goes; and nothing waits after that', async () => {
  known();
  await room.given(alice('m-1'), alice('m-2'));
  room.receipts.batches.forget(ALICE);
  expect(requests).toHaveLength(1);
  known();
  await room.given(alice('m-3'), alice('m-4'));
  room.receipts.batches.close();
  expect(idsOf(room.written())).toEqual(['m-3', 'm-4']);
  expect(toAlice(await room.given(alice('m-5')))).toHaveLength(1);
});
