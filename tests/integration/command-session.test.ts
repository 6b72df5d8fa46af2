import { SESSION_LASTS, Sessions } from '../../src/commands/sessions.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openLedger } from '../support/store/ledger.ts';

const NOW = 1_790_000_000_000;
const ALICE = 'alice@example.org/phone';
let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
let sessions: Sessions;

const processOf = () => new Sessions((operation) => opened.ledger.perform(operation));

beforeAll(async () => {
  server = await startRedis();
});
beforeEach(() => {
  opened = openLedger(server.url);
  sessions = processOf();
});
afterEach(() => opened.close());
afterAll(() => server.stop());

test('any process of the domain knows a session again, until its time is over or it has ended', async () => {
  const id = await sessions.open('status', ALICE, NOW);
  const other = processOf();
  expect(await other.read(id, 'status', ALICE, NOW + 1000)).toBe('open');
  expect(await other.read(id, 'status', ALICE, NOW + SESSION_LASTS)).toBe('expired');
  expect(await other.end(id)).toBe(true);
  expect(await sessions.read(id, 'status', ALICE, NOW + 1000)).toBe('expired');
  expect(await sessions.end(id)).toBe(false);
});

test('an id is random: it tells nothing, and no two are alike', async () => {
  const ids = await Promise.all(Array.from({ length: 100 }, () => sessions.open('status', ALICE, NOW)));
  expect(new Set(ids.map((id) => id.split('-', 1)[0])).size).toBe(1);
  const random = ids.map((id) => id.slice(id.indexOf('-') + 1));
  expect(new Set(random).size).toBe(100);
  // 144 bits, and nothing in them that repeats.
  expect(new Set(random.map((text) => text.slice(0, 4))).size).toBeGreaterThan(90);
  expect(random.every((text) => text.length === 24)).toBe(true);
});

test('it is kept for as long as it lasts', async () => {
  const id = await sessions.open('status', ALICE, NOW);
  const left = await opened.redis.pttl(`${opened.ledger.keys.prefix}:session:${id}`);
  expect(left).toBeGreaterThan(SESSION_LASTS - 60_000);
  expect(left).toBeLessThanOrEqual(SESSION_LASTS);
});

test.each([
  ['another command', 'figures', ALICE],
  ['another resource of hers', 'status', 'alice@example.org/desk'],
  ['another user', 'status', 'bob@example.org/phone'],
])('it is no session of %s', async (_, node, jid) => {
  expect(await sessions.read(await sessions.open('status', ALICE, NOW), node, jid, NOW)).toBe('bad');
});

test.each([
  ['a longer life', (id: string) => id.replace(/^\w+/, (NOW + SESSION_LASTS).toString(36))],
  ['another end', (id: string) => `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`],
  ['no end', (id: string) => id.replace(/-.*$/, '-')],
  ['nothing', () => ''],
  ['what other services use', () => 'config:20020923T213616Z-700'],
  ['a long text', () => 'x-'.repeat(5000)],
  ['another key of Redis', (id: string) => id.replace(/-.*/, '-aaaaaaaa:m:aaaaaaaaaaaaaaaa')],
])('with %s it is bad', async (_, spoil) => {
  expect(await sessions.read(spoil(await sessions.open('status', ALICE, NOW)), 'status', ALICE, NOW)).toBe('bad');
});
