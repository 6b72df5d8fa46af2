// What waits behind a message that is asked about in a shard which stands still, in Redis Cluster.
import { type Outcome, type Request, withdraw } from '../../src/store/contract.ts';
import { NEEDS_SENDER } from '../../src/store/redis/codec/message-replies.ts';
import type { InternalRequest } from '../../src/store/redis/internal-requests.ts';
import { ShardPipelines } from '../../src/store/redis/shard-pipelines.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { ALICE, aliceWrites } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const shards = new Shards('{receipts}', 16);
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const KB = 1024;

test('messages that wait for one that is asked about are refused when there is no room for more', async () => {
  let asked = 0;
  const store = {
    batch: () => Promise.reject(new Error('it has shards')),
    batchIn: (_: number, requests: readonly (Request | InternalRequest)[]): Promise<Outcome[]> => {
      if (requests.every(({ kind }) => kind === 'accept'))
        return Promise.resolve(requests.map(() => NEEDS_SENDER as never));
      asked += 1;
      return new Promise(() => {});
    },
  };
  const pipelines = new ShardPipelines(store, shards, { log: silent, timeout: 60_000 });
  let refused = 0;
  const write = (id: string) => {
    const request = aliceWrites({ id });
    pipelines.push({
      request,
      owner: ALICE,
      bytes: 60 * KB,
      done: () => {},
      refuse: () => {
        refused += 1;
      },
      withdraw: () => withdraw(request.key, request.token),
    });
  };
  write('first');
  await until(() => asked === 1, { what: 'her shard' });
  for (let i = 0; i < 1000; i += 1) write(`m-${i}`);
  expect((1000 - refused) * 60).toBeLessThan(16 * KB);
  expect(refused).toBeLessThan(1000);
  pipelines.close();
});
