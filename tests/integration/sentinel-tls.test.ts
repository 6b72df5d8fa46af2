// A Redis that a sentinel names, both reached over TLS only with a certificate.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { TlsSentinelConnector } from '../../src/store/redis/tls-connector.ts';
import { CERT, KEY } from '../fixtures/redis-tls.ts';
import { freePorts } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import {
  MASTER,
  REDIS_PASSWORD,
  SENTINEL_PASSWORD,
  startSentinel,
  withTls,
} from '../support/servers/redis-sentinel.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';

let folder: string;
let files: { REDIS_TLS_CA: string; REDIS_TLS_CERT: string; REDIS_TLS_KEY: string };
let redis: RedisServer;
let sentinel: Awaited<ReturnType<typeof startSentinel>>;
let sentinelPort: number;
let it: PeerProxy | undefined;

beforeAll(async () => {
  folder = await temporaryFolder('sentinel-tls');
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  writeFileSync(cert, CERT);
  writeFileSync(key, KEY);
  files = { REDIS_TLS_CA: cert, REDIS_TLS_CERT: cert, REDIS_TLS_KEY: key };
  const tls = { cert, key, ca: cert };
  const [port, ofSentinel] = (await freePorts(2)) as [number, number];
  sentinelPort = ofSentinel;
  const settings = { requirepass: REDIS_PASSWORD, ...withTls(tls, port) };
  redis = await startRedis({ settings, password: REDIS_PASSWORD });
  sentinel = await startSentinel(port, { quorum: 1, settings: withTls(tls, ofSentinel) });
});
afterAll(async () => {
  await sentinel.stop();
  await redis.stop();
  await removeFolder(folder);
});
afterEach(async () => {
  await it?.close();
  it = undefined;
});

const URL = `rediss://:${REDIS_PASSWORD}@127.0.0.1:1`;
const settings = () => ({
  REDIS_SENTINELS: `127.0.0.1:${sentinelPort}`,
  REDIS_MASTER_NAME: MASTER,
  REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
});

test('with a certificate: messages and receipts', async () => {
  it = await PeerProxy.start(URL, { ...settings(), ...files });
  await it.ready();
  await it.confirmed(await it.acknowledged('over TLS'));
});

test('an authority that Node.js does not know: it is not ready, and lives', async () => {
  it = await PeerProxy.start(URL, settings());
  await it.unready(/No Redis Sentinel|not trusted.*REDIS_TLS_CA|Redis cannot be reached/);
});

test('an error of a connection ends no process when the one listener that ioredis has is gone: to a sentinel, and to Redis', async () => {
  const options = { host: '127.0.0.1', port: sentinelPort };
  const tls = { ca: CERT, cert: CERT, key: KEY };
  const connector = new TlsSentinelConnector({
    sentinels: [options],
    name: MASTER,
    sentinelPassword: SENTINEL_PASSWORD,
    enableTLSForSentinelMode: true,
    tls,
    sentinelTLS: tls,
  } as ConstructorParameters<typeof TlsSentinelConnector>[0]);
  const primary = await connector.connect(() => {});
  const own = connector as unknown as { connectToSentinel(endpoint: object): Redis };
  const client = own.connectToSentinel(options);
  client.on('error', () => {});
  await once(client, 'ready');
  for (const stream of [primary, client.stream as unknown as net.Socket]) {
    // As when the handshake of one that is given up is answered with an alert.
    for (const message of ['not trusted', 'alert decode error', 'reset']) stream.emit('error', new Error(message));
    stream.destroy();
  }
  client.disconnect();
  connector.disconnect();
});
