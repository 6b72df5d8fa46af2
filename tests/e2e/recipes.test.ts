import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Element } from '@xmpp/xml';
import { ComponentPeer, type PeerConnection } from '../support/peer/component-peer.ts';
import { answers, freePorts } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { findProgram, startServer, type TemporaryServer } from '../support/process/temporary-server.ts';
import { askRedisForAll } from '../support/servers/redis.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { NO_COPIES, QUICK } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** The recipes of docs/operations.md, run as they stand there. */
const TEXT = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

function textOf(recipe: string): string {
  const from = TEXT.indexOf(`### ${recipe}\n`);
  const to = TEXT.slice(from + 4).search(/^##/m);
  return TEXT.slice(from, from + 4 + to);
}

/** The files of a recipe, in their order. */
const blocks = (recipe: string) =>
  [...textOf(recipe).matchAll(/^```\n(.*?)^```$/gms)].map(([, text]) => text as string);

/** The commands that its text names. */
const commands = (recipe: string) =>
  [...textOf(recipe).matchAll(/`(redis-cli -h [^`]*)`/g)].map(([, text]) => text as string);

/** @returns what it prints */
async function runs(command: string): Promise<string> {
  const [program, ...args] = command.trim().split(' ') as [string, ...string[]];
  return (await promisify(execFile)(findProgram(program) ?? program, args)).stdout;
}

/** Machines that are ports of this one. */
class Machines {
  readonly #ports = new Map<string, number>();

  private constructor(readonly haveAddresses: boolean) {}

  /** @param haveAddresses each has one of its own, by which `redis-cli --cluster create` tells machines apart */
  static async of(count: number, haveAddresses = false): Promise<Machines> {
    const machines = new Machines(haveAddresses);
    const ports = await freePorts(3 * count);
    for (let i = 1; i <= count; i += 1) {
      machines.#ports.set(`${i}:6379`, ports.shift() as number);
      machines.#ports.set(`${i}:6380`, ports.shift() as number);
      machines.#ports.set(`${i}:26379`, ports.shift() as number);
    }
    return machines;
  }

  port(machine: number, port: number): number {
    return this.#ports.get(`${machine}:${port}`) as number;
  }

  #host(machine: number): string {
    return this.haveAddresses ? `127.0.0.${machine}` : '127.0.0.1';
  }

  /** A file, or a command, as it is to be on that machine. */
  file(text: string, machine: number, folder = ''): string {
    const addresses = [...new Set([this.#host(machine), '127.0.0.1'])];
    return text
      .replace(/^bind .*$/m, `bind ${addresses.join(' ')}`)
      .replace(/^redis-cli -h 10\.0\.0\.(\d)( -p (\d+))?/, (_, one, __, port = 6379) => {
        return `redis-cli -h ${this.#host(Number(one))} -p ${this.port(Number(one), Number(port))}`;
      })
      .replace(/^port (\d+)$/m, (_, port) => `port ${this.port(machine, Number(port))}`)
      .replace(/^dir .*$/m, `dir ${folder}`)
      .replace('/run/redis/', `${folder}/`)
      .replace(
        /10\.0\.0\.(\d):(\d+)/g,
        (_, one, port) => `${this.#host(Number(one))}:${this.port(Number(one), Number(port))}`,
      )
      .replace(/10\.0\.0\.(\d) (\d+)/g, (_, one, port) => `127.0.0.1 ${this.port(Number(one), Number(port))}`)
      .replace(/10\.0\.0\.(\d)(?=,|$)/gm, (_, one) => `127.0.0.1:${this.port(Number(one), 26379)}`)
      .replace(/127\.0\.0\.1:6379/g, `127.0.0.1:${this.port(machine, 6379)}`);
  }

  async redis(text: string, machine: number, mode: readonly string[] = []): Promise<TemporaryServer> {
    const folder = await temporaryFolder('recipe');
    running.push({ stop: () => removeFolder(folder) });
    const file = path.join(folder, 'server.conf');
    // On one machine the ports beside theirs may be somebody else's.
    const bus = text.includes('cluster-enabled')
      ? `cluster-port ${(await freePorts(1))[0]}\ncluster-announce-ip ${this.#host(machine)}\n`
      : '';
    const written = this.file(text, machine, folder) + bus;
    await writeFile(file, written);
    const [, port] = /^port (\d+)$/m.exec(written) as RegExpExecArray;
    const login = written.includes('requirepass') ? 'AUTH change-me\r\n' : '';
    return startServer({
      name: `recipe-${machine}`,
      program: 'redis-server',
      folder,
      prepare: async () => [file, ...mode],
      isReady: () => answers(Number(port), `${login}PING\r\n`, /^\+PONG/m),
    });
  }
}

/** An `.env` file's variables. */
const variables = (text: string) =>
  Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name as string, value as string]));

function proxy(peer: ComponentPeer, env: Record<string, string>): ProxyProcess {
  return new ProxyProcess({
    XMPP_SERVICE: peer.service,
    XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
    XMPP_COMPONENT_SECRET: peer.secret,
    HTTP_PORT: '0',
    ...QUICK,
    ...NO_COPIES,
    ...env,
  });
}

/** The connection that was opened last. */
const latest = new WeakMap<ComponentPeer, PeerConnection>();

/** Alice writes until it is acknowledged; resolves with how it is stored. */
async function acknowledged(peer: ComponentPeer, id: string, to = 'bob'): Promise<string | undefined> {
  let how: string | undefined;
  const seen = (stanza: Element) => {
    const stored = stanza.getChild('stored');
    if (stored?.attrs.id === id) how = stored.attrs.durability;
  };
  peer.on('stanza', seen);
  let sentAt = 0;
  const isThere = () => {
    const open = latest.get(peer);
    if (how === undefined && open !== undefined && Date.now() - sentAt > 2000) {
      sentAt = Date.now();
      open.write(
        `<message from="alice@example.org/phone" to="${to}@receipts.example.org" type="chat" id="${id}"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`,
      );
    }
    return how !== undefined;
  };
  await until(isThere, { within: 60_000, what: `the acknowledgement of ${id}` });
  peer.off('stanza', seen);
  return how;
}

const running: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});
function keep<T extends { stop(): Promise<unknown> }>(one: T): T {
  running.push(one);
  return one;
}
const run = (peer: ComponentPeer, env: Record<string, string>) => {
  const process = proxy(peer, env);
  running.push({ stop: () => process.signal('SIGKILL') });
  return process;
};
async function listen(): Promise<ComponentPeer> {
  const peer = await ComponentPeer.listen();
  peer.on('open', (connection) => latest.set(peer, connection));
  running.push({ stop: () => peer.close() });
  return peer;
}

test('one machine', async () => {
  const [redis, env] = blocks('One machine') as [string, string];
  const machines = await Machines.of(1);
  const server = keep(await machines.redis(redis, 1));
  const peer = await listen();
  run(peer, variables(machines.file(env, 1, path.dirname(server.logFile))));
  expect(await acknowledged(peer, 'a')).toBe('disk');
  await server.kill();
  await server.restart();
  expect(await acknowledged(peer, 'b')).toBe('disk');
});

test('two machines: one of them is lost', async () => {
  const [redis, sentinel, env] = blocks('Two machines') as [string, string, string];
  const machines = await Machines.of(3);
  const first = redis.replace(/^# only on.*/ms, '');
  const servers = [keep(await machines.redis(first, 1)), keep(await machines.redis(redis, 2))];
  const watchers: TemporaryServer[] = [];
  for (const machine of [1, 2, 3]) watchers.push(keep(await machines.redis(sentinel, machine, ['--sentinel'])));
  const sees = (command: string, what: RegExp) => async () =>
    what.test(await askRedisForAll(machines.port(3, 26379), command));
  await until(sees('SENTINEL CKQUORUM receipts', /^\+OK 3 /), { within: 60_000, what: 'the sentinels' });
  await until(sees('SENTINEL MASTER receipts', /num-slaves\r\n\$1\r\n1/), { within: 60_000, what: 'the replica' });
  const peer = await listen();
  const lost = run(peer, variables(machines.file(env, 1)));
  expect(await acknowledged(peer, 'a')).toBe('disk');
  run(peer, variables(machines.file(env, 2)));
  // The machine is gone, with all that runs on it.
  await Promise.all([servers[0]?.kill(), watchers[0]?.kill(), lost.signal('SIGKILL')]);
  expect(await acknowledged(peer, 'b')).toBe('disk');
  const [says] = commands('Two machines') as [string];
  expect(await runs(machines.file(says.replaceAll('10.0.0.1', '10.0.0.3'), 3))).toContain(
    String(machines.port(2, 6379)),
  );
});

test('a cluster: one machine is lost, and when it is back and has its master again, another one', async () => {
  const [redis, create, env] = blocks('A cluster') as [string, string, string];
  const [handBack] = commands('A cluster') as [string];
  const machines = await Machines.of(3, true);
  const servers: TemporaryServer[][] = [];
  for (const machine of [1, 2, 3]) {
    const second = redis.replace('port 6379', 'port 6380');
    servers.push([keep(await machines.redis(redis, machine)), keep(await machines.redis(second, machine))]);
  }
  await runs(machines.file(create, 1));
  const says = (machine: number, port: number) =>
    runs(machines.file(`redis-cli -h 10.0.0.${machine} -p ${port} -a change-me INFO replication`, machine));
  // A replica that has had nothing of its master yet does not take its place.
  const haveReplicas = async () => {
    const all = await Promise.all([1, 2, 3].flatMap((machine) => [says(machine, 6379), says(machine, 6380)]));
    return all.filter((each) => /role:slave.*master_link_status:up/s.test(each)).length === 3;
  };
  await until(haveReplicas, { within: 60_000, what: 'the replicas' });
  const peer = await listen();
  peer.setMaxListeners(0);
  run(peer, variables(machines.file(env, 1)));
  // So many that each master has some of them.
  const users = Array.from({ length: 16 }, (_, i) => `user${i}`);
  const all = async (id: string) =>
    new Set(await Promise.all(users.map((user) => acknowledged(peer, `${id}-${user}`, user))));
  expect(await all('a')).toEqual(new Set(['disk']));
  const [first = [], other = []] = servers;
  for (const server of first) await server.kill();
  expect(await all('b')).toEqual(new Set(['disk']));
  for (const server of first) await server.restart();
  const is = (what: RegExp) => async () =>
    what.test(await runs(machines.file(handBack.replace('CLUSTER FAILOVER', 'INFO replication'), 1)));
  await until(is(/role:slave.*master_link_status:up/s), { within: 60_000, what: 'the machine that is back' });
  expect(await runs(machines.file(handBack, 1))).toBe('OK\n');
  await until(is(/role:master/), { within: 60_000, what: 'its master' });
  for (const server of other) await server.kill();
  expect(await all('c')).toEqual(new Set(['disk']));
});
