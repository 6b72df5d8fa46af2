import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { CERT, KEY } from '../fixtures/redis-tls.ts';
import { freePorts } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';

let folder: string;
let redis: RedisServer;
let url: string;
let files: { cert: string; key: string };
let it: PeerProxy;

beforeAll(async () => {
  folder = await temporaryFolder('redis-tls');
  files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  writeFileSync(files.cert, CERT);
  writeFileSync(files.key, KEY);
  const [port] = (await freePorts(1)) as [number];
  redis = await startRedis({
    settings: {
      'tls-port': String(port),
      'tls-cert-file': files.cert,
      'tls-key-file': files.key,
      'tls-ca-cert-file': files.cert,
      'tls-auth-clients': 'yes',
    },
  });
  url = `rediss://127.0.0.1:${port}`;
});
afterAll(async () => {
  await redis.stop();
  await removeFolder(folder);
});
afterEach(() => it.close());

test('with TLS, a certificate of its own and the authority that is given', async () => {
  it = await PeerProxy.start(url, {
    REDIS_TLS_CA: files.cert,
    REDIS_TLS_CERT: files.cert,
    REDIS_TLS_KEY: files.key,
  });
  await it.ready();
  await it.confirmed(await it.acknowledged('over TLS'));
});

test('an authority that Node.js does not know is said', async () => {
  it = await PeerProxy.start(url);
  await it.unready(/not trusted.*REDIS_TLS_CA/);
});

test('no certificate where Redis wants one: it is not ready, and says why if the alert comes before the reset', async () => {
  it = await PeerProxy.start(url, { REDIS_TLS_CA: files.cert });
  await it.unready(/wants a certificate.*REDIS_TLS_CERT|Redis cannot be reached/);
});
