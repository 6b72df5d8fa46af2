import { ReceiptsProxy } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/util/log.ts';
import { ejabberdAvailable, startEjabberd } from '../support/servers/ejabberd.ts';
import { startRedis } from '../support/servers/redis.ts';
import { until } from '../support/time/until.ts';

/** ejabberd lets several connections serve one component's domain, as Openfire does, and gives each a part. */
(ejabberdAvailable() ? test : test.skip)(
  'processes of one Redis share a domain; a proxy with another prefix is a stranger, to both sides',
  async () => {
    const [redis, server] = await Promise.all([
      startRedis(),
      startEjabberd({ domain: 'localhost', users: {}, component: { domain: 'receipts.localhost', secret: 'secret' } }),
    ]);
    const domain = { every: 500, firstEvery: 100, remembered: 3000 };
    const open = async (prefix: string) => {
      const config = loadConfig({
        XMPP_SERVICE: `xmpp://127.0.0.1:${server.componentPort}`,
        XMPP_COMPONENT_DOMAIN: 'receipts.localhost',
        XMPP_COMPONENT_SECRET: 'secret',
        REDIS_URL: redis.url,
        REDIS_PREFIX: prefix,
        HTTP_PORT: '0',
        LOG_LEVEL: 'silent',
      });
      const proxy = new ReceiptsProxy(config, createLog('silent'), { link: { pingInterval: 100 }, health: { domain } });
      await proxy.start();
      return proxy;
    };
    const state = (proxy: ReceiptsProxy, ready: boolean) =>
      until(() => proxy.readiness.ready === ready, { what: `ready: ${ready}` }).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(proxy.readiness)}`);
      });

    const ours = [await open('{ours}'), await open('{ours}')];
    let foreign = 0;
    for (const proxy of ours) {
      proxy.link.on('stanza', ({ attrs }) => {
        if (attrs.from === attrs.to) foreign += 1;
      });
    }
    await until(() => foreign >= 20, { what: 'self-pings at both' });
    for (const proxy of ours) await state(proxy, true);

    const stranger = await open('{others}');
    for (const proxy of [...ours, stranger]) {
      const isShared = () =>
        proxy.readiness.problems.some((one) => /^receipts\.localhost is not ours alone: another/.test(one));
      await until(isShared, { what: 'word of the stranger' });
      expect(proxy.readiness.ready).toBe(false);
    }
    await stranger.stop(1000);
    for (const proxy of ours) await state(proxy, true);
    await Promise.all(ours.map((proxy) => proxy.stop(1000)));
    await Promise.all([server.stop(), redis.stop()]);
  },
);
