import fc from 'fast-check';
import { claim, type Request, settle, withdraw } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { aliceWrites, keyOf, openLedger } from '../support/store/ledger.ts';

/**
 * An attempt to store a message may be refused (its sender is told to try again) and carried out by a stalled Redis all the
 * same. It is taken back then; but not from under another attempt that was answered from what it had stored.
 */
let server: RedisServer;
let opened: ReturnType<typeof openLedger>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
});
afterEach(() => opened.close());

const KEY = keyOf('m-1');
const attempt = (token: string) => aliceWrites({ token });
const takeBack = (token: string) => withdraw(KEY, token);
const once: (typeof opened.ledger)['perform'] = (operation) => opened.ledger.perform(operation);
const isStored = async () => (await opened.redis.exists(opened.ledger.keys.record(KEY))) === 1;
const due = async () => Number(await opened.redis.zscore(opened.ledger.keys.due, KEY));

test('a refused attempt is taken back', async () => {
  await once(attempt('t1'));
  await once(takeBack('t1'));
  expect(await isStored()).toBe(false);
  expect(await opened.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
});

test('what another attempt was answered from stays, and is sent at once, as nobody else will', async () => {
  await once(attempt('t1'));
  expect(await once(attempt('t2'))).toMatchObject({ record: { state: 'pending' } });
  await once(takeBack('t1'));
  expect(await isStored()).toBe(true);
  expect(await due()).toBeLessThanOrEqual(opened.ledger.clock.now());
  // It was the one that its sender is told of, and is known as his own should he ask again.
  expect(await once(attempt('t2'))).toEqual({ key: KEY, outcome: 'stored' });
});

test('a refused resend takes nothing from the attempt that stored the message, nor makes it due earlier', async () => {
  await once(attempt('t1'));
  await once(attempt('t2'));
  const before = await due();
  await once(takeBack('t2'));
  expect(await isStored()).toBe(true);
  expect(await due()).toBe(before);
});

test('when all attempts were refused it is gone', async () => {
  for (const token of ['t1', 't2', 't3']) await once(attempt(token));
  for (const token of ['t3', 't1', 't2']) await once(takeBack(token));
  expect(await isStored()).toBe(false);
  expect(await opened.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
});

test('an attempt that is carried out again after a lost reply is answered as before', async () => {
  await once(attempt('t1'));
  await once(attempt('t2'));
  expect(await once(attempt('t1'))).toEqual({ key: KEY, outcome: 'stored' });
  expect(await once(attempt('t2'))).toMatchObject({ record: { state: 'pending' } });
});

test('of ever so many attempts the record keeps a bounded number, and then stays whatever is taken back', async () => {
  const tokens = Array.from({ length: 40 }, (_, i) => `t${i}`);
  await once(attempt('t0'));
  const size = () => opened.redis.strlen(opened.ledger.keys.record(KEY));
  for (const token of tokens.slice(0, 20)) await once(attempt(token));
  const before = await size();
  for (const token of tokens.slice(20)) await once(attempt(token));
  expect(await size()).toBe(before);
  for (const token of tokens) await once(takeBack(token));
  expect(await isStored()).toBe(true);
});

test('what has been taken up since is not taken back', async () => {
  await once(attempt('t1'));
  await once(claim(KEY, 1));
  await once(takeBack('t1'));
  expect(await isStored()).toBe(true);
});

test('another text under the same id is taken back by its own attempt alone', async () => {
  await once(attempt('t1'));
  const other = (token: string) => aliceWrites({ body: 'other', token });
  await once(other('t2'));
  await once(withdraw(KEY, 't2'));
  expect(await isStored()).toBe(true);
  expect(await once(other('t3'))).toMatchObject({ outcome: 'stored' });
  expect(await opened.ledger.figures()).toMatchObject({ pending: 2 });
});

describe('a message that has a key of its own, since its sender gave another the same id', () => {
  const other = (token: string) => aliceWrites({ body: 'other', token, countable: true });
  const takeBackOther = (token: string) => withdraw(KEY, token);
  beforeEach(async () => {
    await once(aliceWrites({ token: 't1', countable: true }));
    expect(await once(other('t2'))).toMatchObject({ key: expect.stringContaining('~') });
    expect(await once(other('t3'))).toMatchObject({ record: { state: 'pending' } });
  });

  test.each([[['t2', 't3']], [['t3', 't2']]])('is gone when all attempts were refused (%s)', async (tokens) => {
    for (const token of tokens) await once(takeBackOther(token));
    expect(await opened.ledger.figures()).toMatchObject({ pending: 1 });
    expect(await isStored()).toBe(true);
  });

  test('stays when one was not, and is sent at once', async () => {
    await once(takeBackOther('t2'));
    expect(await opened.ledger.figures()).toMatchObject({ pending: 2 });
    const { overdue } = await opened.ledger.sweep(1000, 10);
    expect(overdue).toHaveLength(1);
  });
});

test('the first of an id is taken back, and a resend of the next under that id is still known', async () => {
  for (const countable of [true, false]) {
    const id = `first-${countable}`;
    const other = (token: string) => aliceWrites({ id, body: 'other', token, countable });
    await once(aliceWrites({ id, token: 't1', countable }));
    expect(await once(other('t2'))).toMatchObject({ outcome: 'stored' });
    await once(withdraw(keyOf(id), 't1'));
    expect(await once(other('t3'))).toMatchObject({ record: { state: 'pending' } });
    // What was taken back is another message all the same, should it come again, and no receipt is for it.
    const again = await once(aliceWrites({ id, token: 't4', countable }));
    if (again.outcome !== 'stored') throw new Error('It is taken for what was taken back');
    for (const expected of ['delivered', 'repeated']) {
      expect(await once(settle(again.key, 'desk', 1))).toMatchObject({ outcome: expected });
    }
  }
  expect(await opened.ledger.figures()).toMatchObject({ pending: 2 });
});

/** What an attempt's process believes. */
type Belief = 'none' | 'acknowledged' | 'refused';

test('no order of attempts, repetitions, lost replies and refusals takes back what somebody acknowledged', async () => {
  const step = fc.record({
    attempt: fc.integer({ min: 0, max: 5 }),
    // `lost`: carried out, and the reply does not arrive; `answered`: it does; `refused`: refused, and taken back.
    what: fc.constantFrom('lost', 'answered', 'refused', 'taken back again'),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      run += 1;
      const id = `m-${run}`;
      const key = keyOf(id);
      const beliefs = new Map<string, Belief>();
      const perform = (operation: Request) => opened.ledger.perform(operation);
      let stored = false;
      for (const { attempt: number, what } of steps) {
        const token = `t${number}`;
        const belief = beliefs.get(token) ?? 'none';
        if (what === 'taken back again') {
          if (belief === 'refused') await perform(withdraw(key, token));
        } else if (belief === 'none') {
          await perform(aliceWrites({ id, token }));
          stored = true;
          if (what === 'answered') beliefs.set(token, 'acknowledged');
          else if (what === 'refused') {
            await perform(withdraw(key, token));
            beliefs.set(token, 'refused');
          }
        }
      }
      const believed = [...beliefs.values()];
      const exists = (await opened.redis.exists(opened.ledger.keys.record(key))) === 1;
      if (believed.includes('acknowledged')) expect(exists).toBe(true);
      // And what only refused attempts have stored is not delivered to anybody.
      else if (stored && steps.every(({ attempt: n }) => beliefs.get(`t${n}`) === 'refused'))
        expect(exists).toBe(false);
    }),
    { numRuns: 150 },
  );
});
