// A Redis Cluster that is reached over TLS only with a certificate, by a user with the ACL of docs/operations.md.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { CERT, KEY } from '../fixtures/redis-tls.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { type RedisCluster, startRedisCluster } from '../support/servers/redis-cluster.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const [line] = /^ACL SETUSER .*$/m.exec(text) as RegExpExecArray;
const [, ofCluster] = /In a \[cluster\].* with `(.*?)` as well\./.exec(text) as RegExpExecArray;

const URL_OF_USER = 'rediss://receipts:the-password@cluster';

let folder: string;
let files: { REDIS_TLS_CA: string; REDIS_TLS_CERT: string; REDIS_TLS_KEY: string };
let group: RedisCluster;
let it: PeerProxy | undefined;

beforeAll(async () => {
  folder = await temporaryFolder('cluster-tls');
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  writeFileSync(cert, CERT);
  writeFileSync(key, KEY);
  files = { REDIS_TLS_CA: cert, REDIS_TLS_CERT: cert, REDIS_TLS_KEY: key };
  group = await startRedisCluster({ tls: { cert, key, ca: cert } });
  for (const node of group.nodes) expect(await group.ask(node, `${line} ${ofCluster}`)).toBe('+OK');
});
afterAll(async () => {
  await group.stop();
  await removeFolder(folder);
});
afterEach(async () => {
  await it?.close();
  it = undefined;
});

const settings = () => ({ REDIS_CLUSTER: group.tlsAddresses, SHARDS: '16', LOG_LEVEL: 'warn' });

test('over TLS with a certificate, by that ACL: messages and receipts, and again by another master', async () => {
  it = await PeerProxy.start(URL_OF_USER, { ...settings(), ...files, DURABILITY: 'replicas:1' });
  await it.ready();
  await it.confirmed(await it.acknowledged('before'));
  const slot = slotOf(new Shards('{receipts}', 16).keysOfUser('bob@example.org').prefix);
  const master = await group.masterOf(slot);
  const replica = await group.replicaOf(master);
  await group.ask(replica, 'CLUSTER FAILOVER');
  await until(async () => (await group.masterOf(slot)) === replica, { within: 60_000, what: 'another master' });
  await group.whole();
  await it.ready();
  await it.confirmed(await it.acknowledged('after'));
  await until(async () => (await it?.metric('pending')) === 0, { what: 'nothing pending' });
  expect((await it.readyz()).problems).toEqual([]);
  expect(it.lines.filter(({ err }) => JSON.stringify(err ?? '').includes('NOPERM'))).toEqual([]);
});

test('an authority that Node.js does not know: it is not ready, and lives', async () => {
  it = await PeerProxy.start(URL_OF_USER, settings());
  // What a node that a busy machine has given up said of it may be all that is known.
  await it.unready(/not trusted.*REDIS_TLS_CA|Redis cannot be reached/);
});

test('without what a cluster needs beside the ACL of one Redis it does not start', async () => {
  for (const node of group.nodes) await group.ask(node, 'ACL SETUSER receipts -cluster|slots');
  await expect(PeerProxy.start(URL_OF_USER, { ...settings(), ...files })).rejects.toThrow(
    /forbids a command to the user of REDIS_URL/,
  );
  for (const node of group.nodes) await group.ask(node, `${line} ${ofCluster}`);
});
