import { setTimeout as sleep } from 'node:timers/promises';
import type { Element } from '@xmpp/xml';
import { Redis } from 'ioredis';
import { Ledger } from '../../src/store/redis/ledger.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { Relay } from '../support/peer/relay.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const MESSAGES = Number(process.env.CRASH_MESSAGES ?? 2000);

/**
 * The proxy is killed at random moments and its link reset in flight, again and again, while alice writes. Her client
 * does what any client does: what was not acknowledged it sends again.
 */
(OWN_SERVER ? test : test.skip)(
  `${MESSAGES} messages, the proxy killed and the link reset all the while: each acknowledged message arrives, and none was acknowledged before it was stored`,
  async () => {
    const world = await World.open();
    const relay = await Relay.to(world.xmpp.componentPort);
    const redis = new Redis(world.redis.url);
    const kept = new KeptShards(redis);
    const ledger = new Ledger(redis, {
      prefix: '{receipts}',
      shards: kept.shards,
      preparation: kept,
      retry: RETRY,
      dedupWindow: 1,
      undeliveredRetention: 1,
    });
    const environment = world.environment({
      XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}`,
      RETRY_SCHEDULE: '2s',
      MESSAGE_TTL: '1h',
      DEDUP_WINDOW: '1h',
      LOG_LEVEL: 'info',
    });
    let proxy = new ProxyProcess(environment);
    await proxy.prints('The link is up');

    const alice = await world.user('alice');
    const bob = await world.user('bob');
    const acknowledged = new Set<string>();
    const unstored: string[] = [];
    const checks: Promise<void>[] = [];
    alice.listen((stanza: Element) => {
      const id = stanza.getChild('stored', 'urn:openfire-receipts:0')?.attrs.id;
      if (id === undefined || acknowledged.has(id)) return;
      acknowledged.add(id);
      const check = async () => {
        const [record] = await ledger.status([recordKey(alice.bare, bob.bare, id)]);
        if (record === undefined) unstored.push(id);
      };
      checks.push(check());
    });

    const ids = Array.from({ length: MESSAGES }, (_, i) => `m-${i}`);
    const write = (id: string) => alice.say(world.proxied('bob'), `text of ${id}`, { id });

    let writing = true;
    let kills = 0;
    let resets = 0;
    const havoc = async () => {
      while (writing) {
        await sleep(300 + Math.random() * 1500);
        if (Math.random() < 0.5) {
          resets += 1;
          relay.reset();
        } else {
          kills += 1;
          await proxy.signal('SIGKILL');
          proxy = new ProxyProcess(environment);
          await proxy.prints('The link is up');
        }
      }
    };
    const ruin = havoc();
    for (const id of ids) {
      await write(id);
      await sleep(5);
    }
    writing = false;
    await ruin;

    // Peace: what was not acknowledged is sent again until it is; not as long as acknowledgements come, since a server that
    // is slow on busy cores would be given ever more to do.
    await until(
      async () => {
        const missing = ids.filter((id) => !acknowledged.has(id));
        for (const id of missing) await write(id);
        let before = -1;
        while (before !== acknowledged.size && acknowledged.size < MESSAGES) {
          before = acknowledged.size;
          await sleep(3000);
        }
        return missing.length === 0;
      },
      { within: 120_000, what: 'all acknowledgements' },
    );
    const texts = () => new Set(bob.bodies());
    await until(() => texts().size === MESSAGES, { within: 120_000, what: 'all messages to arrive' });
    await Promise.all(checks);

    expect(unstored).toEqual([]);
    expect(ids.filter((id) => !texts().has(`text of ${id}`))).toEqual([]);
    await until(async () => (await ledger.figures()).pending === 0, { within: 120_000, what: 'all receipts' });
    const copies = bob.bodies().length - MESSAGES;
    process.stdout.write(
      `crash test: ${kills} kills, ${resets} resets, ${MESSAGES} messages, 0 lost, ${copies} seen twice\n`,
    );

    await proxy.signal('SIGKILL');
    redis.disconnect();
    await relay.close();
    await world.close();
  },
  400_000,
);
