import { Answers, ConversationOrder } from '../support/clients/conversation-order.ts';
import type { OpenfireUser } from '../support/openfire/user.ts';
import { askRedis } from '../support/servers/redis.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { NO_COPIES, QUICK } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const { jest } = import.meta;

/** How many of one conversation each test of the order sends: docs/operations.md says how to send more. */
const MESSAGES = Number(process.env.ORDER_MESSAGES ?? 600);

jest.setTimeout(300_000 + MESSAGES * 60);

/** ACTIVE_PROCESSES=one, on a scripted server that deals stanzas to its connections in turn, as Openfire does. */
let stage: OpenfireStage;

beforeAll(async () => {
  stage = await OpenfireStage.open();
});
afterAll(() => stage.close());
afterEach(() => stage.empty());

const BOB = 'bob@receipts.example.org';
const ONE = { ...NO_COPIES, ACTIVE_PROCESSES: 'one', SENDER_RATE: '0' };
// A lease that a busy machine does not outlast: it goes over when it is given up.
const LONG = { linkLease: { lasts: 120_000, renewEvery: 200, askEvery: 50, restFor: 300 } };

/** She writes numbers to bob, so that few wait for her acknowledgements: of more, the quotas would refuse some. */
async function writes(alice: OpenfireUser, answers: Answers, from: number, to: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = from; i < to; i += 1) {
    const id = await alice.say(BOB, String(i));
    ids.push(id);
    if (i % 200 === 199) await until(() => answers.has(id), { within: 240_000, what: `the answer to ${i}` });
  }
  return ids;
}

test('two processes keep the order of a conversation, also when one takes the place of the other', async () => {
  const openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  const first = await stage.attach(ONE, LONG);
  const { proxy: second, started } = stage.begin(ONE, LONG);
  await until(() => second.link.stats.standsBy, { what: 'the second to stand by' });
  await until(() => second.readiness.ready, { what: 'the second to be ready' });
  expect(second.readiness.warnings).toContain(
    'Another process is connected to the XMPP server, and this one stands by.',
  );
  expect(await (await fetch(`${second.url}/metrics`)).text()).not.toMatch(/^openfire_receipts_link_up /m);
  const half = MESSAGES / 2;
  const [answers, order] = [new Answers(alice), new ConversationOrder(bob)];
  await writes(alice, answers, 0, half);
  const within = 120_000 + MESSAGES * 20;
  await until(() => order.count === half, { what: 'the first half', within });
  await first.stop();
  await started;
  await writes(alice, answers, half, 2 * half);
  await until(() => order.count === 2 * half, { what: 'the second half', within });
  expect(order.inversions).toBe(0);
  expect(openfire.links).toHaveLength(1);
});

test('a process is killed: another one takes its place, loses nothing, and keeps the order of what comes from then on', async () => {
  const openfire = await stage.openfire();
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  const killed = new ProxyProcess({
    XMPP_SERVICE: openfire.service,
    XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
    XMPP_COMPONENT_SECRET: 'secret',
    REDIS_URL: stage.redis.url,
    REDIS_PREFIX: stage.prefix,
    HTTP_PORT: '0',
    ...QUICK,
    ...ONE,
  });
  await until(() => openfire.links.length === 1, { what: 'the first process', within: 60_000 });
  const { proxy: second, started } = stage.begin(ONE, LONG);
  await until(() => second.link.stats.standsBy, { what: 'the second to stand by' });
  const ids: string[] = [];
  for (let i = 0; i < 50; i += 1) ids.push(await alice.say(BOB, String(i)));
  await alice.acknowledged(ids[0] as string);
  await killed.signal('SIGKILL');
  await started;
  await until(() => second.link.online && openfire.links.length === 1, { what: 'the second', within: 60_000 });
  // Of those before, the killed one may have left some to be sent later.
  const [answers, order] = [new Answers(alice), new ConversationOrder(bob, 50)];
  const written = await writes(alice, answers, 50, MESSAGES);
  // On a machine that stands still for seconds Redis may seem to hang: she is told of what is not stored then.
  const refused = () => written.filter((id) => answers.refused.has(id)).length;
  await until(() => order.count + refused() >= written.length, { what: 'all', within: 60_000 + MESSAGES * 40 });
  expect(order.count).toBe(written.length - refused());
  expect(order.inversions).toBe(0);
});

test('a process that stood still finds another in its place, and stands by', async () => {
  const openfire = await stage.openfire();
  const first = await stage.attach(ONE, LONG);
  // As if another one had got it meanwhile.
  await askRedis(stage.redis.port, `SET ${stage.prefix}:connected another PX 60000`);
  await until(() => first.link.stats.standsBy, { what: 'the first to stand by' });
  await until(() => openfire.links.length === 0, { what: 'its connection to close' });
  await askRedis(stage.redis.port, `DEL ${stage.prefix}:connected`);
  await until(() => first.link.online, { what: 'the first to be back' });
});

test('a process that cannot reach the server leaves it to another', async () => {
  const openfire = await stage.openfire();
  const unreachable = { ...ONE, XMPP_SERVICE: 'xmpp://127.0.0.1:1' };
  stage.begin(unreachable, LONG);
  const held = async () => (await askRedis(stage.redis.port, `EXISTS ${stage.prefix}:connected`)) === ':1';
  await until(held, { what: 'the first to try' });
  await stage.attach(ONE, LONG);
  expect(openfire.links).toHaveLength(1);
});
