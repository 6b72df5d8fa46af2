import { Redis } from 'ioredis';
import type { StoredRecord } from '../src/store/contract.ts';
import { Ledger } from '../src/store/redis/ledger.ts';
import { RetryPolicy } from '../src/store/retry-policy.ts';
import { recordKey } from '../src/xmpp/stanza/message-key.ts';
import { freePort } from '../tests/support/process/ports.ts';
import { type ProsodyServer, startProsody } from '../tests/support/servers/prosody.ts';
import { type RedisServer, startRedis } from '../tests/support/servers/redis.ts';
import { ProxyProcess } from '../tests/support/stages/proxy-process.ts';
import { KeptShards } from '../tests/support/store/kept-shards.ts';
import { until } from '../tests/support/time/until.ts';
import { Person } from './person.ts';

const DOMAIN = 'example.org';
export const COMPONENT_DOMAIN = 'receipts.example.org';
const SECRET = 'the secret of the demo';
const PREFIX = '{receipts}';
const NAMES = ['alice', 'bob', 'carol'] as const;

/** Seconds for what takes hours and days outside of a demo. */
export const FIRST_RETRY = 3;
export const TTL = 10;
const TIMES = { RETRY_SCHEDULE: `${FIRST_RETRY}s,4s,1h`, MESSAGE_TTL: `${TTL}s`, DEDUP_WINDOW: '1h' } as const;

const COUNTED = [
  'accepted',
  'delivered',
  'redelivered',
  'duplicates',
  'expired',
  'unconfirmed',
  'rejected',
  'gate_unheld',
] as const;
export type Figures = Record<(typeof COUNTED)[number], number>;

/** The real servers, the real proxy as a process of its own, and people with clients. */
export class Stage {
  /** Whether people write to each other's own addresses, and the server holds each message until it is stored. */
  readonly transparent: boolean;
  readonly #people: Person[] = [];
  readonly #starting: Promise<unknown>[] = [];
  /** What the processes before the present one had counted. */
  #counted: Partial<Figures> = {};
  #httpPort = 0;
  #redis: RedisServer | undefined;
  #prosody: ProsodyServer | undefined;
  #proxy: ProxyProcess | undefined;
  #look: { redis: Redis; ledger: Ledger } | undefined;
  #closing: Promise<void> | undefined;

  constructor({ transparent }: { transparent: boolean }) {
    this.transparent = transparent;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#httpPort}`;
  }

  async startRedis(): Promise<RedisServer> {
    const server = await this.#started(startRedis());
    this.#redis = server;
    const redis = new Redis(server.url);
    redis.on('error', () => {});
    const none = { schedule: [0], messageTtl: 0, unconfirmedRetries: 0, unconfirmedRetryAfter: 0, receiptGap: 0 };
    // Only to look into: nothing is ever written with it.
    const kept = new KeptShards(redis, PREFIX);
    const ledger = new Ledger(redis, {
      prefix: PREFIX,
      shards: kept.shards,
      preparation: kept,
      retry: new RetryPolicy(none),
      dedupWindow: 0,
      undeliveredRetention: 0,
    });
    this.#look = { redis, ledger };
    return server;
  }

  async startXmppServer(): Promise<ProsodyServer> {
    const users = Object.fromEntries(NAMES.map((name) => [name, `${name}'s password`]));
    // Nothing is kept for whom the server takes for online, in no archive either.
    const config = 'default_archive_policy = false';
    const component = { domain: COMPONENT_DOMAIN, secret: SECRET };
    this.#prosody = await this.#started(
      startProsody({ domain: DOMAIN, users, component, config, gate: this.transparent }),
    );
    return this.#prosody;
  }

  /** Resolves when it is started, with how to wait for its link. */
  async startProxy(settings: Record<string, string> = {}): Promise<{ linked(): Promise<void> }> {
    if (this.#closing || !this.#prosody || !this.#redis) throw new Error('The servers do not run');
    this.#httpPort ||= await freePort();
    const proxy = new ProxyProcess({
      XMPP_SERVICE: `xmpp://127.0.0.1:${this.#prosody.componentPort}`,
      XMPP_COMPONENT_DOMAIN: COMPONENT_DOMAIN,
      XMPP_COMPONENT_SECRET: SECRET,
      REDIS_URL: this.#redis.url,
      REDIS_PREFIX: PREFIX,
      HTTP_PORT: String(this.#httpPort),
      LOG_LEVEL: 'info',
      MODE: this.transparent ? 'transparent' : 'subdomain',
      ...TIMES,
      ...settings,
    });
    this.#proxy = proxy;
    return { linked: () => proxy.prints(this.transparent ? 'The gate holds messages for us' : 'The link is up') };
  }

  /** SIGKILL: it has no time for anything. */
  async killProxy(): Promise<void> {
    this.#counted = await this.figures();
    const ended = await this.#proxy?.signal('SIGKILL');
    if (ended?.signal !== 'SIGKILL') throw new Error(`The proxy had ended by itself:\n${this.troubles().join('\n')}`);
  }

  async person(name: (typeof NAMES)[number]): Promise<Person> {
    if (!this.#prosody) throw new Error('The XMPP server does not run');
    const account = { username: name, password: `${name}'s password`, resource: 'phone' };
    const server = { host: '127.0.0.1', port: this.#prosody.c2sPort, domain: DOMAIN };
    const person = new Person({ ...server, ...account }, `${name}@${this.transparent ? DOMAIN : COMPONENT_DOMAIN}`);
    this.#people.push(person);
    await person.comesOnline();
    return person;
  }

  /** What Redis has of a message. */
  async stored(from: Person, to: Person, id: string): Promise<StoredRecord | undefined> {
    const [sender, recipient] = [from, to].map(({ options }) => `${options.username}@${options.domain}`);
    const [record] = (await this.#look?.ledger.status([recordKey(sender as string, recipient as string, id)])) ?? [];
    return record;
  }

  /** The XMPP server has proved to have the first copy. */
  async handedOver(from: Person, to: Person, id: string): Promise<void> {
    const taken = async () => ((await this.stored(from, to, id))?.copies ?? 0) > 0;
    await until(taken, { what: `the XMPP server to take ${id}` });
  }

  /** When the present process has sent this message again, by its log; ms since the epoch. */
  redeliveries(id: string): number[] {
    const lines = this.#logged().filter(({ msg, id: logged }) => msg === 'Redelivering' && logged === id);
    return lines.map(({ time }) => Date.parse(time as string));
  }

  /** What all processes have counted, by their /metrics. */
  async figures(): Promise<Figures> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const figures = COUNTED.map((name) => [name, metric(text, `${name}_total`) + (this.#counted[name] ?? 0)]);
    return Object.fromEntries(figures);
  }

  /** Whether the dashboard shows this message among the dead letters. */
  async showsUndelivered(id: string): Promise<boolean> {
    const response = await fetch(`${this.url}/queues/api/queues?activeQueue=undelivered&status=failed&page=1`);
    const { queues } = (await response.json()) as { queues: { name: string; jobs: { data: { id: string } }[] }[] };
    return queues.some(({ name, jobs }) => name === 'undelivered' && jobs.some(({ data }) => data.id === id));
  }

  /** What the proxy has complained about, each thing once. */
  troubles(): string[] {
    const lines = this.#logged()
      .filter(({ level }) => level !== 'info')
      .map(({ msg, err, line }) => line ?? [msg, (err as { message?: string } | undefined)?.message].join(' '));
    return [...new Set(lines)].slice(-15);
  }

  /** Ends all of it, also what is about to start. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#starting);
    await Promise.allSettled(this.#people.map((person) => person.leaves()));
    await this.#proxy?.signal('SIGTERM');
    this.#look?.redis.disconnect();
    await Promise.allSettled([this.#redis?.stop(), this.#prosody?.stop()]);
  }

  #started<T>(start: Promise<T>): Promise<T> {
    this.#starting.push(start);
    return start;
  }

  #logged(): Record<string, string>[] {
    return (this.#proxy?.output ?? '').split('\n').flatMap((line) => {
      if (line === '') return [];
      try {
        return [JSON.parse(line)];
      } catch {
        return [{ line }];
      }
    });
  }
}

function metric(text: string, name: string): number {
  const value = new RegExp(`^openfire_receipts_${name} (\\d+)`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(value);
}
