import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import {
  endUnheardSessions,
  handOver,
  heartbeat,
  recordPresence,
  settle,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, keyOf, openLedger } from '../support/store/ledger.ts';

test('all keys of ledger and queues share one slot, as Redis Cluster wants it', async () => {
  const server = await startRedis({ cluster: true });
  const { ledger, close } = openLedger(server.url, { prefix: '{receipts}' });
  await ledger.perform(aliceWrites({ id: 'm-1', originId: 'o-1' }));
  await ledger.perform(
    handOver({
      key: keyOf('o-1'),
      attempt: 1,
      copies: 1,
      byTimetable: 1,
      unconfirmed: 1,
      sender: ALICE,
      recipient: BOB,
      noStore: false,
    }),
  );
  expect((await ledger.sweep(1000, 10, Date.now())).overdue).toHaveLength(1);
  expect(await ledger.perform(settle(keyOf('m-1'), '', Date.now(), { sender: ALICE, recipient: BOB }))).toMatchObject({
    outcome: 'delivered',
  });
  expect(await ledger.perform(subscriptionStep('subscribed', BOB, ALICE, Date.now(), 't-1'))).toBe('none');
  const seen = recordPresence(BOB, ALICE, 'desk', true, Date.now(), '', '', 't-2');
  expect(await ledger.perform(seen)).toMatchObject({ what: 'began' });
  expect(await ledger.perform(endUnheardSessions(BOB, Date.now(), true))).toEqual([]);
  expect(await ledger.perform(heartbeat('p-1', Date.now(), 'receipts.example.org'))).toMatchObject({ others: 0 });
  expect(await ledger.contacts('0')).toEqual({ next: '0', users: [BOB] });

  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const queue = new Queue('redelivery', { connection, prefix: '{receipts}' });
  let worker: Worker | undefined;
  const worked = new Promise<unknown>((resolve) => {
    worker = new Worker('redelivery', async (job) => resolve(job.data), { connection, prefix: '{receipts}' });
  });
  await queue.add('message', { key: 'x' });
  expect(await worked).toEqual({ key: 'x' });
  await worker?.close();
  await queue.close();
  connection.disconnect();
  close();
  await server.stop();
});
