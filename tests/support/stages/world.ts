import xml from '@xmpp/xml';
import type { ReceiptsProxy, Tuning } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { createLog } from '../../../src/util/log.ts';
import { cleanSlate } from '../clients/clean-slate.ts';
import { login, type TestUser } from '../clients/test-user.ts';
import { killOpenfire, openfireOf, startOpenfire } from '../gate/openfire-process.ts';
import { allOrNone } from '../process/all-or-none.ts';
import { type ProsodyServer, startProsody } from '../servers/prosody.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../servers/redis.ts';
import { until } from '../time/until.ts';
import { TestProxy } from './test-proxy.ts';

/** Times that let a test see in seconds what takes hours. */
export const QUICK = {
  RETRY_SCHEDULE: '1s,2s',
  MESSAGE_TTL: '60s',
  DEDUP_WINDOW: '120s',
  UNCONFIRMED_RETRY_AFTER: '1s',
} as const;

/** For who counts copies, and wants none by the clock: on busy cores a login or a receipt may take longer than a second. */
export const NO_COPIES = { RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s' } as const;

const QUICK_TUNING: Tuning = { sweepEvery: 200, link: { pingInterval: 100, backoffMin: 50, backoffMax: 200 } };

/** The XMPP server: a Prosody of its own, or the one that the environment names (`E2E_…`). */
interface XmppServer {
  readonly host: string;
  readonly domain: string;
  readonly c2sPort: number;
  /** RFC 7395; undefined where it was not asked for, or the server has none. */
  readonly websocketUrl: string | undefined;
  /** XEP-0124; the same. */
  readonly boshUrl: string | undefined;
  readonly componentPort: number;
  readonly componentDomain: string;
  readonly secret: string;
  readonly passwords: ReadonlyMap<string, string>;
  readonly prosody: ProsodyServer | undefined;
  /** Undefined where the server is not ours to end. */
  readonly process: ServerProcess | undefined;
  /** Of our own. */
  stop(): Promise<void>;
}

export interface ServerProcess {
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Ends it in order if it runs, and starts it with what it has kept. */
  restart(): Promise<void>;
}

const SECRET = 'component-secret';

const NS_VERSION = 'jabber:iq:version';

/** What our own server has beside what every test wants. */
export interface WorldOptions {
  /** Whether users can come by WebSocket and BOSH; by default no. */
  readonly websocket?: boolean;
  /** Further lines of its configuration. */
  readonly config?: string;
  /** Passwords by name. */
  readonly users?: Readonly<Record<string, string>>;
  readonly redis?: RedisOptions;
  /** Loads the gate, for MODE=transparent and both, with further lines of its configuration. */
  readonly gate?: boolean | string;
  /** Further modules of Prosody: of its own, or of tests/support/gate/prosody. */
  readonly modules?: readonly string[];
}

async function xmppServer({
  websocket = false,
  gate = false,
  config,
  modules = [],
  users: others,
}: WorldOptions): Promise<XmppServer> {
  const { E2E_XMPP_HOST, E2E_C2S_PORT, E2E_COMPONENT_PORT, E2E_DOMAIN, E2E_COMPONENT_SECRET, E2E_USERS } = process.env;
  const { E2E_WEBSOCKET_URL, E2E_BOSH_URL } = process.env;
  if (E2E_XMPP_HOST === undefined) {
    const users = { alice: 'pw', bob: 'pw', carol: 'pw', dave: 'pw', ...others };
    const componentDomain = 'receipts.localhost';
    // Prosody takes one connection for a component, so that a second proxy beside the first has a domain of its own.
    const components = [componentDomain, 'receipts2.localhost'].map((domain) => ({ domain, secret: SECRET }));
    const wishes = { websocket, gate, modules, ...(config !== undefined && { config }) };
    const prosody = await startProsody({ domain: 'localhost', users, components, ...wishes });
    return {
      host: '127.0.0.1',
      domain: 'localhost',
      c2sPort: prosody.c2sPort,
      websocketUrl: prosody.websocketUrl,
      boshUrl: prosody.boshUrl,
      componentPort: prosody.componentPort,
      componentDomain,
      secret: SECRET,
      passwords: new Map(Object.entries(users)),
      prosody,
      process: prosody,
      stop: () => prosody.stop(),
    };
  }
  const domain = E2E_DOMAIN ?? E2E_XMPP_HOST;
  const users = (E2E_USERS ?? 'alice:alice,bob:bob').split(',').map((pair) => pair.split(':') as [string, string]);
  const server = {
    host: E2E_XMPP_HOST,
    domain,
    c2sPort: Number(E2E_C2S_PORT ?? 5222),
    websocketUrl: E2E_WEBSOCKET_URL,
    boshUrl: E2E_BOSH_URL,
    componentPort: Number(E2E_COMPONENT_PORT ?? 5275),
    componentDomain: `receipts.${domain}`,
    secret: E2E_COMPONENT_SECRET ?? '',
    passwords: new Map(users),
    prosody: undefined,
    process: foreignProcess(),
    stop: async () => {},
  };
  await cleanSlate(server);
  return server;
}

/** Whether the server is our own, with the users that we want and ours to restart. */
export const OWN_SERVER = process.env.E2E_XMPP_HOST === undefined;

/** Whether a browser's users can come to the server, through a relay too. */
export const HAS_WEBSOCKET = OWN_SERVER || /^ws:/.test(process.env.E2E_WEBSOCKET_URL ?? '');

/** Whether tests may end the server: it is our own, or an Openfire that OPENFIRE_START starts again. */
export const MAY_END_SERVER = OWN_SERVER || foreignProcess() !== undefined;

function foreignProcess(): ServerProcess | undefined {
  const { OPENFIRE_HOME: home, OPENFIRE_START: command } = process.env;
  if (home === undefined || command === undefined) return undefined;
  const restart = async () => {
    if (openfireOf(home) !== undefined) await killOpenfire(home, 'SIGTERM');
    await startOpenfire(command);
  };
  return { kill: () => killOpenfire(home), restart };
}

/** Begins the resources of this run. A server of our own has seen none before. */
const RUN = OWN_SERVER ? 'r' : `r${Date.now().toString(36)}-${process.pid}-`;

/** A server, a Redis and a proxy between users: where a test's dialogue takes place. */
export class World {
  readonly #users: TestUser[] = [];
  #proxy: ReceiptsProxy | undefined;
  #resources = 0;

  /** @param label the proxy's subdomain, when it is another than the server's first */
  constructor(
    readonly xmpp: XmppServer,
    readonly redis: RedisServer,
    readonly label?: string,
  ) {}

  static async open(options: WorldOptions = {}): Promise<World> {
    const [xmpp, redis] = await allOrNone([xmppServer(options), startRedis(options.redis)]);
    return new World(xmpp, redis);
  }

  get proxy(): ReceiptsProxy {
    if (this.#proxy === undefined) throw new Error('The proxy does not run');
    return this.#proxy;
  }

  /** The configuration that this world's proxy is given, as an operator would. */
  environment(settings: Record<string, string> = {}): Record<string, string> {
    const { host, componentPort, domain, secret } = this.xmpp;
    const componentDomain = this.label === undefined ? this.xmpp.componentDomain : `${this.label}.${domain}`;
    return {
      XMPP_SERVICE: `xmpp://${host}:${componentPort}`,
      XMPP_COMPONENT_DOMAIN: componentDomain,
      XMPP_COMPONENT_SECRET: secret,
      XMPP_SERVED_DOMAIN: domain,
      REDIS_URL: this.redis.url,
      HTTP_PORT: '0',
      LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
      ...QUICK,
      ...settings,
    };
  }

  /** @param before is given the proxy's link before it connects */
  async startProxy(
    settings: Record<string, string> = {},
    tuning: Tuning = {},
    before: (link: ReceiptsProxy['link']) => void = () => {},
  ): Promise<ReceiptsProxy> {
    const config = loadConfig(this.environment(settings));
    this.#proxy = new TestProxy(config, createLog(config.logLevel), { ...QUICK_TUNING, ...tuning });
    before(this.#proxy.link);
    await this.#proxy.start();
    return this.#proxy;
  }

  async stopProxy(): Promise<void> {
    await this.#proxy?.stop();
    this.#proxy = undefined;
  }

  /** A user's address as the others see it, resource kept. */
  seenAs(user: { readonly jid: string }): string {
    const [bare, ...resource] = user.jid.split('/');
    return [this.proxied(bare?.split('@')[0] ?? ''), ...resource].join('/');
  }

  /** The proxied address of a user. */
  proxied(name: string): string {
    return `${name}@${this.xmpp.componentDomain}`;
  }

  /** One that nobody had before: of a resource, a server may remember what was on it. */
  newResource(): string {
    this.#resources += 1;
    return `${RUN}${this.#resources}`;
  }

  /** Logs a user in; a resource of its own unless one is named. */
  async user(name: string, options: Partial<Parameters<typeof login>[0]> = {}): Promise<TestUser> {
    const { host, c2sPort: port, domain, passwords } = this.xmpp;
    const password = passwords.get(name);
    if (password === undefined) throw new Error(`No password for ${name}`);
    const resource = this.newResource();
    const user = await login({ host, port, domain, username: name, password, resource, ...options });
    this.#users.push(user);
    return user;
  }

  /** The same, when the server has been started again: one that listens may still be busy with its start. */
  async comesBack(name: string): Promise<TestUser> {
    let user: TestUser | undefined;
    await until(async () => (user = await this.user(name).catch(() => undefined)), {
      within: 180_000,
      what: `${name}'s login`,
    });
    return user as TestUser;
  }

  /** Whether it is an Openfire 4.2, which does some things in a way of its own: see openfire/README.md. Asked of it (XEP-0092). */
  async isOpenfire42(): Promise<boolean> {
    if (OWN_SERVER) return false;
    const user = await this.user('alice', { presence: false });
    const answer = await user.asks(this.xmpp.domain, xml('query', { xmlns: NS_VERSION }));
    await user.offline();
    const query = answer.getChild('query', NS_VERSION);
    return query?.getChildText('name') === 'Openfire' && query.getChildText('version')?.startsWith('4.2.') === true;
  }

  /** Logs everybody out. */
  async empty(): Promise<void> {
    await Promise.allSettled(this.#users.splice(0).map((user) => user.offline()));
  }

  async close(): Promise<void> {
    await this.empty();
    await this.stopProxy();
    await this.redis.stop();
    await this.xmpp.stop();
  }
}
