import net from 'node:net';
import { ReceiptsProxy as ReceiptProxy } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/util/log.ts';
import { COMPONENT, SECRET } from '../addresses.ts';
import { serve } from './child.ts';

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One sender does what thousands do elsewhere. */
const UNLIMITED = {
  SENDER_RATE: '1000000',
  SENDER_BURST: '1000000',
  SENDER_PENDING: '500000',
  SENDER_PENDING_BYTES: '2000000000',
  CONVERSATION_PENDING: '500000',
};

/** On a busy machine the gate is measured, and not how long it waits. */
const PATIENT = { gate: { lease: { timeout: 60_000, lease: 60_000 } } };

/** (c) This proxy, whole, as its configuration makes it. */
serve(async ({ port, redisUrl, secret = SECRET, shards, cluster, active }) => {
  const config = loadConfig({
    XMPP_SERVICE: `xmpp://127.0.0.1:${port}`,
    XMPP_COMPONENT_DOMAIN: COMPONENT,
    XMPP_COMPONENT_SECRET: secret,
    REDIS_URL: redisUrl,
    // What piles up unconfirmed must not come due before it is counted, however slow the machine is.
    RETRY_SCHEDULE: '30m',
    ...(process.argv.includes('quotas') ? {} : UNLIMITED),
    ...(process.argv.includes('transparent') ? { MODE: 'transparent' } : {}),
    ...(shards === undefined ? {} : { SHARDS: String(shards) }),
    ...(cluster === undefined ? {} : { REDIS_CLUSTER: cluster }),
    ...(active === undefined ? {} : { ACTIVE_PROCESSES: active }),
    HTTP_PORT: String(await freePort()),
    LOG_LEVEL: 'silent',
  });
  await new ReceiptProxy(config, createLog(config.logLevel), PATIENT).start();
});
