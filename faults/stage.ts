import xml from '@xmpp/xml';
import { Redis } from 'ioredis';
import { Relay } from '../tests/support/peer/relay.ts';
import { freePort } from '../tests/support/process/ports.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../tests/support/servers/redis.ts';
import { World } from '../tests/support/stages/world.ts';
import { AddressRelay } from './address-relay.ts';
import { Clock } from './clock.ts';
import { GateWire } from './gate-wire.ts';
import type { Recorder } from './history.ts';
import { LinkRelay } from './link-relay.ts';
import type { Mode } from './mode.ts';
import { ProxyInstance } from './proxy-instance.ts';
import { type RedisGroup, type RedisKind, startRedisGroup } from './redis-kind.ts';

export interface StageOptions {
  readonly mode: Mode;
  readonly redis: RedisKind;
  readonly recorder: Recorder;
  readonly processes: 1 | 2;
  readonly settings: Record<string, string>;
  /** A second Redis that follows the first. */
  readonly replica: boolean;
  /** A wall clock that can be stepped: Redis', and that of each process of the proxy. */
  readonly clocks: boolean;
  readonly users: readonly string[];
  /** The server does nothing beside what the messages need: it keeps no archive (XEP-0313), and collects garbage by generations. */
  readonly hurried?: boolean;
}

/** A user of Redis and of the server, who does harm. */
const NEMESIS = 'nemesis';
const GATE = { gate: true, modules: ['gate_control'] };
/** In place of what tests/support/servers/prosody.ts says. */
const HURRIED = 'modules_disabled = { "s2s", "tls", "mam" }\ngc = { mode = "generational" }';
const HOLDS = 'The gate holds messages for us';

/** Names the messages of which a stanza of the proxy's is a copy. */
const COPY = /^<message\b([^>]*)>/;

/** Servers, relays between them, and the proxy: all real, all to be hurt. */
export class Stage {
  #closing: Promise<void> | undefined;

  private constructor(
    /** What is to be closed, the last first. */
    private readonly opened: readonly (() => unknown)[],
    readonly world: World,
    readonly replica: RedisServer | undefined,
    /** The network between the two. */
    readonly replication: Relay | undefined,
    /** Where the proxies find Redis. */
    readonly address: AddressRelay,
    /** As a user of Redis whom no fault of permissions concerns; of the first server. */
    readonly admin: Redis,
    readonly proxies: readonly ProxyInstance[],
    readonly clocks: readonly Clock[],
    /** Where the ledger is, if not in the one Redis. */
    readonly group: RedisGroup | undefined,
  ) {}

  /** What it has opened is closed when it cannot open all. */
  static async open(options: StageOptions): Promise<Stage> {
    const opened: (() => unknown)[] = [];
    try {
      return await Stage.#open(options, opened);
    } catch (error) {
      await closeAll(opened);
      throw error;
    }
  }

  static async #open(options: StageOptions, opened: (() => unknown)[]): Promise<Stage> {
    const { mode, recorder, processes, settings, users } = options;
    const clocks: Clock[] = [];
    const newClock = async () => {
      const clock = await Clock.create();
      opened.push(() => clock.close());
      clocks.push(clock);
    };
    if (options.clocks) for (let i = 0; i <= processes; i += 1) await newClock();
    const passwords = Object.fromEntries([...users, NEMESIS].map((name) => [name, 'pw']));
    const ofRedis = clocks[0];
    const redis: RedisOptions = {
      ...(ofRedis && { env: ofRedis.environment }),
      ...(settings.DURABILITY === 'disk' && { appendfsync: 'always' as const }),
      settings: { 'repl-diskless-sync-delay': '0' },
    };
    const world = await World.open({
      users: passwords,
      redis,
      ...(mode === 'transparent' && GATE),
      ...(options.hurried && { config: HURRIED }),
    });
    opened.push(() => world.close());
    const admin = new Redis(world.redis.url, { maxRetriesPerRequest: null, commandTimeout: 60_000 });
    opened.push(() => admin.disconnect());
    admin.on('error', () => {});
    await admin.call('ACL', 'SETUSER', NEMESIS, 'on', '>pw', '+@all', '~*', '&*');
    await admin.call('AUTH', NEMESIS, 'pw');
    admin.options.username = NEMESIS;
    admin.options.password = 'pw';
    const replica = options.replica ? await startRedis(redis) : undefined;
    opened.push(() => replica?.stop());
    const replication = replica && (await Relay.to(world.redis.port));
    opened.push(() => replication?.close());
    if (replica && replication) await follow(replica, replication);
    const group = await startRedisGroup(options.redis);
    opened.push(() => group?.stop());
    const address = await AddressRelay.to(world.redis.port);
    opened.push(() => address.close());
    const proxies: ProxyInstance[] = [];
    for (let i = 0; i < processes; i += 1) {
      const place = i === 0 ? world : new World(world.xmpp, world.redis, 'receipts2');
      const domain = place.environment().XMPP_COMPONENT_DOMAIN as string;
      const wire = mode === 'transparent' ? new GateWire(recorder, domain) : undefined;
      const link = await LinkRelay.listen({
        port: world.xmpp.componentPort,
        host: world.xmpp.host,
        onConnect: () => recorder.add({ kind: 'connected', process: domain }),
        onStanza: (stanza) => (wire === undefined ? noteCopy(recorder, domain, stanza) : wire.toGate(stanza)),
        onReceived: (stanza) => wire?.fromGate(stanza),
      });
      opened.push(() => link.close());
      const httpPort = await freePort();
      const environment = place.environment({
        XMPP_SERVICE: `xmpp://127.0.0.1:${link.port}`,
        REDIS_URL: `redis://127.0.0.1:${address.port}`,
        ...group?.environment,
        HTTP_PORT: String(httpPort),
        LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'info',
        MODE: mode,
        // No recipient here loses what he has confirmed: a copy after a receipt would be needless.
        PROOF_GRACE: '0s',
        ...settings,
      });
      proxies.push(
        new ProxyInstance({
          domain,
          link,
          httpPort,
          recorder,
          environment: { ...environment, ...clocks[i + 1]?.environment },
        }),
      );
    }
    opened.push(() => Promise.all(proxies.map((proxy) => proxy.close())));
    const stage = new Stage(opened, world, replica, replication, address, admin, proxies, clocks, group);
    await Promise.all(proxies.map((proxy) => proxy.start()));
    if (mode === 'transparent') await Promise.all(proxies.map((proxy) => proxy.prints(HOLDS)));
    for (const proxy of proxies) proxy.watch();
    return stage;
  }

  /** Has the server's module that tests load do something: tests/support/gate/prosody/mod_gate_control.lua. */
  async control(action: 'unload' | 'load' | 'reload'): Promise<void> {
    const user = await this.world.user(NEMESIS, { presence: false });
    await user.asks(this.world.xmpp.domain, xml(action, { xmlns: 'urn:test:gate-control' }), 'set');
    await user.offline();
  }

  /** Idempotent. Whatever state things are in. */
  close(): Promise<void> {
    this.#closing ??= closeAll(this.opened);
    return this.#closing;
  }
}

async function closeAll(opened: readonly (() => unknown)[]): Promise<void> {
  for (const close of opened.toReversed()) await close();
}

function noteCopy(recorder: Recorder, process: string, stanza: string): void {
  const attributes = COPY.exec(stanza)?.[1];
  // An error may quote the text that it is about.
  if (attributes === undefined || /\stype=["']error["']/.test(attributes) || !stanza.includes('<body')) return;
  const id = /\sid=["']([^"']*)["']/.exec(attributes)?.[1];
  if (recorder.knows(id)) recorder.add({ kind: 'copied', message: id, process });
}

/** Resolves when it has caught up. */
async function follow(replica: RedisServer, primary: { readonly port: number }): Promise<void> {
  const connection = new Redis(replica.url);
  try {
    await connection.replicaof('127.0.0.1', primary.port);
    for (;;) {
      if ((await connection.info('replication')).includes('master_link_status:up')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    connection.disconnect();
  }
}
