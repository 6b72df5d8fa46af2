import { EventEmitter } from 'node:events';
import type { Element } from '@xmpp/xml';
import { LinkAuthError, LinkProblem } from './link-problem.ts';
import {
  DEFAULT_TIMING,
  type LinkEvents,
  type LinkOptions,
  type LinkPermit,
  type LinkStats,
  type LinkTiming,
  type Resume,
} from './options.ts';
import type { CoalescingKey, OutgoingStanza, Priority } from './outgoing-stanza.ts';
import { ReconnectDelay } from './reconnect-delay.ts';
import { Stream } from './stream.ts';
import { Writer } from './writer.ts';

export type { LinkTiming } from './options.ts';

/** The part of the time to stop that may be spent waiting for the server to prove what it has. */
const DRAIN_SHARE = 0.75;
/** How long the server may take to end a stream that another process' takes the place of, ms. */
const STAND_BY_TIMEOUT = 2000;

/**
 * The link to the server (XEP-0114): one stream at a time, made again for as long as it takes. What is sent while it is
 * down waits; what was sent and not proved to have been handled when it breaks is sent again. `T` is what its owner
 * wants to be told of with a stanza.
 */
export class Link<T> extends EventEmitter<LinkEvents<T>> {
  readonly #options: LinkOptions;
  readonly #timing: LinkTiming;
  readonly #writer: Writer<T>;
  readonly #reconnects: ReconnectDelay;
  #resume: Resume<T> | undefined;
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<{ unconfirmed: number }> | undefined;
  #stopping = false;
  #closing = false;
  #stream: Stream | undefined;
  #reclaiming: Promise<void> = Promise.resolve();
  #timesOnline = 0;
  /** Whether the latest stream has answered a ping. */
  #streamProved = false;
  #connectedSince: number | undefined;
  #downSince: number | undefined = Date.now();
  #lastProblem: string | undefined;
  #standsBy = false;

  constructor(options: LinkOptions) {
    super();
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#reconnects = new ReconnectDelay(this.#timing, options.log);
    const { domain, serverDomain, log, maxQueuedBytes: maxQueued = 64 << 20 } = options;
    this.#writer = new Writer({ domain, serverDomain, log, maxQueued, timing: this.#timing });
  }

  get online(): boolean {
    return this.#connectedSince !== undefined;
  }

  get stats(): LinkStats {
    const { queue } = this.#writer;
    return {
      reconnects: Math.max(0, this.#timesOnline - 1),
      connectedSince: this.#connectedSince,
      downSince: this.#downSince,
      provedAt: this.#writer.provedAt,
      awaitingAnswerFor: this.#writer.awaitingAnswerFor,
      answersMisrouted: this.#writer.pings.answersMisrouted,
      lastProblem: this.#lastProblem,
      standsBy: this.#standsBy,
      queued: queue.count,
      queuedBytes: queue.size,
      dropped: this.#writer.dropped,
      inFlight: queue.window.count,
      window: Math.floor(queue.flow.window),
      waiting: queue.waiting,
      roundTrip: queue.flow.roundTrip,
    };
  }

  /**
   * Connects, and keeps connecting. Resolves when the link is up for the first time.
   *
   * @param resume decides after each reconnect what is written again; without it, all is
   * @throws {LinkAuthError} when the server refuses the secret before that: the link has given up
   * @throws {LinkProblem} when the link is stopped before that
   */
  start(resume?: Resume<T>): Promise<void> {
    if (this.#started === undefined) {
      this.#resume = resume;
      this.#started = new Promise((resolve, reject) => {
        this.once('online', resolve);
        this.#running = this.#run().then(
          () => reject(new LinkProblem('ended', 'The link was stopped')),
          (error: unknown) => reject(error as Error),
        );
      });
      // Whoever waits for it is told; nobody has to.
      this.#started.catch(() => {});
    }
    return this.#started;
  }

  /**
   * Sends a stanza, which must have its `from` and `to`: with all else that is sent in this turn of the event loop, or
   * when the link is up and flow control allows it. Never throws. If too much is held already it is dropped, and comes
   * back as `done`: a tagged one is its owner's to send again.
   *
   * @param key while a stanza with this key waits to be written, that one is returned, and no other is sent; a function
   *   gives this one a key without looking for another
   * @param owner see {@link OutgoingStanza}
   */
  send(xml: string, tag?: T, priority: Priority = 'normal', key?: CoalescingKey, owner = ''): OutgoingStanza<T> {
    if (this.#closing) return { xml, tag, done: true, priority, key, owner };
    return this.#writer.send(xml, tag, priority, key, owner);
  }

  /**
   * Sends what is waiting, waits for the server to prove that it has it, and closes the link, all within `timeout` ms.
   * Later calls get the first one's result.
   */
  stop(timeout: number): Promise<{ unconfirmed: number }> {
    this.#stopped ??= this.#stop(timeout);
    return this.#stopped;
  }

  /** Reads nothing for `ms`, which should be few: what the server writes waits there. */
  rest(ms: number): void {
    this.#stream?.rest(ms);
  }

  /** Another process is connected now: closes the stream, and waits until this one may be again. */
  standBy(): void {
    this.#standsBy = true;
    this.#reconnects.cancel();
    void this.#stream?.close(STAND_BY_TIMEOUT);
  }

  /** Ends the link at once, as a crash would. */
  destroy(): void {
    this.#stopping = true;
    this.#closing = true;
    this.#cancelWaiting();
    this.#stream?.reset();
  }

  async #run(): Promise<void> {
    const { permit } = this.#options;
    while (!this.#stopping) {
      if (permit !== undefined) await this.#awaitPermit(permit);
      if (this.#stopping) break;
      const before = this.#timesOnline;
      const problem = await this.#attempt();
      this.#lastProblem = problem.message;
      if (this.#stopping) break;
      if (this.#timesOnline === before) permit?.giveUp();
      if (this.#standsBy) continue;
      const { kind, condition } = problem;
      if (kind === 'auth' && this.#timesOnline === 0) {
        this.#options.log.error({ condition }, problem.message);
        throw new LinkAuthError(problem);
      }
      await this.#reconnects.wait(problem, this.#streamProved, this.#writer.queue.count);
    }
  }

  async #awaitPermit(permit: LinkPermit): Promise<void> {
    this.#standsBy = !permit.isGranted;
    await permit.wait();
    this.#standsBy = false;
  }

  #cancelWaiting(): void {
    this.#options.permit?.cancel();
    this.#reconnects.cancel();
  }

  /** Makes one stream and serves it. Resolves to why it ended. */
  async #attempt(): Promise<LinkProblem> {
    const { service, tlsCa, domain, secret, serverDomain, maxInboundBytes = 10 << 20, maxDepth = 200 } = this.#options;
    const { connectTimeout, handshakeTimeout } = this.#timing;
    const limits = { maxBytes: maxInboundBytes, maxDepth };
    const stream = new Stream(
      { service, tlsCa, domain, secret, serverDomain, connectTimeout, handshakeTimeout, limits },
      {
        stanza: (element) => this.#stanza(element),
        oversized: (oversized) => {
          this.#options.log.warn({ name: oversized.name, from: oversized.attrs.from }, 'Skipped an oversized stanza');
          this.#emit('oversized', oversized);
        },
        drain: () => this.#writer.schedule(),
      },
    );
    this.#stream = stream;
    this.#streamProved = false;
    try {
      await stream.connect();
    } catch (error) {
      return error as LinkProblem;
    }
    return this.#serve(stream);
  }

  async #serve(stream: Stream): Promise<LinkProblem> {
    this.#writer.attach(stream);
    // One at a time, to its end: a claim that outlives its stream must not race with the next.
    this.#reclaiming = this.#reclaiming.then(() => this.#reclaim());
    await Promise.race([this.#reclaiming, stream.closed]);
    if (stream.problem === undefined) this.#up();
    const problem = await stream.closed;
    this.#down(problem);
    return problem;
  }

  /** Asks the owner what of the held is to be written again. */
  async #reclaim(): Promise<void> {
    const { queue } = this.#writer;
    const held = queue.takeUnproved();
    let again = held;
    try {
      if (held.length > 0 && this.#resume) again = await this.#resume(held);
    } catch (err) {
      this.#options.log.error({ err, held: held.length }, 'Could not tell what to send again, so all is sent again');
    }
    queue.resume(again);
  }

  #up(): void {
    this.#connectedSince = Date.now();
    this.#downSince = undefined;
    this.#timesOnline += 1;
    this.#options.log.info({ domain: this.#options.domain, service: this.#options.service }, 'The link is up');
    this.#writer.open();
    this.#emit('online');
  }

  #down(problem: LinkProblem): void {
    const wasOnline = this.online;
    this.#connectedSince = undefined;
    this.#downSince ??= Date.now();
    const culprit = this.#writer.detach(problem);
    if (culprit !== undefined) {
      this.#options.log.error({ bytes: culprit.xml.length }, 'A stanza kills the link: it is not sent again');
    }
    if (wasOnline) this.#emit('offline', problem.message);
    if (culprit !== undefined) this.#emit('quarantined', culprit);
  }

  #stanza(element: Element): void {
    if (!this.#writer.pings.isAnswer(element)) {
      this.#writer.pings.observe(element);
      this.#emit('stanza', element);
      return;
    }
    const { tags, took } = this.#writer.answer(element);
    if (!this.#streamProved && this.#writer.provedAt !== undefined) {
      this.#streamProved = true;
      this.#emit('proved');
    }
    if (tags.length > 0) this.#emit('handedOver', tags, took);
  }

  async #stop(timeout: number): Promise<{ unconfirmed: number }> {
    const deadline = performance.now() + timeout;
    this.#stopping = true;
    this.#cancelWaiting();
    await this.#writer.drain(timeout * DRAIN_SHARE);
    this.#closing = true;
    await this.#stream?.close(Math.max(0, deadline - performance.now()));
    await this.#running?.catch(() => {});
    return { unconfirmed: this.#writer.queue.countUnproved() };
  }

  /** A listener's fault is not the stream's: in the middle of what it parses, it would end it. */
  #emit<E extends keyof LinkEvents<T>>(event: E, ...args: LinkEvents<T>[E]): void {
    try {
      (this as EventEmitter).emit(event, ...args);
    } catch (err) {
      this.#options.log.error({ err, event }, 'A listener of the link failed');
    }
  }
}
