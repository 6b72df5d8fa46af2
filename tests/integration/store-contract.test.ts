// What store/contract.ts promises, of each implementation: the store in Redis, and that in memory which tests take for it.
import {
  bounce,
  bringForward,
  cancel,
  claim,
  endCommandSession,
  endIq,
  erase,
  expire,
  forgetIq,
  handOver,
  isTaken,
  keyOfHeld,
  knownCapabilities,
  notified,
  openCommandSession,
  overdueIqs,
  pause,
  prove,
  type QuotaReason,
  readCommandSession,
  readdress,
  recordCapabilities,
  recordIq,
  reject,
  release,
  renewLease,
  requeue,
  resume,
  retryNow,
  settle,
  settleByMention,
  settleUpTo,
  supersede,
  takeIqResponse,
  tokenOfHeld,
  withdraw,
} from '../../src/store/contract.ts';
import { LEASE } from '../../src/store/retry-policy.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, SECOND } from '../support/store/ledger.ts';
import { claimed, IMPLEMENTATIONS, type Subject } from '../support/store/store-contract.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const NOW = Date.now();
const TTL = 7 * DAY;
const KEY = keyOf('m-1');

describe.each(Object.keys(IMPLEMENTATIONS))('the store in %s', (implementation) => {
  let store: Subject;
  let close: () => void;
  beforeEach(() => {
    const open = IMPLEMENTATIONS[implementation];
    if (open === undefined) throw new Error(implementation);
    ({ store, close } = open(server.url));
  });
  afterEach(() => close());

  const accepts = (written: Parameters<typeof aliceWrites>[0] = {}, at = NOW) =>
    store.perform(aliceWrites({ at, ...written }), at);
  /** A copy is handed over: due by the timetable in a minute, or by the retries of the unconfirmed in an hour. */
  const handsOver = (attempt = 1, copies = 1, at = NOW, key = KEY) =>
    store.perform(
      handOver({
        key,
        attempt,
        copies,
        byTimetable: at + 60 * SECOND,
        unconfirmed: at + 3600 * SECOND,
        sender: ALICE,
        recipient: BOB,
        noStore: false,
      }),
      at,
    );
  const stateOf = async (key = KEY) => (await store.status([key]))[0]?.state;
  const keysDue = async (at: number) => (await store.sweep(1000, 100, at)).overdue.map(({ key }) => key);

  describe('accept', () => {
    test('stores what is new, gives it a lease, and says the same to a repetition after a lost reply', async () => {
      for (let times = 0; times < 2; times += 1) {
        expect(await accepts({ token: 't' })).toEqual({ outcome: 'stored', key: KEY });
      }
      expect(await store.figures(NOW)).toMatchObject({ pending: 1, owed: 0 });
      expect(await store.status([KEY, keyOf('other')])).toMatchObject([
        { key: KEY, state: 'pending', sender: ALICE, recipient: BOB, attempt: 1, copies: 0, inner: '' },
        undefined,
      ]);
      expect(await keysDue(NOW + LEASE - 1)).toEqual([]);
      expect(await keysDue(NOW + LEASE)).toEqual([KEY]);
    });

    test('answers a duplicate from what is known, also after its end', async () => {
      await accepts();
      expect(await accepts()).toMatchObject({ outcome: 'known', record: { key: KEY, state: 'pending' } });
      await store.perform(settle(KEY, 'desk', NOW), NOW);
      expect(await accepts()).toMatchObject({
        outcome: 'known',
        record: { state: 'delivered', receiptResource: 'desk' },
      });
      expect(await store.figures(NOW)).toMatchObject({ pending: 0 });
    });

    test('stores another message of the same id under another key, and finds the newest by the id', async () => {
      await accepts({ body: 'one' });
      const other = await accepts({ body: 'two', at: NOW + 1 }, NOW + 1);
      expect(other).toMatchObject({ outcome: 'stored' });
      expect(other).not.toMatchObject({ key: KEY });
      expect(await store.status([KEY])).toMatchObject([{ storedAt: NOW + 1 }]);
      expect(await store.figures(NOW)).toMatchObject({ pending: 2 });
    });

    test('takes the same words under a counted id for another message when their sender cannot be in doubt', async () => {
      await accepts({ countable: true });
      expect(await accepts({ countable: true }, NOW + SECOND)).toMatchObject({ outcome: 'known' });
      expect(await accepts({ countable: true, resource: 'tablet' }, NOW + SECOND)).toMatchObject({ outcome: 'stored' });
      expect(await accepts({ countable: true, id: 'm-2' }, NOW)).toMatchObject({ outcome: 'stored' });
      expect(await accepts({ countable: true, id: 'm-2' }, NOW + 301 * SECOND)).toMatchObject({ outcome: 'stored' });
    });

    test('is found by the origin-id and by the id', async () => {
      await accepts({ originId: 'o-1' });
      expect(await store.perform(settle(KEY, 'desk', NOW), NOW)).toMatchObject({
        outcome: 'delivered',
        record: { key: keyOf('o-1'), wireId: 'm-1' },
      });
    });

    test('tells what a correction is about, and the first message where it corrects a correction', async () => {
      await accepts();
      const first = await accepts({ id: 'c-1', body: 'one', corrects: 'm-1' });
      expect(first).toMatchObject({ outcome: 'stored', key: keyOf('c-1'), target: KEY });
      expect(await accepts({ id: 'c-2', body: 'two', corrects: 'c-1' })).toMatchObject({ target: KEY });
    });
  });

  describe('quota', () => {
    const NONE = { messages: 0, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
    test.each([
      ['messages', { messages: 2 }],
      ['bytes', { bytes: 200 }],
      ['conversation', { toOne: 2 }],
      ['domain', { domainMessages: 2 }],
    ] as const)('of %s refuses what is new, and answers what is known', async (reason: QuotaReason, limit) => {
      const quota = { limits: { ...NONE, ...limit }, refuse: undefined };
      for (const id of ['m-1', 'm-2']) {
        await accepts({ id });
        await handsOver(1, 1, NOW, keyOf(id));
      }
      expect(await accepts({ id: 'm-3', quota })).toMatchObject({ outcome: 'refused', reason });
      expect(await accepts({ id: 'm-1', quota })).toMatchObject({ outcome: 'known', record: { key: KEY } });
      for (const id of ['m-1', 'm-2']) await store.perform(settle(keyOf(id), 'desk', NOW), NOW);
      expect(await accepts({ id: 'm-3', quota })).toMatchObject({ outcome: 'stored', taken: 0 });
    });

    test('refuses for a reason of the caller’s, what is known excepted', async () => {
      const quota = { limits: NONE, refuse: 'rate' } as const;
      expect(await accepts({ quota })).toMatchObject({ outcome: 'refused', reason: 'rate' });
      await accepts();
      expect(await accepts({ quota })).toMatchObject({ outcome: 'known' });
    });
  });

  test('isTaken tells a key that a message has from one that none has', async () => {
    expect(await store.perform(isTaken(KEY), NOW)).toBe(false);
    await accepts();
    expect(await store.perform(isTaken(KEY), NOW)).toBe(true);
    expect(await store.perform(isTaken(keyOf('m-2')), NOW)).toBe(false);
    await store.perform(settle(KEY, 'desk', NOW), NOW);
    expect(await store.perform(isTaken(KEY), NOW)).toBe(true);
  });

  test('keyOfHeld tells the messages of one id apart by the numbers that a gate gave them', async () => {
    const stored: string[] = [];
    for (const [n, body, originId] of [
      ['e-1', 'one'],
      ['e-2', 'two'],
      ['e-3', 'three', 'o-3'],
    ] as const) {
      const token = tokenOfHeld(n);
      const accepted = await accepts({ body, token, countable: true, ...(originId !== undefined && { originId }) });
      stored.push((accepted as { key: string }).key);
    }
    const keysOf = async (...numbers: string[]) => {
      const keys: (string | undefined)[] = [];
      for (const n of numbers) keys.push(await store.perform(keyOfHeld(KEY, n), NOW));
      return keys;
    };
    expect(new Set(stored).size).toBe(3);
    expect(await keysOf('e-1', 'e-2', 'e-3', 'e-4')).toEqual([...stored, undefined]);
    // Written again, it is the same message.
    await accepts({ body: 'three', token: tokenOfHeld('e-5'), countable: true, originId: 'o-3' });
    expect(await keysOf('e-3', 'e-5')).toEqual([stored[2], stored[2]]);
    for (const key of stored) await store.perform(settle(key, 'desk', NOW), NOW);
    expect(await keysOf('e-1', 'e-2', 'e-3', 'e-4')).toEqual([...stored, undefined]);
  });

  describe('of one record alone', () => {
    /** Two of one id: one is the first of it, and the other is found by it, too. */
    async function two(): Promise<readonly [first: string, other: string]> {
      await accepts({ id: 'm-1', body: 'one', token: tokenOfHeld('e-1') });
      const other = await accepts({ id: 'm-1', body: 'two', token: tokenOfHeld('e-2'), originId: 'o-2' });
      return [KEY, (other as { key: string }).key];
    }
    const only = (n: string) => tokenOfHeld(n);
    const asks = {
      settle: (key: string, of: string) => settle(key, 'desk', NOW, undefined, undefined, of),
      'settle what the sender has had': (key: string, of: string) => prove(key, 'desk', NOW, true, undefined, of),
      prove: (key: string, of: string) => prove(key, 'desk', NOW, false, undefined, of),
      'settle by mention': (key: string, of: string) => settleByMention(key, keyOf('none'), 'desk', NOW, of),
      reject: (key: string, of: string) => reject(key, NOW, 'gone', undefined, undefined, of),
    };

    test.each(Object.entries(asks))('%s: what has ended meanwhile is no other that goes by its key', async (_, ask) => {
      const [first, other] = await two();
      const ended = await store.perform(ask(first, only('e-1')), NOW);
      expect(ended).toMatchObject({ record: { key: first } });
      for (const token of [only('e-1'), '']) {
        expect(['repeated', 'ended', 'late']).toContain(
          ((await store.perform(ask(first, token), NOW)) as { outcome: string }).outcome,
        );
      }
      expect(await store.status([other])).toMatchObject([{ state: 'pending' }]);
    });

    test.each(Object.entries(asks))('%s: what stands in its place now is another', async (_, ask) => {
      await accepts({ token: tokenOfHeld('e-1') });
      await store.perform(withdraw(KEY, tokenOfHeld('e-1')), NOW);
      await accepts({ token: tokenOfHeld('e-2') });
      expect(await store.perform(ask(KEY, only('e-1')), NOW)).toEqual({ outcome: 'unknown' });
      expect(await store.status([KEY])).toMatchObject([{ state: 'pending' }]);
      expect(await keysDue(NOW + LEASE)).toEqual([KEY]);
    });

    test('which its sender has written again, is the same', async () => {
      await accepts({ token: tokenOfHeld('e-1') });
      await accepts({ token: tokenOfHeld('e-2') });
      expect(await store.perform(asks.settle(KEY, only('e-2')), NOW)).toMatchObject({ outcome: 'delivered' });
    });

    test('that is at hand, what has ended is no other', async () => {
      const [first, other] = await two();
      const [atHand] = await store.status([first]);
      const told = () => store.perform(prove(first, 'desk', NOW, true, atHand), NOW);
      expect(await told()).toMatchObject({ outcome: 'delivered' });
      expect(await told()).toEqual({ outcome: 'repeated' });
      expect(await store.status([other])).toMatchObject([{ state: 'pending' }]);
    });

    test('a marker for what has ended is for what was before it, and for no other', async () => {
      const [first, other] = await two();
      await store.perform(settle(first, 'desk', NOW), NOW);
      const marker = settleUpTo(first, ALICE, BOB, 'desk', NOW, '0', false, only('e-1'));
      expect(await store.perform(marker, NOW)).toEqual({ next: '0', settled: [], earlier: [] });
      expect(await store.status([other])).toMatchObject([{ state: 'pending' }]);
    });
  });

  describe('withdraw', () => {
    test('takes back what nobody was told is stored', async () => {
      await accepts({ token: 't1' });
      for (let times = 0; times < 2; times += 1) await store.perform(withdraw(KEY, 't1'), NOW);
      expect(await store.status([KEY])).toEqual([undefined]);
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 0 });
    });

    test('leaves what another attempt was answered from, and has it sent at once', async () => {
      await accepts({ token: 't1' });
      await accepts({ token: 't2' });
      await store.perform(withdraw(KEY, 't1'), NOW);
      expect(await keysDue(NOW)).toEqual([KEY]);
      await store.perform(withdraw(KEY, 't2'), NOW);
      expect(await store.status([KEY])).toEqual([undefined]);
    });
  });

  describe('settle', () => {
    test('tells delivered, repeated and unknown, and owes the sender his receipt until he is notified', async () => {
      await accepts();
      await handsOver();
      expect(await store.perform(settle(KEY, 'desk', NOW + 5), NOW + 5)).toMatchObject({
        outcome: 'delivered',
        record: { key: KEY, state: 'delivered', settledAt: NOW + 5, receiptResource: 'desk', inner: '' },
      });
      expect(await store.perform(settle(KEY, 'desk', NOW), NOW)).toEqual({ outcome: 'repeated' });
      expect(await store.perform(settle(keyOf('other'), 'desk', NOW), NOW)).toEqual({ outcome: 'unknown' });
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 1 });
      expect(await keysDue(NOW + 5 + LEASE)).toEqual([KEY]);
      for (const request of notified([{ key: KEY, state: 'delivered' }])) await store.perform(request, NOW);
      expect(await store.figures(NOW)).toMatchObject({ owed: 0 });
    });

    test('owes nothing to who asked for no receipt', async () => {
      await accepts({ owesReceipt: false });
      await store.perform(settle(KEY, 'desk', NOW), NOW);
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 0 });
    });

    test('after another end is late, and what was owed about that is owed no more', async () => {
      await accepts();
      await store.perform(reject(KEY, NOW, 'gone', undefined, undefined), NOW);
      expect(await store.perform(settle(KEY, 'desk', NOW), NOW)).toMatchObject({
        outcome: 'late',
        record: { state: 'delivered' },
      });
      expect(await store.perform(requeue(KEY), NOW)).toBeUndefined();
      expect(await store.figures(NOW)).toMatchObject({ owed: 1 });
    });

    test('that the sender has had himself is owed to nobody', async () => {
      await accepts();
      expect(await store.perform(prove(KEY, 'desk', NOW, true), NOW)).toMatchObject({ outcome: 'delivered' });
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 0 });
      expect(await store.perform(settle(KEY, 'desk', NOW), NOW)).toEqual({ outcome: 'repeated' });
    });

    test('after a proof that nobody was told of is late, and owed; the proof itself is owed to nobody', async () => {
      await accepts();
      const proved = await store.perform(prove(KEY, 'desk', NOW, false), NOW);
      expect(proved).toMatchObject({ outcome: 'proved', record: { state: 'unconfirmed', receiptResource: 'desk' } });
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 0 });
      expect(await store.perform(prove(KEY, 'desk', NOW, false), NOW)).toEqual({ outcome: 'repeated' });
      expect(await store.perform(settle(KEY, 'desk', NOW), NOW)).toMatchObject({ outcome: 'late' });
      expect(await store.figures(NOW)).toMatchObject({ owed: 1 });
    });

    test('by a mention is moot for who has a message of his own that it may be about', async () => {
      const token = tokenOfHeld('e-1');
      await accepts({ token });
      await accepts({ id: 'own', token: tokenOfHeld('e-2') });
      const mention = (own: string, only?: string) =>
        store.perform(settleByMention(KEY, keyOf(own), 'desk', NOW, only), NOW);
      // Also where it may be of one record alone, which his own is not.
      for (const only of [undefined, '', token]) expect(await mention('own', only)).toEqual({ outcome: 'repeated' });
      expect(await mention('none', token)).toMatchObject({ outcome: 'delivered' });
    });

    test('of a correction ends what its sender wrote before it in the same place', async () => {
      await accepts();
      for (const id of ['c-1', 'c-2', 'c-3']) await accepts({ id, body: id, corrects: 'm-1' });
      await store.perform(settle(keyOf('c-2'), 'desk', NOW), NOW);
      await store.perform(supersede(keyOf('c-2')), NOW);
      expect([await stateOf(keyOf('c-1')), await stateOf(keyOf('c-3')), await stateOf()]).toEqual([
        'delivered',
        'pending',
        'pending',
      ]);
    });

    test('of a correction older than all that are remembered ends none of the newer ones', async () => {
      await accepts();
      const ids = Array.from({ length: 101 }, (_, i) => `c-${i}`);
      for (const id of ids) await accepts({ id, body: id, corrects: 'm-1' });
      await store.perform(settle(keyOf('c-0'), 'desk', NOW), NOW);
      await store.perform(supersede(keyOf('c-0')), NOW);
      for (const id of ids.slice(1)) expect([id, await stateOf(keyOf(id))]).toEqual([id, 'pending']);
    });
  });

  describe('claim', () => {
    test('gives an attempt to one, with its body, for a lease', async () => {
      await accepts({ body: 'hello' });
      expect(await store.perform(claim(KEY, 1), NOW)).toMatchObject({
        outcome: 'claimed',
        noStore: false,
        target: '',
        record: { key: KEY, attempt: 2, copies: 0, inner: '<body>hello</body>' },
      });
      expect(await store.perform(claim(KEY, 1), NOW)).toEqual({ outcome: 'moot' });
      expect(await store.perform(claim(keyOf('other'), 1), NOW)).toEqual({ outcome: 'moot' });
      expect(await keysDue(NOW + LEASE - 1)).toEqual([]);
      expect(await keysDue(NOW + LEASE)).toEqual([KEY]);
    });

    test('by a job whose lease was another’s is moot when the message is not due', async () => {
      await accepts();
      await handsOver();
      expect(await store.perform(claim(KEY, 1, NOW + 5), NOW + 1)).toEqual({ outcome: 'moot' });
      expect(await store.perform(claim(KEY, 1, NOW + 3600 * SECOND), NOW + 1)).toMatchObject({ outcome: 'claimed' });
    });

    test('of what was handed over is kept from offline storage; what came back is out no more', async () => {
      await accepts();
      await handsOver();
      const again = await store.perform(claim(KEY, 1), NOW);
      expect(again).toMatchObject({ outcome: 'claimed', noStore: true, record: { copies: 1, copyOut: true } });
      await handsOver(2, 2);
      expect(await store.status([KEY])).toMatchObject([{ copies: 2, copyOut: true, bounced: false }]);
    });

    test('is overdue at the end of the message’s life', async () => {
      await accepts();
      expect(await store.perform(claim(KEY, 1), NOW + TTL)).toEqual({ outcome: 'overdue' });
    });

    test('of a correction waits for a later one, and ends when that is delivered', async () => {
      await accepts();
      await accepts({ id: 'c-1', body: 'one', corrects: 'm-1' });
      await accepts({ id: 'c-2', body: 'two', corrects: 'm-1' });
      expect(await store.perform(claim(keyOf('c-1'), 1), NOW)).toEqual({ outcome: 'moot' });
      await store.perform(settle(keyOf('c-2'), 'desk', NOW), NOW);
      expect(await store.perform(claim(keyOf('c-1'), 1), NOW)).toEqual({ outcome: 'moot' });
      expect(await stateOf(keyOf('c-1'))).toBe('delivered');
    });
  });

  describe('handOver', () => {
    test('leaves it to the few retries of the unconfirmed, or to the timetable of who returns receipts', async () => {
      await accepts();
      expect(await handsOver()).toBe(NOW + 3600 * SECOND);
      await store.perform(settle(KEY, 'desk', NOW, { sender: ALICE, recipient: BOB }), NOW);
      await accepts({ id: 'm-2' });
      expect(await handsOver(1, 1, NOW, keyOf('m-2'))).toBe(NOW + 60 * SECOND);
      expect(await keysDue(NOW + 60 * SECOND)).toContain(keyOf('m-2'));
    });

    test('brings what was sent before forward once its recipient is seen to return receipts', async () => {
      await accepts();
      await accepts({ id: 'm-2' });
      for (const key of [KEY, keyOf('m-2')]) await handsOver(1, 1, NOW, key);
      await store.perform(settle(keyOf('m-2'), 'desk', NOW, { sender: ALICE, recipient: BOB }), NOW);
      expect(await keysDue(NOW + 30 * SECOND)).toContain(KEY);
    });

    test('of an attempt that is not the last one only notes that a copy is out; twice is once', async () => {
      await accepts();
      await store.perform(claim(KEY, 1), NOW);
      expect(await handsOver(1)).toBeUndefined();
      expect(await store.status([KEY])).toMatchObject([{ copies: 0, copyOut: true }]);
      for (let times = 0; times < 2; times += 1) await handsOver(2, 1);
      expect(await store.status([KEY])).toMatchObject([{ copies: 1 }]);
    });

    test('of what has ended is moot', async () => {
      await accepts();
      await store.perform(settle(KEY, 'desk', NOW), NOW);
      expect(await handsOver()).toBeUndefined();
    });
  });

  describe('bounce', () => {
    test('leaves it pending, and has it due when the caller says', async () => {
      await accepts();
      await handsOver();
      expect(await store.perform(bounce(KEY), NOW)).toMatchObject({ outcome: 'done', record: { key: KEY } });
      await store.perform(bringForward(KEY, NOW + 30 * SECOND, BOB), NOW);
      await store.perform(bringForward(KEY, NOW + 40 * SECOND, BOB), NOW);
      expect(await store.status([KEY])).toMatchObject([{ state: 'pending', bounced: true, copyOut: false }]);
      expect(await keysDue(NOW + 30 * SECOND - 1)).toEqual([]);
      expect(await keysDue(NOW + 30 * SECOND)).toEqual([KEY]);
    });

    test('tells what had ended from what is unknown', async () => {
      await accepts();
      await store.perform(settle(KEY, 'desk', NOW), NOW);
      for (const request of [bounce, (key: string) => reject(key, NOW, 'gone', undefined, undefined)]) {
        expect(await store.perform(request(KEY), NOW)).toEqual({ outcome: 'ended' });
        expect(await store.perform(request(keyOf('other')), NOW)).toEqual({ outcome: 'unknown' });
      }
    });

    test('of a later copy says nothing of an earlier one', async () => {
      await accepts();
      await handsOver();
      await store.perform(claim(KEY, 1), NOW);
      await store.perform(bounce(KEY), NOW);
      expect(await store.status([KEY])).toMatchObject([{ bounced: false, copyOut: true }]);
    });
  });

  describe('an end without delivery', () => {
    test('reject gives the whole message back and owes its sender the failure, with the body', async () => {
      await accepts({ body: 'hello' });
      await handsOver();
      expect(await store.perform(reject(KEY, NOW + 7, 'gone', 'cancel', 'Bye'), NOW + 7)).toMatchObject({
        outcome: 'done',
        record: {
          state: 'rejected',
          condition: 'gone',
          conditionType: 'cancel',
          conditionText: 'Bye',
          settledAt: NOW + 7,
          inner: '<body>hello</body>',
        },
      });
      const later = NOW + 7 + LEASE;
      expect(await keysDue(later)).toEqual([KEY]);
      const owed = await claimed(store, KEY, later + 1000);
      expect(owed).toMatchObject({ state: 'rejected', inner: '<body>hello</body>' });
      for (const request of notified([owed])) await store.perform(request, later);
      expect(await store.figures(NOW)).toMatchObject({ owed: 0 });
    });

    test('expire ends it when its life is over, not before: as unconfirmed where a copy is out', async () => {
      await accepts();
      await accepts({ id: 'm-2' });
      await handsOver();
      for (const key of [KEY, keyOf('m-2')]) {
        expect(await store.perform(expire(key, NOW + TTL - 1), NOW + TTL - 1)).toBeUndefined();
      }
      expect(await store.perform(expire(KEY, NOW + TTL), NOW + TTL)).toMatchObject({ state: 'unconfirmed' });
      expect(await store.perform(expire(keyOf('m-2'), NOW + TTL), NOW + TTL)).toMatchObject({ state: 'expired' });
      expect(await store.perform(expire(KEY, NOW + TTL), NOW + TTL)).toBeUndefined();
      expect(await store.perform(requeue(KEY), NOW + TTL)).toBeUndefined();
    });

    test('requeue gives it a new life, an attempt claimed, once', async () => {
      await accepts({ body: 'hello' });
      await handsOver();
      await store.perform(reject(KEY, NOW, 'gone', undefined, undefined), NOW);
      const at = NOW + DAY;
      expect(await store.perform(requeue(KEY), at)).toMatchObject({
        state: 'pending',
        attempt: 2,
        copies: 0,
        copyOut: false,
        firstStoredAt: NOW,
        storedAt: at,
        inner: '<body>hello</body>',
      });
      expect(await store.perform(requeue(KEY), at)).toBeUndefined();
      expect(await store.figures(at)).toMatchObject({ pending: 1, owed: 0 });
    });
  });

  test('readdress moves a pending message’s answers, and takes back no request for a receipt', async () => {
    await accepts();
    await store.perform(readdress(KEY, 'tablet', 'm-7'), NOW);
    expect(await claimed(store, KEY, NOW)).toMatchObject({
      senderResource: 'tablet',
      senderId: 'm-7',
      wireId: 'm-1',
      owesReceipt: true,
    });
  });

  describe('sweep', () => {
    test('takes what is due, in the order of storing, for a lease, and what is given back again', async () => {
      for (const [i, id] of ['m-1', 'm-2', 'm-3'].entries()) await accepts({ id, at: NOW + i }, NOW + 3 - i);
      const at = NOW + LEASE + 10;
      const swept = await store.sweep(5000, 2, at);
      expect(swept).toMatchObject({ now: at, damaged: 0, unreported: [], unreadable: [] });
      expect(swept.overdue.map(({ wireId }) => wireId)).toEqual(['m-2', 'm-3']);
      expect(swept.overdue.map(({ inner }) => inner)).toEqual(['', '']);
      expect(await keysDue(at + 1)).toEqual([KEY]);
      for (const request of release(swept.overdue, at + 5000)) await store.perform(request, at + 2);
      expect(await keysDue(at + 2)).toEqual([keyOf('m-2'), keyOf('m-3')]);
    });

    test('leaves what waits with whoever has claimed it', async () => {
      await accepts();
      const { attempt } = await claimed(store, KEY, NOW);
      await store.perform(renewLease([{ key: KEY, attempt: attempt - 1 }], NOW + DAY), NOW);
      expect(await keysDue(NOW + LEASE)).toEqual([KEY]);
      await store.perform(renewLease([{ key: KEY, attempt }], NOW + DAY), NOW);
      expect(await keysDue(NOW + DAY - 1)).toEqual([]);
      expect(await keysDue(NOW + DAY)).toEqual([KEY]);
    });
  });

  test('pause keeps further copies back, neither first ones nor the end of a life', async () => {
    await accepts();
    await handsOver();
    await accepts({ id: 'first' });
    expect(await store.perform(pause('admin@example.org', NOW), NOW)).toBeUndefined();
    expect(await store.perform(pause('other@example.org', NOW + 1), NOW)).toEqual({
      since: NOW,
      by: 'admin@example.org',
    });
    expect(await store.perform(claim(KEY, 1), NOW)).toEqual({ outcome: 'moot' });
    expect(await keysDue(NOW + DAY)).toEqual([keyOf('first')]);
    expect(await keysDue(NOW + TTL)).toContain(KEY);
    expect(await store.perform(resume(), NOW)).toMatchObject({ by: 'admin@example.org' });
    expect(await store.perform(resume(), NOW)).toBeUndefined();
    expect(await store.perform(claim(KEY, 1), NOW)).toMatchObject({ outcome: 'claimed' });
  });

  describe('administration', () => {
    test('cancel ends a pending message with nothing owed, drops an undelivered one, and asks whose it is', async () => {
      await accepts();
      const by = (owner: string | undefined) => store.perform(cancel(KEY, owner, NOW, 'its sender'), NOW);
      expect(await by('carol@example.org')).toEqual({ outcome: 'unknown' });
      expect(await by(ALICE)).toMatchObject({
        outcome: 'cancelled',
        record: { state: 'rejected', condition: 'undefined-condition', conditionText: 'Cancelled by its sender' },
      });
      expect(await by(ALICE)).toEqual({ outcome: 'unknown' });
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 0 });
      await accepts({ id: 'm-2' });
      await store.perform(reject(keyOf('m-2'), NOW, 'gone', undefined, undefined), NOW);
      expect(await store.perform(cancel(keyOf('m-2'), ALICE, NOW, 'its sender'), NOW)).toEqual({ outcome: 'dropped' });
      expect(await store.perform(requeue(keyOf('m-2')), NOW)).toBeUndefined();
    });

    test('retryNow makes a message due that is not being sent', async () => {
      await accepts();
      const retried = (owner?: string) => store.perform(retryNow(KEY, owner), NOW);
      expect(await retried()).toBe('in flight');
      await handsOver();
      expect(await retried(ALICE)).toBe('ordinary');
      expect(await retried()).toBe('due');
      expect(await keysDue(NOW)).toEqual([KEY]);
      await store.perform(reject(KEY, NOW, 'gone', undefined, undefined), NOW);
      expect(await retried()).toBe('undelivered');
      expect(await retried('carol@example.org')).toBe('unknown');
    });

    test('erase takes away what one sent or was to get, or counts it', async () => {
      await accepts();
      const keys = [KEY, keyOf('never')];
      expect(await store.perform(erase('carol@example.org', keys), NOW)).toBe(0);
      expect(await store.perform(erase(BOB, keys, true), NOW)).toBe(1);
      expect(await store.perform(erase(BOB, keys), NOW)).toBe(1);
      expect(await store.status([KEY])).toEqual([undefined]);
      expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 0 });
    });

    test('a command’s session ends once', async () => {
      await store.perform(openCommandSession('s', 'hers', 60 * SECOND), NOW);
      expect(await store.perform(readCommandSession('s'), NOW)).toEqual({ whose: 'hers' });
      const end = (token: string) => store.perform(endCommandSession('s', token), NOW);
      expect([await end('one'), await end('one'), await end('two')]).toEqual([true, true, false]);
      expect(await store.perform(readCommandSession('s'), NOW)).toBe('ended');
      expect(await store.perform(readCommandSession('none'), NOW)).toBeUndefined();
    });
  });

  describe('requests between users', () => {
    const iq = {
      requester: ALICE,
      responder: `${BOB}/desk`,
      substitute: undefined,
      proxied: 'alice@receipts.example.org/phone',
      from: `${ALICE}/phone`,
      to: 'bob@receipts.example.org/desk',
      id: 'q-1',
    };
    const record = (id: string) => store.perform(recordIq(id, iq, NOW + SECOND, { all: 2, each: 1 }), NOW);
    const take = (token: string, from = iq.responder) =>
      store.perform(takeIqResponse('ofr-1', token, from, iq.proxied, NOW + 2 * SECOND), NOW);

    test('are bounded, and are answered once by whom they went to', async () => {
      expect([await record('ofr-1'), await record('ofr-1'), await record('ofr-2')]).toEqual([true, true, false]);
      expect(await take('a', 'carol@example.org')).toEqual({ outcome: 'forged' });
      for (let times = 0; times < 2; times += 1) expect(await take('a')).toEqual({ outcome: 'answers', iq });
      expect(await take('b')).toEqual({ outcome: 'late' });
      await store.perform(forgetIq('ofr-1'), NOW);
      expect(await take('a')).toEqual({ outcome: 'late' });
      expect(await record('ofr-2')).toBe(true);
    });

    test('that nobody answers are given to one who tells their requester', async () => {
      await record('ofr-1');
      const overdue = (at: number) => store.perform(overdueIqs(at, at + 50, 10), NOW);
      expect(await overdue(NOW)).toEqual([]);
      expect(await overdue(NOW + SECOND)).toEqual([{ id: 'ofr-1', iq }]);
      expect(await overdue(NOW + SECOND + 49)).toEqual([]);
      expect(await store.perform(endIq('ofr-1', BOB, NOW + SECOND), NOW)).toBeUndefined();
    });

    test('capabilities are known once they are recorded', async () => {
      expect(await store.perform(knownCapabilities('sha-1', 'v'), NOW)).toBeUndefined();
      await store.perform(recordCapabilities('sha-1', 'v', 'y', 60 * SECOND), NOW);
      expect(await store.perform(knownCapabilities('sha-1', 'v'), NOW)).toBe('y');
    });
  });

  test('a batch is carried out in its order', async () => {
    const write = () => aliceWrites({ at: NOW });
    expect(await store.batch([write(), write(), settle(KEY, '', NOW), write()], NOW)).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'known', record: { state: 'pending' } },
      { outcome: 'delivered' },
      { outcome: 'known', record: { state: 'delivered' } },
    ]);
  });
});
