import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/util/log.ts';
import { login, type TestUser } from '../support/clients/test-user.ts';
import { ejabberdAvailable, startEjabberd } from '../support/servers/ejabberd.ts';
import { startRedis } from '../support/servers/redis.ts';
import { TestProxy } from '../support/stages/test-proxy.ts';
import { QUICK } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** ejabberd takes several connections for one component's domain, as Openfire does, and Prosody does not. */
(ejabberdAvailable() ? test : test.skip)(
  'on ejabberd, two processes serve one domain side by side, and one of them dies',
  async () => {
    const [redis, server] = await Promise.all([
      startRedis(),
      startEjabberd({
        domain: 'localhost',
        users: { alice: 'pw', bob: 'pw' },
        component: { domain: 'receipts.localhost', secret: 'secret' },
      }),
    ]);
    const config = loadConfig({
      XMPP_SERVICE: `xmpp://127.0.0.1:${server.componentPort}`,
      XMPP_COMPONENT_DOMAIN: 'receipts.localhost',
      XMPP_COMPONENT_SECRET: 'secret',
      REDIS_URL: redis.url,
      HTTP_PORT: '0',
      LOG_LEVEL: 'silent',
      ...QUICK,
    });
    const tuning = { sweepEvery: 200, lease: 2000, link: { pingInterval: 100 } };
    const proxies = [0, 1].map(() => new TestProxy(config, createLog('silent'), tuning));
    for (const proxy of proxies) await proxy.start();
    const [one, other] = proxies as [TestProxy, TestProxy];
    const port = server.c2sPort;
    const user = (username: string) =>
      login({ host: '127.0.0.1', port, domain: 'localhost', username, password: 'pw' });
    const [alice, bob] = (await Promise.all([user('alice'), user('bob')])) as [TestUser, TestUser];

    const say = async (count: number, prefix: string) => {
      const said = new Map<string, string>();
      for (let i = 0; i < count; i += 1) {
        const text = `${prefix} ${i}`;
        said.set(await alice.say('bob@receipts.localhost', text), text);
      }
      // Until ejabberd sees that a connection is closed, it gives it messages. Those nobody acknowledges, so that they
      // are sent again.
      const acknowledged = async ([id, text]: [string, string]) => {
        const again = () => alice.say('bob@receipts.localhost', text, { id }).then(() => alice.acknowledged(id));
        await alice.acknowledged(id, { within: 2000 }).catch(again);
      };
      await Promise.all([...said].map(acknowledged));
      for (const id of said.keys()) await alice.delivered(id);
    };
    await say(50, 'both');
    expect(bob.bodies().filter((body) => body.startsWith('both'))).toHaveLength(50);

    one.link.destroy();
    await until(() => !one.link.online, { what: 'the link to be gone' });
    await say(50, 'one left');
    expect(new Set(bob.bodies()).size).toBe(100);
    expect(other.metrics.counts.accepted).toBeGreaterThanOrEqual(50);

    await Promise.all([alice.offline(), bob.offline()]);
    await Promise.all(proxies.map((proxy) => proxy.stop(1000)));
    await Promise.all([server.stop(), redis.stop()]);
  },
);
