// ACTIVE_PROCESSES=one on a real server that lets several connections serve one domain: ejabberd, or the one that E2E_… names.
import { Answers, ConversationOrder } from '../support/clients/conversation-order.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { ejabberdAvailable, startEjabberd } from '../support/servers/ejabberd.ts';
import { startRedis } from '../support/servers/redis.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { NO_COPIES, OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const { jest } = import.meta;

/** How many of one conversation are sent in each of three parts; docs/operations.md says how to send more. */
const MESSAGES = Math.round(Number(process.env.ORDER_MESSAGES ?? 300) / 3);
/** How many may be without an answer. */
const AHEAD = 100;

jest.setTimeout(300_000 + MESSAGES * 200);

const ONE = { ...NO_COPIES, ACTIVE_PROCESSES: 'one', SENDER_RATE: '0', LOG_LEVEL: 'info' };
const COMPONENT = { domain: 'receipts.localhost', secret: 'secret' };

async function openWorld(): Promise<{ world: World; close(): Promise<void> }> {
  if (!OWN_SERVER) {
    const world = await World.open();
    return { world, close: () => world.close() };
  }
  const users = { alice: 'pw', bob: 'pw' };
  const [redis, server] = await Promise.all([
    startRedis(),
    startEjabberd({ domain: 'localhost', users, component: COMPONENT }),
  ]);
  const xmpp = {
    host: '127.0.0.1',
    domain: server.domain,
    c2sPort: server.c2sPort,
    componentPort: server.componentPort,
    componentDomain: COMPONENT.domain,
    secret: COMPONENT.secret,
    passwords: new Map(Object.entries(users)),
    websocketUrl: undefined,
    boshUrl: undefined,
    prosody: undefined,
    process: undefined,
    stop: () => server.stop(),
  };
  const world = new World(xmpp, redis);
  return { world, close: () => world.close() };
}

/** She writes these numbers to bob, and resolves when each is acknowledged. */
async function writes(alice: TestUser, answers: Answers, to: string, from: number, end: number): Promise<void> {
  let ids: string[] = [];
  for (let i = from; i < end; i += 1) {
    ids.push(await alice.say(to, String(i)));
    if (ids.length < AHEAD && i + 1 < end) continue;
    const all = () => ids.every((id) => answers.acknowledged.has(id));
    await until(all, { within: 240_000, what: 'the acknowledgements' });
    ids = [];
  }
}

/** Until the server has noticed that a connection is gone it may give it messages, which nobody acknowledges. */
async function isServed(alice: TestUser, to: string): Promise<boolean> {
  try {
    for (let i = 0; i < 3; i += 1) await alice.acknowledged(await alice.say(to, 'is anybody there?'), { within: 2000 });
    return true;
  } catch {
    return false;
  }
}

const REAL = !OWN_SERVER || ejabberdAvailable();
(REAL ? test : test.skip)(
  'order is kept by two processes, when one is stopped and when one is killed (without ejabberd: skipped)',
  async () => {
    const { world, close } = await openWorld();
    const processes: ProxyProcess[] = [];
    const begin = () => {
      const process = new ProxyProcess(world.environment(ONE));
      processes.push(process);
      return process;
    };
    try {
      const [alice, bob] = await Promise.all([world.user('alice'), world.user('bob')]);
      const to = world.proxied('bob');
      const [answers, order] = [new Answers(alice), new ConversationOrder(bob)];
      let end = 0;
      const part = async () => {
        await until(() => isServed(alice, to), { within: 120_000, what: 'a process that serves' });
        await writes(alice, answers, to, end, end + MESSAGES);
        end += MESSAGES;
        await until(() => order.count === end, { within: 120_000 + MESSAGES * 20, what: `${end} messages` });
        expect(order.inversions).toBe(0);
      };
      const first = begin();
      await first.prints('The link is up');
      const second = begin();
      await second.prints('stands by');
      await part();
      await first.signal('SIGTERM');
      await second.prints('The link is up');
      await part();
      const third = begin();
      await third.prints('stands by');
      await second.signal('SIGKILL');
      await third.prints('The link is up');
      await part();
    } finally {
      await Promise.all(processes.map((process) => process.signal('SIGKILL')));
      await close();
    }
  },
);
