import { composeRooms, type Rooms } from './app/compose-rooms.ts';
import { connectEvents } from './app/connect-events.ts';
import { RedisRefusedError } from './app/start-errors.ts';
import type { Tuning } from './app/tuning.ts';
import type { Config } from './config/config.ts';
import { frontWords } from './console/front-words.ts';
import type { History } from './console/history.ts';
import type { Sent } from './delivery/ports.ts';
import type { Readiness } from './health/observations.ts';
import { type HttpServer, startHttp } from './http/server.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Spans } from './tracing/open-spans.ts';
import type { Log } from './util/log.ts';
import { waitAtMost } from './util/timeout.ts';
import { VERSION } from './version.ts';
import type { Link } from './xmpp/connection/link.ts';

export type { Tuning } from './app/tuning.ts';

/** How long the start waits for Redis, ms. */
const REDIS_AT_START = 5000;

/** The whole proxy: its rooms (compose-rooms.ts), and the order in which they start and stop. */
export class ReceiptsProxy {
  readonly #config: Config;
  readonly #log: Log;
  readonly #rooms: Rooms;
  readonly #spans: Spans | undefined;
  #http: HttpServer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: Config, log: Log, tuning: Tuning = {}, spans?: Spans) {
    this.#config = config;
    this.#log = log;
    this.#rooms = composeRooms(config, log, VERSION, tuning, spans?.trace);
    this.#spans = spans;
    connectEvents(this.#rooms, log, { bodies: config.logBodies });
  }

  /**
   * Resolves when the link is up for the first time, or it was told to stop before anything was begun.
   *
   * @param onListening when HTTP answers: from then on `/readyz` says what is missing
   * @throws {RedisRefusedError} when Redis may throw messages away
   * @throws {ListenError} when the dashboard's address cannot be had
   * @throws {LinkAuthError} when the server refuses the secret
   * @throws {UnsupportedLibraryError} when @xmpp/component is of a version that cannot be used
   * @throws {LinkProblem} when it is stopped before the link is up
   */
  async start(onListening: () => void = () => {}): Promise<void> {
    const { store, link, delivery, metrics } = this.#rooms;
    await this.#checkRedis();
    if (this.#stopping !== undefined) return;
    this.#http = await startHttp({
      config: this.#config.http,
      queues: [...store.queues.shown],
      metrics,
      readiness: () => this.readiness,
      log: this.#log,
      console: this.#rooms.console.app,
      words: frontWords,
    });
    this.#rooms.console.history.start();
    onListening();
    await link.start((held) => delivery.outbox.resume(held));
  }

  /** Finishes what is in hand, closes the stream and everything else, within about `timeout` ms. Idempotent. */
  stop(timeout: number = this.#config.shutdownTimeout): Promise<void> {
    this.#stopping ??= this.#stop(timeout);
    return this.#stopping;
  }

  get link(): Link<Sent> {
    return this.#rooms.link;
  }

  get metrics(): Metrics {
    return this.#rooms.metrics;
  }

  /** The last hour, as the console shows it. */
  get history(): History {
    return this.#rooms.console.history;
  }

  /** Where the dashboard is; undefined before the start. */
  get url(): string | undefined {
    return this.#http?.url;
  }

  /** Whether the proxy can do its work, and what keeps it from that. */
  get readiness(): Readiness {
    return this.#rooms.health.readiness;
  }

  /** What keeps the proxy from its work, in plain words; empty when it is ready. */
  async problems(): Promise<readonly string[]> {
    return this.readiness.problems;
  }

  async #checkRedis(): Promise<void> {
    const { health, store } = this.#rooms;
    const { refusals, fault } = await health.begin(REDIS_AT_START);
    if (refusals.length > 0) throw new RedisRefusedError(refusals);
    if (fault !== undefined) {
      this.#log.error({ code: fault.code }, `${fault.text}. No message is acknowledged until then`);
      return;
    }
    const paused = await store.queries.paused().catch(() => undefined);
    if (paused !== undefined) this.#log.warn({ by: paused.by, since: new Date(paused.since) }, 'Redelivery is paused');
  }

  async #stop(timeout: number): Promise<void> {
    const { store, link, gate, delivery, iq, ingress, workers, health, console, recorder } = this.#rooms;
    const { pipeline, queues, connections } = store;
    const end = Date.now() + timeout;
    const left = () => Math.max(10, end - Date.now());
    health.stop();
    console.history.stop();
    await waitAtMost(left(), workers.pause());
    delivery.close();
    await waitAtMost(left() / 4, delivery.presence.stop());
    iq.stop();
    ingress.release();
    // Never empty while stanzas keep coming: the link needs its share, to have what was sent proved.
    await waitAtMost(left() / 4, pipeline.drained());
    gate?.close();
    // What arrives from here on is stored, and sent by whoever sweeps next; nothing of it is acknowledged.
    await link.stop(left());
    // What this one has written is with the server: whoever comes next writes after it.
    await waitAtMost(left(), store.linkLease?.release() ?? Promise.resolve());
    await waitAtMost(left(), pipeline.drained());
    await waitAtMost(left(), workers.close());
    await waitAtMost(left(), queues.close());
    await waitAtMost(left(), this.#http?.close() ?? Promise.resolve());
    pipeline.close();
    await waitAtMost(left(), recorder?.flush() ?? Promise.resolve());
    await connections.close();
    workers.leave();
    await waitAtMost(left(), this.#spans?.close() ?? Promise.resolve());
  }
}
