// How messages end undelivered, and what their senders are told; on the store in memory, without Redis.
import { requeue } from '../../src/store/contract.ts';
import {
  aliceIs,
  aliceSends,
  bobBounces,
  bobSends,
  openMemoryStage,
  received,
} from '../support/stages/memory-delivery-stage.ts';
import { DAY, keyOf, SECOND } from '../support/store/ledger.ts';

let room: ReturnType<typeof openMemoryStage>;
beforeEach(() => {
  room = openMemoryStage();
});
afterEach(() => room.close());

async function aliceHasSent(id = 'm-1'): Promise<void> {
  await room.does(aliceSends(id));
  await room.handsOver();
}
/** Bob is known to return receipts. */
async function bobConfirms(): Promise<void> {
  await aliceHasSent('m-0');
  await room.does(bobSends(received('m-0')));
  await room.handsOver();
}

test('a permanent error ends it, and goes to its sender', async () => {
  await aliceHasSent();
  expect(await room.does(bobBounces('item-not-found'))).toEqual(['failure m-1 item-not-found']);
  expect(await room.stateOf('m-1')).toBe('rejected');
  expect(room.ended).toMatchObject([[{ wireId: 'm-1' }, 'rejected']]);
  await room.handsOver();
  expect(await room.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
});

test('a copy that still waits to be written is withdrawn', async () => {
  await room.does(aliceSends());
  const copy = room.held().find(({ tag }) => tag?.kind === 'copy');
  expect(copy?.done).toBe(false);
  await room.does(bobBounces('gone'));
  expect(copy?.done).toBe(true);
});

test('a temporary one has it sent again by the timetable', async () => {
  await aliceHasSent();
  expect(await room.does(bobBounces('resource-constraint'))).toEqual([]);
  room.passes(40 * SECOND);
  expect(await room.sweeps()).toEqual([expect.stringContaining('copy m-1, again')]);
});

test('the end of its life is a failure where he returns receipts', async () => {
  await bobConfirms();
  await aliceHasSent();
  room.passes(8 * DAY);
  expect(await room.sweeps()).toEqual(['failure m-1 recipient-unavailable']);
  expect(await room.stateOf('m-1')).toBe('expired');
});

test('and a quiet notice where nobody knows', async () => {
  await aliceHasSent();
  room.passes(8 * DAY);
  expect(await room.sweeps()).toEqual(['unconfirmed m-1']);
  expect(room.counts).toMatchObject({ unconfirmed: 1, expired: 0 });
});

test('a notice that the server does not prove to have is repeated', async () => {
  await aliceHasSent();
  await room.does(bobBounces('gone'));
  for (const held of room.held()) held.done = true;
  room.passes(11 * SECOND);
  expect(await room.sweeps()).toEqual(['failure m-1 gone']);
  await room.handsOver();
  room.passes(11 * SECOND);
  expect(await room.sweeps()).toEqual([]);
});

test('a sender who is away is told when he comes', async () => {
  await room.befriends();
  await aliceHasSent();
  await room.does(aliceIs('phone'));
  await room.does(aliceIs('phone', 'type="unavailable"'));
  expect(await room.does(bobBounces('gone'))).toEqual([]);
  room.passes(60 * SECOND);
  expect(await room.sweeps()).toEqual([]);
  await room.does(aliceIs('phone'));
  expect(await room.sweeps()).toEqual(['failure m-1 gone']);
});

test('an undelivered one can be sent after all', async () => {
  await aliceHasSent();
  await room.does(bobBounces('gone'));
  await room.handsOver();
  const requeued = await room.ledger.perform(requeue(keyOf('m-1')));
  if (requeued === undefined) throw new Error('It is not kept');
  room.receipts.endings.requeue(requeued);
  expect(await room.does()).toEqual(['copy m-1, again']);
  expect(await room.does(bobSends(received('m-1')))).toEqual(['received m-1']);
});
