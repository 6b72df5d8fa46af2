// Transparent mode with two processes of the component behind one gate: what one of them sends again, and the other lets go.

import { LinkRelay } from '../../faults/link-relay.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/util/log.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { RawClient } from '../support/gate/raw-client.ts';
import { askRedis } from '../support/servers/redis.ts';
import { TestProxy } from '../support/stages/test-proxy.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const SETTINGS = { MODE: 'transparent', PROOF_GRACE: '20ms', ...NO_COPIES, SHARDS: '1' };

/** A process, and what goes over its link. */
interface Process {
  readonly proxy: TestProxy;
  readonly relay: LinkRelay;
  readonly written: string[];
  readonly heard: string[];
}

let world: World;
let alice: TestUser;
const processes: Process[] = [];
const raws: RawClient[] = [];

beforeAll(async () => {
  world = await World.open({ gate: 'receipts_several = true' });
});
afterAll(() => world?.close());
beforeEach(async () => {
  alice = await world.user('alice');
});
afterEach(async () => {
  await Promise.all(raws.splice(0).map((raw) => raw.leave()));
  await world.empty();
  for (const { proxy, relay } of processes.splice(0)) {
    relay.set('both', { withhold: undefined });
    await proxy.stop();
    await relay.close();
  }
});

const bob = () => `bob@${world.xmpp.domain}`;

/** @param ownerFirst ms that another process has, which has sent a message, to send it again */
async function begin(ownerFirst: number): Promise<Process> {
  const [written, heard]: [string[], string[]] = [[], []];
  const relay = await LinkRelay.listen({
    port: world.xmpp.componentPort,
    onConnect: () => {},
    onStanza: (stanza) => written.push(stanza),
    onReceived: (stanza) => heard.push(stanza),
  });
  const config = loadConfig(world.environment({ ...SETTINGS, XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}` }));
  const proxy = new TestProxy(config, createLog(config.logLevel), {
    sweepEvery: 200,
    presence: { heartbeat: 50 },
    gate: { ownerFirst },
  });
  await proxy.start();
  const one = { proxy, relay, written, heard };
  processes.push(one);
  await until(() => proxy.readiness.ready, { what: 'the gate' });
  return one;
}

/** Each process says again in Redis that it is there, and learns by that of the others that have said so. */
async function knowEachOther(): Promise<void> {
  const said = (since: string) => askRedis(world.redis.port, `ZCOUNT {receipts}:alive ${since} +inf`);
  await until(async () => (await said('-inf')) === ':2', { what: 'both processes' });
  const both = `${Date.now() + 100}`;
  await until(async () => (await said(both)) === ':2', { what: 'each to know of the other' });
}

/** Two processes, the one that has what alice writes to bob first; and that she has written "one", which was lost with his session. */
async function lost(ownerFirst: number): Promise<[owner: Process, other: Process]> {
  const both = [await begin(ownerFirst), await begin(ownerFirst)];
  await knowEachOther();
  const { c2sPort: port, domain, passwords } = world.xmpp;
  const password = passwords.get('bob') as string;
  const options = { port, domain, username: 'bob', password, resource: world.newResource() };
  const session = await RawClient.login(options, { presence: false });
  await session.send('<presence/>');
  await session.handledBefore();
  await alice.say(bob(), 'one');
  await session.hears('one');
  session.cut();
  const ends = (stanza: string) => stanza.includes(session.jid) && /state=["']gone/.test(stanza);
  await until(() => both.every(({ heard }) => heard.some(ends)), { what: 'the end of his session' });
  const owner = both.find(({ heard }) => heard.some((stanza) => stanza.includes('>one<'))) as Process;
  return [owner, both.find((one) => one !== owner) as Process];
}

const isLogin = (stanza: string) => stanza.includes(`${bob()}/`) && /state=["']available/.test(stanza);
const isAsked = (stanza: string) => stanza.includes('<ask ');

test('what another process finds at a login is first for the one that has sent it: that keeps the order', async () => {
  const [owner, other] = await lost(60_000);
  // Should the other take it up, it is stopped before it sends it.
  owner.relay.set('in', { withhold: isLogin });
  other.relay.set('out', { withhold: isAsked });
  const next = await world.user('bob');
  await until(() => other.heard.some(isLogin), { what: 'his login' });
  const since = Date.now();
  await until(() => other.written.some(isAsked) || Date.now() - since > 500, { what: 'a while' });
  owner.relay.set('in', { withhold: undefined });
  await alice.delivered(await alice.say(bob(), 'two'));
  other.relay.set('out', { withhold: undefined });
  await next.hears('one');
  expect(next.bodies()).toEqual(['one', 'two']);
});

test('the one that has sent it does nothing: the other sends it', async () => {
  const [owner, other] = await lost(300);
  owner.relay.set('in', { withhold: isLogin });
  const next = await world.user('bob');
  await next.hears('one');
  expect(other.written.some(isAsked)).toBe(true);
  expect(next.bodies()).toEqual(['one']);
});
