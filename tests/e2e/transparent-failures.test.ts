// The transparent mode when something fails: nothing is lost, nothing comes twice, order is kept, and chat goes on.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Element } from '@xmpp/xml';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { Relay } from '../support/peer/relay.ts';
import { askRedisForAll } from '../support/servers/redis.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { MAY_END_SERVER, NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const MODE = { MODE: 'transparent', ...NO_COPIES, PROOF_GRACE: '1ms', LOG_LEVEL: 'info' };
const HOLDS = 'The gate holds messages for us';
const MESSAGES = 2000;
/** ms; no time that is measured: how long a busy machine may take at most. */
const LONG = 180_000;

/** Longer than Openfire takes to start on a busy machine. */
const LIVES = { MESSAGE_TTL: '600s', DEDUP_WINDOW: '1200s' };

let world: World;
let proxy: ProxyProcess;

beforeEach(async () => {
  world = await World.open({ gate: true });
});

async function begin(settings: Record<string, string> = {}): Promise<void> {
  proxy = new ProxyProcess(world.environment({ ...MODE, ...settings }));
  await proxy.prints(HOLDS);
}
afterEach(async () => {
  await proxy.signal('SIGKILL');
  await world.close();
});

const leases = () => proxy.output.split(HOLDS).length - 1;
const texts = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`);

/** Ids that alice has heard of: as stored, and as delivered by bob. */
function told(alice: { listen(listener: (stanza: Element) => void): void }) {
  const stored = new Set<string>();
  const delivered = new Set<string>();
  alice.listen((stanza) => {
    const one = stanza.getChild('stored', 'urn:openfire-receipts:0')?.attrs.id;
    const other = stanza.getChild('received', 'urn:xmpp:receipts')?.attrs.id;
    if (one !== undefined) stored.add(one);
    if (other !== undefined) delivered.add(other);
  });
  return { stored, delivered };
}

/** She writes, until the component holds and stores what she writes again; gives all that she has written. */
async function writesUntilHeld(alice: TestUser, to: string, prefix = 'after '): Promise<string[]> {
  const { stored } = told(alice);
  const written: string[] = [];
  await until(
    async () => {
      const text = `${prefix}${written.length}`;
      written.push(text);
      await alice.say(to, text, { id: text });
      await sleep(200);
      return stored.has(text);
    },
    { what: 'a message that is stored', within: LONG },
  );
  return written;
}

test(
  `killed at half of ${MESSAGES} and started again: nothing is lost, nothing comes twice in this session, each acknowledged one is confirmed`,
  async () => {
    await begin();
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    const { stored, delivered } = told(alice);
    const to = bob.jid.split('/', 1)[0] as string;
    const all = texts(MESSAGES);
    const written = (async () => {
      for (const text of all) await alice.say(to, text, { id: text });
    })();
    await bob.hears(all[MESSAGES / 2] as string, { within: LONG });
    await proxy.signal('SIGKILL');
    await written;
    await begin();
    await bob.hears(all.at(-1) as string, { within: LONG });
    await until(() => all.every((text) => delivered.has(text)), { what: 'all receipts', within: LONG });
    expect(stored.size).toBeGreaterThan(0);
    expect(bob.bodies()).toEqual(all);
    // Receipts that passed while there was no component are known to it: nothing comes again to bob's next session.
    await bob.offline();
    const next = await world.user('bob');
    await alice.delivered(await alice.say(to, 'next'));
    expect(next.bodies()).toEqual(['next']);
  },
  3 * LONG,
);

test(
  'hung: one pause, then all passes; when it goes on, nothing comes twice',
  async () => {
    await begin();
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    const to = bob.jid.split('/', 1)[0] as string;
    const id = await alice.say(to, 'before');
    await alice.delivered(id);
    process.kill(proxy.pid, 'SIGSTOP');
    const all = texts(50);
    for (const text of all) await alice.say(to, text, { id: text });
    await bob.hears('text 49', { within: LONG });
    process.kill(proxy.pid, 'SIGCONT');
    const more = await writesUntilHeld(alice, to);
    await bob.hears(more.at(-1) as string);
    expect(bob.bodies()).toEqual(['before', ...all, ...more]);
  },
  3 * LONG,
);

test(
  'what was let go while the component stood still, and was confirmed, is written again: it is acknowledged, and comes no second time',
  async () => {
    await begin();
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    const to = bob.jid.split('/', 1)[0] as string;
    await alice.delivered(await alice.say(to, 'before'));
    process.kill(proxy.pid, 'SIGSTOP');
    const ids: string[] = [];
    for (const text of ['one', 'two']) ids.push(await alice.say(to, text, { id: randomUUID() }));
    for (const id of ids) expect((await alice.delivered(id)).attrs.from).toBe(bob.jid);
    process.kill(proxy.pid, 'SIGCONT');
    await until(() => leases() > 1, { what: 'another lease', within: LONG });
    for (const [i, text] of ['one', 'two'].entries()) await alice.say(to, text, { id: ids[i] as string });
    for (const id of ids) await alice.acknowledged(id);
    await alice.delivered(await alice.say(to, 'after'));
    expect(bob.bodies()).toEqual(['before', 'one', 'two', 'after']);
  },
  3 * LONG,
);

const bareOf = (user: TestUser) => user.jid.split('/', 1)[0] as string;

/** Alice writes it, and the component has it in Redis; it is killed before its verdict is with the gate, which lets it go. */
async function passesThoughStored(relay: Relay, alice: TestUser, bob: TestUser, text: string): Promise<string> {
  const id = randomUUID();
  // Its last words are lost with it.
  relay.deafen('near');
  await alice.say(bareOf(bob), text, { id });
  const key = recordKey(bareOf(alice), bareOf(bob), id);
  const isStored = async () => (await askRedisForAll(world.redis.port, 'KEYS *')).includes(key);
  await until(isStored, { what: 'the message in Redis' });
  await proxy.signal('SIGKILL');
  return id;
}

test.each(['before', 'after'])(
  'stored, but killed before the gate knew: it is acknowledged when she writes it again; if it is lost with a session that was half open, his next one is given it, that began %s the next component',
  async (when) => {
    const relay = await Relay.to(world.xmpp.componentPort);
    await begin({ XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}` });
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    await alice.delivered(await alice.say(bareOf(bob), 'before'));
    bob.freeze();
    const id = await passesThoughStored(relay, alice, bob, 'lost');
    // What he writes himself comes behind what was held: the server has written that to his session.
    await alice.say(alice.jid, 'passed');
    await alice.hears('passed');
    const early = when === 'before' ? await world.user('bob') : undefined;
    await begin();
    await alice.say(bareOf(bob), 'lost', { id });
    await alice.acknowledged(id);
    bob.cut();
    const next = early ?? (await world.user('bob'));
    await next.hears('lost', { within: LONG });
    await alice.delivered(id, { within: LONG });
    await alice.delivered(await alice.say(bareOf(bob), 'after'));
    expect(next.bodies()).toEqual(['lost', 'after']);
    await relay.close();
  },
  3 * LONG,
);

test(
  'stored, but killed before the gate knew: what he has, from his session or from the server’s storage, and confirms comes once',
  async () => {
    const relay = await Relay.to(world.xmpp.componentPort);
    await begin({ XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}` });
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    await alice.delivered(await alice.say(bareOf(bob), 'before'));
    const id = await passesThoughStored(relay, alice, bob, 'here');
    await bob.hears('here');
    await begin({ XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}` });
    await alice.say(bareOf(bob), 'here', { id });
    await alice.acknowledged(id);
    await bob.offline();
    const other = await passesThoughStored(relay, alice, bob, 'away');
    await begin();
    await alice.say(bareOf(bob), 'away', { id: other });
    await alice.acknowledged(other);
    const next = await world.user('bob', { autoReceipt: false });
    await next.hears('away');
    // The server's storage has its time, and what it has given him is no copy's to give.
    await sleep(7000);
    await alice.say(bareOf(bob), 'after');
    await next.hears('after');
    expect(next.bodies()).toEqual(['away', 'after']);
    await relay.close();
  },
  3 * LONG,
);

/** Each is confirmed, and came once and in order. */
async function eachOnce(bob: TestUser, delivered: ReadonlySet<string>, all: readonly string[]): Promise<void> {
  await until(() => all.every((text) => delivered.has(text)), { what: 'all receipts', within: LONG });
  expect(bob.bodies()).toEqual(all);
}

test(
  'Redis does not answer: nothing is held, chat goes on, and is held again when it does',
  async () => {
    await begin();
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    const { delivered } = told(alice);
    const to = bob.jid.split('/', 1)[0] as string;
    const all = texts(20);
    await alice.delivered(await alice.say(to, 'before', { id: 'before' }));
    world.redis.freeze();
    try {
      for (const text of all) await alice.say(to, text, { id: text });
      await bob.hears('text 19', { within: LONG });
    } finally {
      world.redis.thaw();
    }
    const more = await writesUntilHeld(alice, to);
    // It had told the gate to hold nothing.
    expect(leases()).toBeGreaterThan(1);
    await eachOnce(bob, delivered, ['before', ...all, ...more]);
    expect(alice.count(({ attrs }) => attrs.type === 'error')).toBe(0);
  },
  3 * LONG,
);

test(
  'the link is cut again and again while she writes: each comes once and in order, and none comes again',
  async () => {
    const relay = await Relay.to(world.xmpp.componentPort);
    await begin({ XMPP_SERVICE: `xmpp://127.0.0.1:${relay.port}` });
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    const { stored, delivered } = told(alice);
    const to = bob.jid.split('/', 1)[0] as string;
    const all: string[] = [];
    for (let cut = 0; cut < 3; cut += 1) {
      const some = texts(50).map((text) => `${cut}: ${text}`);
      for (const [i, text] of some.entries()) {
        await alice.say(to, text, { id: text });
        if (i === 25) relay.reset();
      }
      all.push(...some, ...(await writesUntilHeld(alice, to, `after ${cut}: `)));
    }
    await eachOnce(bob, delivered, all);
    expect(stored.size).toBeGreaterThan(0);
    await bob.offline();
    const next = await world.user('bob');
    await alice.delivered(await alice.say(to, 'the last'));
    expect(next.bodies()).toEqual(['the last']);
    await relay.close();
  },
  3 * LONG,
);

(MAY_END_SERVER ? test : test.skip).each(['after', 'before'])(
  'the server is killed while he is away, and he logs in %s the component: what its offline storage gives him comes once',
  async (when) => {
    await begin(LIVES);
    const alice = await world.user('alice');
    const { stored } = told(alice);
    const to = `bob@${world.xmpp.domain}`;
    const all = texts(20);
    for (const text of all) await alice.say(to, text, { id: text });
    await until(() => all.every((text) => stored.has(text)), { what: 'all to be stored', within: LONG });
    // What is stored later is let go later: the server has all of them in its storage by now.
    await alice.say(`carol@${world.xmpp.domain}`, 'then', { id: 'then' });
    await until(() => stored.has('then'), { what: 'the next one to be stored', within: LONG });
    const held = leases();
    if (when === 'before') process.kill(proxy.pid, 'SIGSTOP');
    await world.xmpp.process?.kill();
    await world.xmpp.process?.restart();
    const lease = () => until(() => leases() > held, { what: 'a lease under the new server', within: LONG });
    if (when === 'after') await lease();
    // With his login the server has given him what it has kept; of a kill Openfire's own database may lose the last second.
    const bob = await world.comesBack('bob');
    if (when === 'before') process.kill(proxy.pid, 'SIGCONT');
    await lease();
    await bob.hears('text 19', { within: LONG });
    const again = await world.comesBack('alice');
    await again.delivered(await again.say(to, 'last'));
    expect(bob.bodies()).toEqual([...all, 'last']);
  },
  3 * LONG,
);
