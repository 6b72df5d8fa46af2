import { Redis } from 'ioredis';
import { allOrNone } from '../process/all-or-none.ts';
import { freePorts } from '../process/ports.ts';
import { until } from '../time/until.ts';
import { askRedis, askRedisForAll, type RedisOptions, type RedisServer, startRedis } from './redis.ts';

const SLOTS = 16_384;
const MASTERS = 3;
/** ms of silence after which the others take a node for dead. */
const NODE_TIMEOUT = 1500;

export interface ClusterOptions {
  /** Of every node, which then all need it of each other. */
  readonly password?: string;
  readonly settings?: RedisOptions['settings'];
  /** Without them a master that dies is not replaced. */
  readonly replicas?: boolean;
  /** Another server that speaks the same protocol; by default redis-server. */
  readonly program?: string;
  /** By default no: nothing that is tested waits for a disk. */
  readonly appendfsync?: RedisOptions['appendfsync'];
  /** Files: TLS on a port more of every node, between them, and for clients, which must have a certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** Three masters and, where nothing else is said, a replica of each, in cluster mode. */
export interface RedisCluster {
  /** The first three were made masters. */
  readonly nodes: readonly RedisServer[];
  /** {@link addresses} by their ports with TLS, where they have such. */
  readonly tlsAddresses: string;
  /** As REDIS_CLUSTER wants them. */
  readonly addresses: string;
  /** The same, by host and port. */
  readonly startNodes: readonly { readonly host: string; readonly port: number }[];
  /** As REDIS_URL wants it: its host is nobody's. */
  readonly url: string;
  /** One command to a node, and the first line of its answer. */
  ask(node: { readonly port: number }, command: string): Promise<string>;
  /** The node that has a slot now, by the word of one that lives. */
  masterOf(slot: number): Promise<RedisServer>;
  replicaOf(master: RedisServer): Promise<RedisServer>;
  idOf(node: RedisServer): Promise<string>;
  /** Moves a slot as redis-cli does, so many keys at a time, while it is used. */
  migrate(slot: number, from: RedisServer, to: RedisServer, keysAtATime: number): Promise<void>;
  /** Resolves when all that live agree that every slot is served, and each master has a replica. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { password, settings, program, appendfsync = 'no', tls, replicas = true } = options;
  const replicated = replicas ? MASTERS : 0;
  const own = {
    'cluster-node-timeout': String(NODE_TIMEOUT),
    'cluster-replica-validity-factor': '0',
    // The replicas begin with all that there is, at once.
    'repl-diskless-sync-delay': '0',
    ...(password !== undefined && { requirepass: password, masterauth: password }),
    ...settings,
  };
  const tlsPorts = tls === undefined ? [] : await freePorts(MASTERS + replicated);
  const withTls = (port: number) =>
    tls && {
      ...{ 'tls-port': String(port), 'tls-cluster': 'yes', 'tls-replication': 'yes', 'tls-auth-clients': 'yes' },
      ...{ 'tls-cert-file': tls.cert, 'tls-key-file': tls.key, 'tls-ca-cert-file': tls.ca },
    };
  const start = (_: unknown, i: number) =>
    startRedis({
      clusterNode: true,
      appendfsync,
      settings: { ...own, ...withTls(tlsPorts[i] as number) },
      ...(password !== undefined && { password }),
      ...(program !== undefined && { program }),
    });
  const nodes = await allOrNone(Array.from({ length: MASTERS + replicated }, start));
  try {
    return await joined(nodes, tlsPorts, options);
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw error;
  }
}

/** Makes a cluster of nodes that run. */
async function joined(
  nodes: readonly RedisServer[],
  tlsPorts: readonly number[],
  { password, replicas = true }: ClusterOptions,
): Promise<RedisCluster> {
  const replicated = replicas ? MASTERS : 0;
  const ask = (node: { readonly port: number }, command: string) => askRedis(node.port, command, password);
  const lines = (node: { readonly port: number }, command: string) => askRedisForAll(node.port, command, password);
  const idOf = async (node: RedisServer) => /\r\n(\w+)/.exec(await lines(node, 'CLUSTER MYID'))?.[1] as string;

  const [first] = nodes as [RedisServer];
  for (let i = 0; i < MASTERS; i += 1) {
    const [from, end] = [Math.round((i * SLOTS) / MASTERS), Math.round(((i + 1) * SLOTS) / MASTERS)];
    await ask(nodes[i] as RedisServer, `CLUSTER ADDSLOTSRANGE ${from} ${end - 1}`);
    await ask(nodes[i] as RedisServer, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
  }
  for (const node of nodes.slice(1)) {
    await ask(first, `CLUSTER MEET 127.0.0.1 ${node.port} ${node.busPort}`);
  }
  /** What one node says of all, a line each. */
  const seenBy = async (node: RedisServer) =>
    (await lines(node, 'CLUSTER NODES')).split('\n').filter((line) => /^[0-9a-f]{40} /.test(line));
  const met = async () => (await Promise.all(nodes.map(seenBy))).every((seen) => seen.length === nodes.length);
  await until(met, { within: 60_000, what: 'a cluster whose nodes know each other' });
  for (let i = 0; i < replicated; i += 1) {
    const replica = nodes[MASTERS + i] as RedisServer;
    const id = await idOf(nodes[i] as RedisServer);
    const done = async () => (await ask(replica, `CLUSTER REPLICATE ${id}`)) === '+OK';
    await until(done, { within: 30_000, what: 'a replica' });
  }

  const living = async () => {
    const all = await Promise.all(
      nodes.map(async (node) => ((await ask(node, 'PING').catch(() => '')) === '+PONG' ? [node] : [])),
    );
    return all.flat();
  };
  const whole = async () => {
    const isWhole = async () => {
      for (const node of await living()) {
        if (!(await lines(node, 'CLUSTER INFO')).includes('cluster_state:ok')) return false;
        const up = (await seenBy(node)).filter((line) => !/fail/.test(line));
        if (up.filter((line) => / slave |,slave /.test(line)).length < replicated) return false;
      }
      for (const node of await living()) {
        const role = await lines(node, 'INFO replication');
        if (/role:slave/.test(role) && !/master_link_status:up/.test(role)) return false;
      }
      return true;
    };
    await until(isWhole, { within: 60_000, what: 'a whole cluster' });
  };
  await whole();
  const startNodes = nodes.slice(0, MASTERS).map(({ port }) => ({ host: '127.0.0.1', port }));
  return {
    nodes,
    startNodes,
    tlsAddresses: tlsPorts
      .slice(0, MASTERS)
      .map((port) => `127.0.0.1:${port}`)
      .join(','),
    addresses: startNodes.map(({ host, port }) => `${host}:${port}`).join(','),
    // A port that nothing listens on: 1 needs privileges.
    url: password === undefined ? 'redis://127.0.0.1:1' : `redis://:${password}@127.0.0.1:1`,
    ask,
    idOf,
    masterOf: async (slot) => {
      const [node] = (await living()) as [RedisServer];
      const has = (line: string) =>
        line
          .split(' ')
          .slice(8)
          .some((range) => {
            const [from, to = from] = range.split('-').map(Number) as [number, number?];
            return slot >= from && slot <= to;
          });
      const line = (await seenBy(node)).find((one) => !/fail/.test(one) && has(one)) ?? '';
      return nodes.find(({ port }) => line.includes(`:${port}@`)) as RedisServer;
    },
    replicaOf: async (master) => {
      const id = await idOf(master);
      const line = (await seenBy(master)).find((one) => one.includes(` ${id} `) && !/fail/.test(one)) ?? '';
      return nodes.find(({ port }) => line.includes(`:${port}@`)) as RedisServer;
    },
    migrate: async (slot, from, to, keysAtATime) => {
      const [source, target] = await Promise.all([idOf(from), idOf(to)]);
      const must = async (node: RedisServer, command: string) => {
        const answer = await ask(node, command);
        if (!/^\+(OK|NOKEY)/.test(answer)) throw new Error(`${command}: ${answer}`);
      };
      await must(to, `CLUSTER SETSLOT ${slot} IMPORTING ${source}`);
      await must(from, `CLUSTER SETSLOT ${slot} MIGRATING ${target}`);
      const client = new Redis({ port: from.port, ...(password !== undefined && { password }) });
      try {
        for (;;) {
          const keys = (await client.cluster('GETKEYSINSLOT', slot, keysAtATime)) as string[];
          if (keys.length === 0) break;
          const login = password === undefined ? [] : ['AUTH', password];
          await client.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, ...login, 'KEYS', ...keys);
        }
      } finally {
        client.disconnect();
      }
      await must(to, `CLUSTER SETSLOT ${slot} NODE ${target}`);
      await must(from, `CLUSTER SETSLOT ${slot} NODE ${target}`);
      for (const node of nodes)
        if (node !== from && node !== to) await ask(node, `CLUSTER SETSLOT ${slot} NODE ${target}`);
    },
    whole,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
