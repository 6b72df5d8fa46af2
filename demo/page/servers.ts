import { Redis } from 'ioredis';
import { copiesOf } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { freePort } from '../../tests/support/process/ports.ts';
import { type ProsodyServer, startProsody } from '../../tests/support/servers/prosody.ts';
import { type RedisServer, startRedis } from '../../tests/support/servers/redis.ts';
import { ProxyProcess } from '../../tests/support/stages/proxy-process.ts';
import { KeptShards } from '../../tests/support/store/kept-shards.ts';
import { type Figures, readFigures } from './figures.ts';
import { type Line, Network } from './relay.ts';

export const DOMAIN = 'example.org';
export const COMPONENT_DOMAIN = 'receipts.example.org';
const SECRET = 'the secret of the page';
const PREFIX = '{receipts}';

/** The two windows. */
export const NAMES = ['alice', 'bob'] as const;
export type Name = (typeof NAMES)[number];

/** By which address the two write to each other: their own, or the component's for them. */
export type Addressing = 'own' | 'component';

/** What the ledger has of a message; times are ms since the epoch. */
export interface Life {
  readonly state: string;
  readonly attempts: number;
  /** Copies that the XMPP server has proved to have taken. */
  readonly copies: number;
  readonly storedAt: number;
  readonly settledAt: number | null;
  readonly condition: string | null;
  /** Only of a message that was in trouble. */
  readonly events: readonly { readonly at: number; readonly what: string }[];
}

export interface Health {
  readonly proxy: boolean;
  readonly redis: boolean;
  readonly network: Line;
}

/** The servers behind the page: its own, so that the story on the terminal does not show in its figures. */
export class Servers {
  readonly #settings: Readonly<Record<string, string>>;
  readonly #addressing: Addressing;
  #redis: RedisServer | undefined;
  #prosody: ProsodyServer | undefined;
  #networks: Record<Name, Network> | undefined;
  #look: { redis: Redis; inquiry: RedisQueries } | undefined;
  #proxy: ProxyProcess | undefined;
  #httpPort = 0;
  #redisRuns = false;
  /** Changes of what runs, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param settings of the proxy, as in docs/configuration.md */
  constructor(settings: Readonly<Record<string, string>>, addressing: Addressing) {
    this.#settings = settings;
    this.#addressing = addressing;
  }

  async start(): Promise<void> {
    const users = Object.fromEntries(NAMES.map((name) => [name, password(name)]));
    const component = { domain: COMPONENT_DOMAIN, secret: SECRET };
    // A session whose socket is gone is soon given up, and nothing is kept for whom the server takes for online: what is
    // lost then is to be the proxy's to repair.
    const config = 'default_archive_policy = false\nsmacks_hibernation_time = 10';
    // Whichever of the two fails, what the other has started is known and can be ended.
    const starts = [
      startRedis().then((redis) => {
        this.#redis = redis;
        this.#redisRuns = true;
      }),
      startProsody({
        domain: DOMAIN,
        users,
        component,
        config,
        websocket: true,
        gate: this.#addressing === 'own',
      }).then((prosody) => {
        this.#prosody = prosody;
      }),
    ];
    await Promise.allSettled(starts);
    await Promise.all(starts);
    const redis = new Redis((this.#redis as RedisServer).url, { commandTimeout: 1000, maxRetriesPerRequest: 0 });
    redis.on('error', () => {});
    const kept = new KeptShards(redis, PREFIX);
    this.#look = { redis, inquiry: new RedisQueries(redis, kept.shards, kept) };
    const target = Number(new URL(this.#prosody?.websocketUrl as string).port);
    this.#networks = { alice: await Network.to(target), bob: await Network.to(target) };
    this.#httpPort = await freePort();
    await this.startProxy();
  }

  /** Only pages of these origins reach the XMPP server. */
  allow(origins: readonly string[]): void {
    for (const name of NAMES) this.#network(name).origins = origins;
  }

  /** Where a person's page reaches the XMPP server. */
  websocket(name: Name): string {
    return `ws://127.0.0.1:${this.#network(name).port}/xmpp-websocket`;
  }

  setNetwork(name: Name, line: Line): void {
    this.#network(name).set(line);
  }

  /** Resolves when its link is up, and the gate holds messages for it. */
  startProxy(): Promise<void> {
    return this.#change(async () => {
      if (this.#proxy?.running) return;
      this.#proxy = new ProxyProcess({
        XMPP_SERVICE: `xmpp://127.0.0.1:${this.#prosody?.componentPort}`,
        XMPP_COMPONENT_DOMAIN: COMPONENT_DOMAIN,
        XMPP_COMPONENT_SECRET: SECRET,
        REDIS_URL: this.#redis?.url ?? '',
        REDIS_PREFIX: PREFIX,
        HTTP_PORT: String(this.#httpPort),
        LOG_LEVEL: 'info',
        MODE: this.#addressing === 'own' ? 'transparent' : 'subdomain',
        // A lost receipt is to be repaired as well.
        PROOF_COUNTS: 'receipt',
        ...this.#settings,
      });
      // Without Redis it waits for that first, and so would everybody who presses a button.
      if (this.#redisRuns)
        await this.#proxy.prints(this.#addressing === 'own' ? 'The gate holds messages for us' : 'The link is up');
    });
  }

  /** Killed: it has no time for anything. */
  stopProxy(): Promise<void> {
    return this.#change(async () => void (await this.#proxy?.signal('SIGKILL')));
  }

  startRedis(): Promise<void> {
    return this.#change(async () => {
      if (this.#redisRuns) return;
      await this.#redis?.restart();
      this.#redisRuns = true;
    });
  }

  stopRedis(): Promise<void> {
    return this.#change(async () => {
      this.#redisRuns = false;
      await this.#redis?.kill();
    });
  }

  health(): Health {
    return {
      proxy: this.#proxy?.running === true,
      redis: this.#redisRuns,
      network: this.#network('bob').line,
    };
  }

  /** Undefined while the proxy does not answer. */
  async figures(): Promise<Figures | undefined> {
    return this.#proxy?.running ? readFigures(`http://127.0.0.1:${this.#httpPort}`) : undefined;
  }

  /** Undefined if there is no such message. Rejects while Redis does not answer. */
  async life(from: Name, to: Name, id: string): Promise<Life | undefined> {
    const inquiry = this.#look?.inquiry as RedisQueries;
    const key = recordKey(`${from}@${DOMAIN}`, `${to}@${DOMAIN}`, id);
    const [[found], events] = await Promise.all([inquiry.byKey(key), inquiry.life(key)]);
    if (found === undefined) return undefined;
    const { state, attempt, firstStoredAt, settledAt, condition } = found.record;
    const past = { settledAt: settledAt ?? null, condition: condition ?? null, events };
    return { state, attempts: attempt, copies: copiesOf(found.record), storedAt: firstStoredAt, ...past };
  }

  /** Ends all of it. */
  async close(): Promise<void> {
    await this.#change(async () => {
      this.#closed = true;
      this.#look?.redis.disconnect();
      await this.#proxy?.signal('SIGKILL');
      const networks = Object.values(this.#networks ?? {});
      await Promise.allSettled([
        this.#redis?.stop(),
        this.#prosody?.stop(),
        ...networks.map((network) => network.close()),
      ]);
    });
  }

  #network(name: Name): Network {
    if (this.#networks === undefined) throw new Error('The servers do not run');
    return this.#networks[name];
  }

  #change(change: () => Promise<void>): Promise<void> {
    const changed = this.#changes.then(() => (this.#closed ? undefined : change()));
    this.#changes = changed.catch(() => {});
    return changed;
  }
}

export function password(name: Name): string {
  return `${name}'s password`;
}
