// What the store's contract promises about explaining a message for the log, of each implementation.
import {
  bounce,
  erase,
  explain,
  handOver,
  notified,
  recordPresence,
  settle,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { LEASE } from '../../src/store/retry-policy.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, keyOf, SECOND } from '../support/store/ledger.ts';
import { IMPLEMENTATIONS, type Implementation, type Subject } from '../support/store/store-contract.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const NOW = Date.now();
const KEY = keyOf('m-1');
const UNKNOWN = { presence: 'unknown', acknowledges: 'unknown', copy: 'none' };

describe.each(Object.keys(IMPLEMENTATIONS))('explain, by the store in %s', (implementation) => {
  let opened: Implementation;
  let store: Subject;
  beforeEach(() => {
    opened = (IMPLEMENTATIONS[implementation] as (url: string) => Implementation)(server.url);
    store = opened.store;
  });
  afterEach(() => opened.close());

  const explained = (at = NOW, key = KEY) => store.perform(explain(key), at);
  const situation = async (at = NOW) => (await explained(at))?.situation;
  const accepts = (id = 'm-1') => store.perform(aliceWrites({ id, at: NOW }), NOW);
  const handsOver = () => {
    const dues = { byTimetable: NOW + 30 * SECOND, unconfirmed: NOW + 900 * SECOND };
    const copy = { key: KEY, attempt: 1, copies: 1, ...dues, sender: ALICE, recipient: BOB, noStore: false };
    return store.perform(handOver(copy), NOW);
  };
  const sees = (available: boolean, at: number) =>
    store.perform(recordPresence(BOB, ALICE, 'desk', available, at, '', '', `p-${at}`), at);

  test('says nothing of a message that is not there, or not any more', async () => {
    expect(await explained()).toBeUndefined();
    await accepts();
    expect(await explained()).toBeDefined();
    await store.perform(erase(BOB, [KEY]), NOW);
    expect(await explained()).toBeUndefined();
  });

  test('gives the record without its payload, and when it is due', async () => {
    await accepts();
    const reply = await explained();
    expect(reply).toMatchObject({ situation: UNKNOWN, due: NOW + LEASE, record: { state: 'pending', attempt: 1 } });
    expect(reply?.record).toMatchObject({ sender: ALICE, recipient: BOB });
    expect(reply?.record.inner).toBe('');
  });

  test('names the row that the last copy, the recipient’s presence and his receipts make', async () => {
    await accepts();
    await handsOver();
    expect(await explained()).toMatchObject({
      situation: { ...UNKNOWN, copy: 'handed over' },
      due: NOW + 900 * SECOND,
    });
    await store.perform(subscriptionStep('subscribed', BOB, ALICE, NOW, 'granted'), NOW);
    await sees(true, NOW + 1);
    expect(await situation(NOW + 1)).toEqual({ presence: 'online', acknowledges: 'unknown', copy: 'handed over' });
    await accepts('m-2');
    await store.perform(settle(keyOf('m-2'), 'desk', NOW + 2, { sender: ALICE, recipient: BOB }), NOW + 2);
    expect(await situation(NOW + 2)).toEqual({ presence: 'online', acknowledges: 'yes', copy: 'handed over' });
    await sees(false, NOW + 3);
    expect(await situation(NOW + 3)).toEqual({ presence: 'offline', acknowledges: 'yes', copy: 'handed over' });
    await store.perform(bounce(KEY), NOW + 4);
    expect(await situation(NOW + 4)).toEqual({ presence: 'offline', acknowledges: 'yes', copy: 'bounced' });
  });

  test('of what has ended gives when its sender is owed the notice, until he has it', async () => {
    await accepts();
    await store.perform(settle(KEY, 'desk', NOW, { sender: ALICE, recipient: BOB }), NOW);
    expect(await explained()).toMatchObject({ record: { state: 'delivered' }, due: expect.any(Number) });
    for (const request of notified([{ key: KEY, state: 'delivered' }])) await store.perform(request, NOW);
    const reply = await explained();
    expect(reply).toMatchObject({ record: { state: 'delivered' } });
    expect(reply?.due).toBeUndefined();
  });

  test('changes nothing', async () => {
    await accepts();
    await handsOver();
    const seen = async () => [await store.status([KEY]), await store.figures(NOW), await explained()];
    const before = await seen();
    expect(await seen()).toEqual(before);
    expect((await store.sweep(1000, 10, NOW + 900 * SECOND)).overdue.map(({ key }) => key)).toEqual([KEY]);
  });
});
