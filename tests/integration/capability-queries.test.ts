import { hash } from 'node:crypto';
import { UnansweredError } from '../../src/iq/requester.ts';
import type { Caps } from '../../src/xmpp/stanza/entity-capabilities.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { idOf, openIqStage } from '../support/stages/iq-stage.ts';

let server: RedisServer;
let room: ReturnType<typeof openIqStage>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  room = openIqStage(server.url);
});
afterEach(() => room.close());

const INFO = 'http://jabber.org/protocol/disco#info';
const RECEIPTS = 'urn:xmpp:receipts';
const BOB = 'bob@example.org/desk';

/** A client with these features: what its presence says, and its answer. */
function client(...features: string[]): { caps: Caps; inner: string } {
  const sorted = [...features].sort();
  const ver = hash('sha1', `client/pc//x<${sorted.map((one) => `${one}<`).join('')}`, 'base64');
  const inner = `<identity category="client" type="pc" name="x"/>${features.map((one) => `<feature var="${one}"/>`).join('')}`;
  return { caps: { node: 'urn:client', ver, hash: 'sha-1' }, inner };
}
const answer = (id: string, inner: string, from = BOB, type = 'result') =>
  `<iq from="${from}" to="receipts.example.org" type="${type}" id="${id}"><query xmlns="${INFO}">${inner}</query></iq>`;

test.each([
  [[INFO, RECEIPTS], 'y'],
  [[INFO], 'n'],
])('a client with %j is asked by its node and ver; the answer is known from then on: %s', async (features, support) => {
  const { caps, inner } = client(...features);
  const asking = room.queries.capabilities.receipts(caps, BOB);
  const question = await room.writes();
  expect(question).toBe(
    `<iq from="receipts.example.org" to="${BOB}" type="get" id="${idOf(question)}"><query xmlns="${INFO}" node="urn:client#${caps.ver}"/></iq>`,
  );
  await room.given(answer(idOf(question), inner));
  expect(await asking).toBe(support);
  // Neither in this process nor in another is anybody asked again.
  expect(await room.queries.capabilities.receipts(caps, 'carol@example.org/x')).toBe(support);
  await room.room.receipts.pipeline.drained();
  expect(await room.redis.get(room.ledger.keys.caps('sha-1', caps.ver))).toBe(support);
  expect(await room.redis.pttl(room.ledger.keys.caps('sha-1', caps.ver))).toBeGreaterThan(80 * 24 * 3600_000);
  const other = openIqStage(server.url, {}, { ledger: room.ledger });
  expect(await other.queries.capabilities.receipts(caps, 'dave@example.org/x')).toBe(support);
  expect([...room.written(), ...other.written()]).toEqual([]);
  other.close();
});

test('of many clients with the same capabilities one is asked', async () => {
  const { caps, inner } = client(INFO, RECEIPTS);
  const all = Array.from({ length: 50 }, (_, i) => room.queries.capabilities.receipts(caps, `u${i}@example.org/x`));
  const question = await room.writes();
  expect(room.written()).toEqual([]);
  await room.given(answer(idOf(question), inner, 'u0@example.org/x'));
  expect(new Set(await Promise.all(all))).toEqual(new Set(['y']));
});

test('an answer that is not what the digest says counts for its client alone', async () => {
  const { caps } = client(INFO, RECEIPTS);
  const [first, second] = [BOB, 'carol@example.org/x'].map((full) => room.queries.capabilities.receipts(caps, full));
  const question = await room.writes();
  // Bob's client claims the capabilities of another, and cannot do what they promise.
  await room.given(answer(idOf(question), `<feature var="${INFO}"/>`));
  expect(await first).toBe('n');
  const next = await room.writes();
  expect(await room.redis.exists(room.ledger.keys.caps('sha-1', caps.ver))).toBe(0);
  expect(next).toContain('to="carol@example.org/x"');
  await room.given(answer(idOf(next), client(INFO, RECEIPTS).inner, 'carol@example.org/x'));
  expect(await second).toBe('y');
  await room.room.receipts.pipeline.drained();
  expect(await room.redis.get(room.ledger.keys.caps('sha-1', caps.ver))).toBe('y');
});

test.each([
  ['without capabilities', undefined, `<query xmlns="${INFO}"/>`],
  ['with those of the old format', { node: 'n', ver: '0.9', hash: undefined }, `<query xmlns="${INFO}" node="n#0.9"/>`],
])('a client %s is asked for itself', async (_, caps, payload) => {
  for (let times = 0; times < 2; times += 1) {
    const asking = room.queries.capabilities.receipts(caps, BOB);
    const question = await room.writes();
    expect(question).toContain(payload);
    await room.given(answer(idOf(question), `<feature var="${RECEIPTS}"/>`));
    expect(await asking).toBe('y');
  }
  expect(await room.redis.keys(`${room.ledger.keys.prefix}:caps:*`)).toEqual([]);
});

test('an answer that comes to another process, or too late, is known when it proves itself', async () => {
  const other = openIqStage(server.url, {}, { ledger: room.ledger });
  const { caps, inner } = client(INFO, RECEIPTS, 'urn:more');
  const asking = room.queries.capabilities.receipts(caps, BOB);
  const id = idOf(await room.writes());
  const named = answer(id, inner).replace('<query ', `<query node="urn:client#${caps.ver}" `);
  // What claims to be an answer to these capabilities and is not says nothing.
  await other.given(named.replace('urn:more', 'urn:less'));
  expect(await room.redis.exists(room.ledger.keys.caps('sha-1', caps.ver))).toBe(0);
  await other.given(named);
  // Nothing has come here when the wait ends.
  room.queries.requester.stop();
  expect(await asking).toBe('y');
  expect(await room.redis.pttl(room.ledger.keys.caps('sha-1', caps.ver))).toBeLessThanOrEqual(3600_000);
  other.close();
});

test('nobody knows, when it answers with an error, with something else, or not at all', async () => {
  room.close();
  // Long enough for a reply to come in time on a busy machine: one that is late is not told from others.
  room = openIqStage(server.url, { timeLimit: 500 });
  const { caps, inner } = client(INFO, RECEIPTS);
  const replies = [
    (id: string) => answer(id, '', BOB, 'error'),
    (id: string) => `<iq from="${BOB}" to="receipts.example.org" type="result" id="${id}"/>`,
    // From another client, which was not asked.
    (id: string) => answer(id, inner, 'eve@example.org/x'),
    () => '<iq/>',
  ];
  for (const reply of replies) {
    const asking = room.queries.capabilities.receipts(caps, BOB);
    await room.given(reply(idOf(await room.writes())));
    expect(await asking).toBe('u');
  }
  expect(room.counts.repliesForged).toBe(1);
  expect(await room.redis.exists(room.ledger.keys.caps('sha-1', caps.ver))).toBe(0);
  expect(await room.queries.capabilities.receipts(caps, 'not an address')).toBe('u');
});

describe('a question of the proxy’s own', () => {
  test('gets the whole answer, or says why it has none', async () => {
    const asking = room.queries.requester.request(BOB, '<ping xmlns="urn:xmpp:ping"/>');
    const id = idOf(await room.writes());
    await room.given(`<iq from="${BOB}" to="receipts.example.org" type="result" id="${id}" xml:lang="en"/>`);
    expect((await asking).attrs).toMatchObject({ id, 'xml:lang': 'en' });
    const refused = room.queries.requester.request(BOB, '<ping xmlns="urn:xmpp:ping"/>');
    const words = '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
    await room.given(
      `<iq from="${BOB}" to="receipts.example.org" type="error" id="${idOf(await room.writes())}">${words}</iq>`,
    );
    await expect(refused).rejects.toEqual(new UnansweredError('service-unavailable'));
  });

  test('ends with the process, and there are not more than can be kept', async () => {
    const all = Array.from({ length: 1001 }, () =>
      room.queries.requester.request(BOB, '<ping xmlns="urn:xmpp:ping"/>'),
    );
    const reasons = Promise.all(all.map((one) => one.catch((error: UnansweredError) => error.reason)));
    expect(room.written()).toHaveLength(1000);
    room.queries.stop();
    expect(new Set(await reasons)).toEqual(new Set(['busy', 'stopped']));
  });
});
