import { type RedisServer, startRedis } from '../support/redis.ts';
import { openRoom } from '../support/room.ts';

const ALICE = 'alice@example.org/phone';
const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
const NO_STORE = '<no-store xmlns="urn:xmpp:hints"/>';
const stored = (id: string) => `<stored xmlns="urn:openfire-receipts:0" id="${id}" to="bob@receipts.example.org"/>`;
const received = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;

let server: RedisServer;
let room: ReturnType<typeof openRoom>;
/** What the clients answer when they are asked. */
let takes = true;
let asked: string[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  takes = true;
  asked = [];
  room = openRoom(server.url, {
    batching: {
      late: 60_000,
      takesBatches: async (session) => {
        asked.push(session);
        return takes;
      },
    },
  });
});
afterEach(() => room.close());

const alice = (id: string) =>
  `<message from="${ALICE}" to="bob@receipts.example.org" type="chat" id="${id}"><body>text of ${id}</body>${REQUEST}</message>`;
const bob = (children: string, resource = 'desk') =>
  `<message from="bob@example.org/${resource}" to="alice@receipts.example.org/phone">${children}</message>`;
const bounce = (id: string) =>
  `<message from="bob@example.org" to="alice@receipts.example.org/phone" type="error" id="${id}"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`;
const QUESTION = `<iq type="get" id="q" from="${ALICE}" to="receipts.example.org"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`;

/** Alice's client asks what the proxy can do, and is asked in return. */
async function agreed(): Promise<void> {
  expect(await room.answersTo(QUESTION)).toContain('<feature var="urn:openfire-receipts:0#batch"/>');
}

const toAlice = (stanzas: readonly string[]) => stanzas.filter((stanza) => stanza.includes(`to="${ALICE}"`));

test('acknowledgements and receipts wait, and go in one stanza each, in their order', async () => {
  await agreed();
  expect(asked).toEqual([ALICE]);
  expect(toAlice(await room.given(alice('m-1'), alice('m-2'), alice('m-3')))).toEqual([]);
  expect(toAlice(await room.given(bob(received('m-1') + received('m-2'))))).toEqual([]);
  room.receipts.batches.flush(ALICE);
  expect(room.written()).toEqual([
    // What is delivered was stored, and need not be said of it.
    `<message type="chat" from="receipts.example.org" to="${ALICE}" id="…">${stored('m-3')}${NO_STORE}</message>`,
    `<message type="chat" from="bob@receipts.example.org/desk" to="${ALICE}" id="…">${received('m-1')}${received('m-2')}</message>`,
  ]);
});

test('each receipt of a batch is owed until the batch is handed over', async () => {
  const due = () => room.redis.zcard(`${room.ledger.keys.prefix}:due`);
  await agreed();
  await room.given(alice('m-1'), alice('m-2'));
  await room.given(bob(received('m-1') + received('m-2')));
  room.receipts.batches.flush(ALICE);
  const [batch] = room.link.take();
  expect(batch?.xml).toContain(received('m-1') + received('m-2'));
  expect(await due()).toBe(2);
  if (batch?.tag === undefined) throw new Error('It is nobody’s');
  // The link was down before the server had it: the leases run on, and whoever sweeps sends them again.
  expect(await room.receipts.outbox.resume([batch])).toEqual([]);
  expect(await due()).toBe(2);
  room.receipts.outbox.handedOver([batch.tag]);
  await room.receipts.pipeline.drained();
  expect(await due()).toBe(0);
});

test('receipts of two sessions do not share a stanza, as it has one sender', async () => {
  await agreed();
  await room.given(alice('m-1'), alice('m-2'));
  await room.given(bob(received('m-1')), bob(received('m-2'), 'phone'));
  room.receipts.batches.flush(ALICE);
  expect(room.written().map((stanza) => /from="([^"]*)"/.exec(stanza)?.[1])).toEqual([
    'bob@receipts.example.org/desk',
    'bob@receipts.example.org/phone',
  ]);
});

test('a failure comes at once, after the acknowledgement', async () => {
  await agreed();
  await room.given(alice('m-1'));
  const [first, second] = toAlice(await room.given(bounce('m-1')));
  expect(first).toContain(stored('m-1'));
  expect(second).toContain('item-not-found');
});

test('a batch has 100 entries at most', async () => {
  await agreed();
  const written = toAlice(await room.given(...Array.from({ length: 250 }, (_, i) => alice(`m-${i}`))));
  expect(written.map((stanza) => stanza.split('<stored').length - 1)).toEqual([100, 100]);
});

test('who says that he takes none, or whose session is over, is told of each at once', async () => {
  takes = false;
  await room.answersTo(QUESTION);
  expect(toAlice(await room.given(alice('m-1')))).toHaveLength(1);
  takes = true;
  await agreed();
  expect(toAlice(await room.given(alice('m-2')))).toHaveLength(0);
  room.receipts.batches.forget(ALICE);
  expect(room.written()).toHaveLength(1);
  expect(toAlice(await room.given(alice('m-3')))).toHaveLength(1);
});

test('a batch that cannot be sent is sent in parts', async () => {
  await agreed();
  await room.given(alice('m-1'), alice('m-2'));
  await room.given(bob(received('m-1') + received('m-2')));
  room.receipts.batches.flush(ALICE);
  const [batch] = room.link.take();
  if (batch?.tag === undefined) throw new Error('It is nobody’s');
  room.receipts.outbox.abandon(batch.tag);
  expect(room.written().map((stanza) => stanza.match(/id="m-\d"/g))).toEqual([['id="m-1"'], ['id="m-2"']]);
});
