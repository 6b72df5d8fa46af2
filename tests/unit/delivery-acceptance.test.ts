// A message from the stanza to the store, the acknowledgement and the copy; on the store in memory, without Redis.

import { NO_LIMITS } from '../../src/delivery/quotas.ts';
import type { Outcome, Request, Store } from '../../src/store/contract.ts';
import { aliceSends, bobSends, openMemoryStage, received } from '../support/stages/memory-delivery-stage.ts';
import { keyOf, SECOND } from '../support/store/ledger.ts';

let room: ReturnType<typeof openMemoryStage>;
beforeEach(() => {
  room = openMemoryStage();
});
afterEach(() => room.close());

test('a message is stored, acknowledged and forwarded, in this order', async () => {
  expect(await room.does(aliceSends())).toEqual(['stored m-1', 'copy m-1']);
  expect(await room.stateOf('m-1')).toBe('pending');
});

test('nothing is written before the store has answered', async () => {
  let answers = () => {};
  const held = new Promise<void>((resolve) => {
    answers = resolve;
  });
  const { ledger } = room;
  const slow = {
    async batch(requests: readonly Request[]): Promise<readonly Outcome[]> {
      await held;
      return ledger.batch(requests);
    },
    clock: ledger.clock,
  };
  const other = openMemoryStage({ ledger: Object.assign(Object.create(ledger) as Store, slow) });
  const written = other.does(aliceSends());
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(other.written()).toEqual([]);
  expect(await room.stateOf('m-1')).toBeUndefined();
  answers();
  expect(await written).toEqual(['stored m-1', 'copy m-1']);
  other.close();
});

test('many of one turn keep their order', async () => {
  const ids = ['m-1', 'm-2', 'm-3'];
  expect(await room.does(...ids.map((id) => aliceSends(id)))).toEqual(
    ids.flatMap((id) => [`stored ${id}`, `copy ${id}`]),
  );
});

test('what the store refuses for its quota is refused, and not forwarded', async () => {
  const quotas = { limits: { ...NO_LIMITS, messages: 1 }, memoryUsed: () => undefined, onRefused: () => {} };
  const strict = openMemoryStage({ quotas });
  await strict.does(aliceSends());
  await strict.handsOver();
  expect(await strict.does(aliceSends('m-2'))).toEqual(['failure m-2 resource-constraint']);
  expect(await strict.stateOf('m-2')).toBeUndefined();
  strict.close();
});

describe('of one who is over his rate', () => {
  const quotas = {
    limits: { ...NO_LIMITS, rate: 1, burst: 1 },
    memoryUsed: () => undefined,
    onRefused: () => {},
    now: () => 0,
  };

  test('what is new is refused for one look, and what is known is answered', async () => {
    const kinds: string[] = [];
    const { ledger } = room;
    const seen = {
      batch(requests: readonly Request[]): Promise<readonly Outcome[]> {
        kinds.push(...requests.map(({ kind }) => kind));
        return ledger.batch(requests);
      },
      clock: ledger.clock,
    };
    const strict = openMemoryStage({ quotas, ledger: Object.assign(Object.create(ledger) as Store, seen) });
    expect(await strict.does(aliceSends())).toEqual(['stored m-1', 'copy m-1']);
    await strict.handsOver();
    kinds.length = 0;
    expect(await strict.does(aliceSends('m-2'))).toEqual(['failure m-2 resource-constraint']);
    expect(kinds).toEqual(['isTaken']);
    expect(await strict.stateOf('m-2')).toBeUndefined();
    expect(await strict.does(aliceSends())).toEqual(['stored m-1']);
    expect(await strict.does(aliceSends('m-1', '<body>other</body>'))).toEqual(['failure m-1 resource-constraint']);
    strict.close();
  });
});

test('a resend is answered from what is known, and not forwarded', async () => {
  await room.does(aliceSends());
  await room.handsOver();
  expect(await room.does(aliceSends())).toEqual(['stored m-1']);
  expect(room.counts).toMatchObject({ accepted: 1, duplicates: 1 });
});

test('another message of the same id is a message', async () => {
  await room.does(aliceSends());
  const other = await room.does(aliceSends('m-1', '<body>other</body>'));
  expect(other).toEqual([expect.stringMatching(/^copy m-1~/)]);
  expect(await room.ledger.figures()).toMatchObject({ pending: 2 });
});

describe('a copy', () => {
  test('that the server has is due by the rules, and no longer by its lease', async () => {
    await room.does(aliceSends());
    room.passes(5 * SECOND);
    await room.handsOver();
    room.passes(60 * SECOND);
    // Of bob nothing is known: a few retries, after a quarter of an hour.
    expect(await room.sweeps()).toEqual([]);
    room.passes(1000 * SECOND);
    expect(await room.sweeps()).toEqual(['copy m-1, again, not to be stored']);
  });

  test('that nobody has handed over is another’s to send when its lease ends', async () => {
    await room.does(aliceSends());
    // The process that had it has died.
    for (const held of room.held()) held.done = true;
    room.passes(9 * SECOND);
    expect(await room.sweeps()).toEqual([]);
    room.passes(2 * SECOND);
    expect(await room.sweeps()).toEqual(['copy m-1, again']);
  });

  test('to one who returns receipts is sent again by the timetable', async () => {
    await room.does(aliceSends('m-0'));
    await room.handsOver();
    await room.does(bobSends(received('m-0')));
    await room.handsOver();
    await room.does(aliceSends());
    await room.handsOver();
    room.passes(40 * SECOND);
    expect(await room.sweeps()).toEqual(['copy m-1, again, not to be stored']);
    await room.handsOver();
    room.passes(40 * SECOND);
    expect(await room.sweeps()).toEqual([]);
    room.passes(100 * SECOND);
    expect(await room.sweeps()).toEqual(['copy m-1, again, not to be stored']);
  });

  test('is claimed anew after the link was down, once', async () => {
    await room.does(aliceSends());
    const held = room.held();
    expect((await room.receipts.outbox.resume(held)).map(({ tag }) => tag?.attempt)).toContain(2);
    const [record] = await room.ledger.status([keyOf('m-1')]);
    expect(record).toMatchObject({ attempt: 2, copies: 0 });
  });
});
