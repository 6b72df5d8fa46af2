// What store/contract.ts promises, of 16 shards on three masters of a Redis Cluster.
import type { Cluster } from 'ioredis';
import { type Connections, connect } from '../../src/store/redis/connections.ts';
import { type RedisCluster, startRedisCluster } from '../support/servers/redis-cluster.ts';
import { IMPLEMENTATIONS, openInCluster } from '../support/store/store-contract.ts';

let group: RedisCluster;
let connections: Connections;
beforeAll(async () => {
  group = await startRedisCluster();
  connections = connect({ url: group.url, cluster: group.startNodes }, () => {});
  await new Promise((resolve) => connections.ledger.once('ready', resolve));
});
afterAll(async () => {
  await connections.close();
  await group.stop();
});

// The tests of the other implementations, of this one.
for (const name of Object.keys(IMPLEMENTATIONS)) delete IMPLEMENTATIONS[name];
IMPLEMENTATIONS['Redis Cluster'] = (_, retention) => openInCluster(connections.ledger as Cluster, retention);
for (const name of ['', '-explain', '-presence', '-queries']) await import(`./store-contract${name}.test.ts`);
