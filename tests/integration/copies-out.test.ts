// Many copies that are out to one recipient lie in several hashes (scripts/include/copies.lua): all are found, and nothing is left.
import { handOver, sessionAvailable, settle } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, openLedger, SECOND } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
  opened = openLedger(server.url);
});
afterAll(async () => {
  opened.close();
  await server.stop();
});

const COUNT = 600;
const NOW = Date.now();
const SENDERS = [ALICE, 'carol@other.example', 'robot.example'];
const sent = Array.from({ length: COUNT }, (_, i) => {
  const sender = SENDERS[i % SENDERS.length] as string;
  return { id: `m-${i}`, sender, key: recordKey(sender, BOB, `m-${i}`) };
});

test('six hundred to somebody who is away are looked through by pages, counted, and gone when they are confirmed', async () => {
  const { ledger, redis } = opened;
  const queries = new RedisQueries(redis, ledger.shards);
  await redis.hset(ledger.keys.sessions(BOB), '', NOW);
  for (const { id, sender } of sent) await ledger.perform(aliceWrites({ id, sender, at: NOW }), NOW);
  const times = { byTimetable: NOW + DAY, unconfirmed: NOW + DAY };
  const common = { attempt: 1, copies: 1, recipient: BOB, noStore: true, ...times };
  const handedOver = sent.map(({ key, sender }) => handOver({ key, sender, ...common }));
  await ledger.batch(handedOver, NOW);

  const hashes = (await redis.keys(`${ledger.keys.copies(BOB)}*`)).sort();
  expect(hashes.length).toBeGreaterThan(8);
  for (const name of hashes) expect([name, await redis.object('ENCODING', name)]).toEqual([name, 'listpack']);
  expect((await queries.waitingFor(BOB, 10)).total).toBe(COUNT);
  for (const sender of SENDERS) expect((await queries.inTrouble(sender, 10)).total).toBe(COUNT / SENDERS.length);
  const loads = Object.fromEntries((await queries.heaviest(10)).map(({ of, messages }) => [of, messages]));
  expect(loads).toMatchObject({ [ALICE]: 200, '@other.example': 200, 'robot.example': 200 });

  // He comes: each that went nowhere is to be sent again.
  await redis.hset(ledger.keys.sessions(BOB), 'desk', `${NOW + SECOND};y`);
  const missed = new Set<string>();
  let cursor = '0';
  let pages = 0;
  do {
    const at = NOW + 2 * SECOND;
    const times = { stepDue: at + SECOND, leaseUntil: at + SECOND, unconfirmedRetries: 1 };
    const page = await ledger.perform(sessionAvailable({ user: BOB, event: 'login', cursor, ...times }), at);
    for (const { key } of page.missed) missed.add(key);
    cursor = page.next;
    pages += 1;
  } while (cursor !== '0');
  expect([...missed].sort()).toEqual(sent.map(({ key }) => key).sort());
  expect(pages).toBeGreaterThan(3);

  for (const { key } of sent) await ledger.perform(settle(key, 'desk', NOW + 3 * SECOND), NOW + 3 * SECOND);
  expect((await redis.keys(`${ledger.keys.copies(BOB)}*`)).sort()).toEqual([]);
  expect(await redis.exists(ledger.keys.load, ...SENDERS.map((sender) => ledger.keys.holds(sender)))).toBe(0);
});
