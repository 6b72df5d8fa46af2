import type { ReceiptsProxy, Tuning } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { createLog } from '../../../src/util/log.ts';
import { type OpenfireLike, type OpenfireOptions, startOpenfire } from '../openfire/openfire.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { TestProxy } from './test-proxy.ts';
import { QUICK } from './world.ts';

/** The scripted server, a Redis, and proxies between them: a stage for what real Openfire does otherwise. */
export class OpenfireStage {
  readonly #proxies: ReceiptsProxy[] = [];
  #server: OpenfireLike | undefined;
  #runs = 0;

  private constructor(readonly redis: RedisServer) {}

  static async open(): Promise<OpenfireStage> {
    return new OpenfireStage(await startRedis());
  }

  /** The keys of the latest run in Redis. */
  get prefix(): string {
    return `{openfire${this.#runs}}`;
  }

  async openfire(options: OpenfireOptions = {}): Promise<OpenfireLike> {
    this.#runs += 1;
    this.#server = await startOpenfire(options);
    return this.#server;
  }

  /** Starts a proxy, beside those that run already. */
  async attach(settings: Record<string, string> = {}, tuning: Tuning = {}): Promise<ReceiptsProxy> {
    const { proxy, started } = this.begin(settings, tuning);
    await started;
    return proxy;
  }

  /** The same, without waiting until it is connected: it may have to stand by. */
  begin(
    settings: Record<string, string> = {},
    tuning: Tuning = {},
  ): { readonly proxy: ReceiptsProxy; readonly started: Promise<void> } {
    const config = loadConfig({
      XMPP_SERVICE: this.#server?.service,
      XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
      XMPP_COMPONENT_SECRET: 'secret',
      REDIS_URL: this.redis.url,
      REDIS_PREFIX: this.prefix,
      HTTP_PORT: '0',
      LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
      ...QUICK,
      ...settings,
    });
    const link = { pingInterval: 100, backoffMin: 20, backoffMax: 100, ...tuning.link };
    const proxy = new TestProxy(config, createLog(config.logLevel), { sweepEvery: 200, ...tuning, link });
    this.#proxies.push(proxy);
    const started = proxy.start();
    // It is stopped while it stands by.
    started.catch(() => {});
    return { proxy, started };
  }

  /** Ends the proxies and the server; Redis stays. */
  async empty(): Promise<void> {
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.stop(2000)));
    await this.#server?.stop();
  }

  async close(): Promise<void> {
    await this.empty();
    await this.redis.stop();
  }
}
