import type {
  Kind,
  Outcome,
  ReplyTo,
  Request,
  RequestOf,
  Store,
  StoreQueue,
  StoreQueueHealth,
  Work,
} from '../contract.ts';
import { ConversationOrder } from './conversation-order.ts';
import type { InternalRequest } from './internal-requests.ts';
import { joinedHealth } from './joined-health.ts';
import { OwnersWork } from './owners-work.ts';
import { Pipeline, type PipelineOptions } from './pipeline.ts';
import type { Part, Plan } from './plan.ts';
import { carryOutPlanned, conversationOf } from './planned-work.ts';
import { planOf } from './plans.ts';
import { shardOf } from './routes.ts';
import { SenderArrivals } from './sender-arrivals.ts';
import type { Shards } from './shards.ts';

/** What one of the pipelines may hold: a quarter of what one for all may. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_ENTRIES = 25_000;
/** What each shard does a part of by itself, in one step, with nothing to say. */
const DIVIDED: ReadonlySet<Kind> = new Set(['notified', 'release', 'renewLease', 'reported', 'forgetPresence']);
/** What several shards do, and give one reply to together. */
const JOINED: ReadonlySet<Kind> = new Set(['erase', 'forgetUser', 'pause', 'resume']);
/** How often it is looked at whether Redis has stopped to fail, ms. */
const LOOK_EVERY = 250;

/** Carries out requests; also, once it knows its shards, those of one shard with nothing of what they may ask of others. */
export interface ShardedStore extends Pick<Store, 'batch'> {
  readonly isPrepared?: boolean;
  batchIn?(shard: number, requests: readonly (Request | InternalRequest)[]): Promise<Outcome[]>;
}

/** After so many times what is waited for Redis (ms) it has been refused: it has two answers to wait for. */
const STEPS = 3;

/**
 * The way to a ledger whose shards lie on several servers: a pipeline for each shard, one call at a time, so that a shard which
 * stands still holds up its own work and nobody else's. What a request asks of other shards (plans.ts) waits in their pipelines, and
 * what came behind it in its own goes on meanwhile. Order is kept within a shard, and so in each conversation: what comes behind a message
 * that is asked about elsewhere is given its reply after that. Work without a request follows what came before it from its owner: to the
 * same recipient, where it has one.
 */
export class ShardPipelines implements StoreQueue {
  readonly #options: PipelineOptions;
  readonly #shards: Shards;
  readonly #store: ShardedStore;
  readonly #make: (name: string, shard?: number) => Pipeline;
  readonly #pushToShard = <R extends Request>(shard: number, work: Work<R>): void => this.#ofShard(shard).push(work);
  readonly #arrivals = new SenderArrivals(this.#pushToShard);
  readonly #byShard: Pipeline[] = [];
  /** For what comes before it is known how many shards there are. */
  readonly #ofSeveral: Pipeline;
  /** For what no shard has to. */
  readonly #ofNone: Pipeline;
  readonly #owners = new OwnersWork();
  readonly #order: ConversationOrder;
  readonly #timeout: number;
  #isDivided = false;
  /** Who had work under way when the number of shards became known. */
  readonly #early = new Set<string>();
  #closed = false;
  #failing = false;
  #looking: NodeJS.Timeout | undefined;
  #onRoom: () => void = () => {};

  constructor(store: ShardedStore, shards: Shards, options: PipelineOptions) {
    this.#options = options;
    this.#shards = shards;
    this.#store = store;
    this.#make = (name, shard) => {
      const whose = (message: string) =>
        message.replace('No message is acknowledged', `No message is acknowledged (${name})`);
      const { log } = options;
      const own = shard === undefined || store.batchIn === undefined ? store : { batch: this.#batchIn(shard) };
      const pipeline = new Pipeline(own, {
        ...options,
        log: {
          info: (fields, message) => log.info(fields, `${message} (${name})`),
          warn: (fields, message) => log.warn(fields, message),
          error: (fields, message) => log.error(fields, whose(message)),
        },
        onFailing: () => this.#look(),
        inFlight: 1,
        maxBytes: MAX_BYTES,
        maxEntries: MAX_ENTRIES,
      });
      pipeline.whenRoom(() => this.#onRoom());
      return pipeline;
    };
    this.#timeout = options.timeout ?? 5000;
    this.#order = new ConversationOrder({
      timeout: STEPS * Math.max(this.#timeout, 1000),
      onError: (error) => options.log.error({ err: error }, 'A stanza could not be handled'),
    });
    this.#ofSeveral = this.#make('what concerns several shards');
    this.#ofNone = this.#make('no shard');
  }

  /** Whether Redis fails for all that there is to do. */
  get failing(): boolean {
    const busy = this.#all.filter((pipeline) => pipeline.failing || pipeline.busy);
    return busy.length > 0 && busy.every((pipeline) => pipeline.failing);
  }

  get health(): StoreQueueHealth {
    return joinedHealth(
      this.#all.map(({ health }) => health),
      this.#byShard.length,
    );
  }

  /** What waits, but for what waits for a shard that fails: that must not keep others from coming in. */
  get waiting(): number {
    return this.#all.reduce((sum, pipeline) => sum + (pipeline.failing ? 0 : pipeline.waiting), 0);
  }

  get #all(): readonly Pipeline[] {
    return [...this.#byShard, this.#ofSeveral, this.#ofNone];
  }

  /** @param isThere of a shard: whether its server has shown that it keeps messages as DURABILITY demands */
  kept(isThere: (shard: number) => boolean = () => true): void {
    for (const [shard, pipeline] of this.#byShard.entries()) if (isThere(shard)) pipeline.kept();
    this.#ofSeveral.kept();
  }

  whenRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  apart(users: readonly string[]): Iterable<readonly string[]> {
    return this.#shards.split(users, (user) => this.#shards.ofUser(user)).values();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#looking);
    for (const pipeline of this.#all) pipeline.close();
  }

  async drained(): Promise<void> {
    // What one gives back may be another's.
    while (this.#all.some((pipeline) => pipeline.busy))
      await Promise.all(this.#all.map((pipeline) => pipeline.drained()));
  }

  push<R extends Request>(work: Work<R>): void {
    if (this.#closed) return;
    const { request, owner } = work;
    if (request === undefined) this.#pushWithoutRequest(work as Work);
    else if (this.#isOfSeveral(request.kind, owner)) this.#pushToSeveral(work as Work, request);
    else this.#pushTo(this.#pipelineOf(request, owner), work as Work);
  }

  perform<R extends Request>(request: R, take?: (reply: ReplyTo<R>) => void, owner?: string): Promise<ReplyTo<R>> {
    return new Promise((resolve, reject) => {
      this.push<R>({
        request,
        done: (reply) => {
          take?.(reply);
          resolve(reply);
        },
        refuse: () => reject(new Error('Redis does not answer')),
        failed: reject,
        ...(owner !== undefined && { owner }),
      });
    });
  }

  /** Whether it is known how many there are. Before, all goes one way, and its shards are found when it is carried out. */
  #knowsShards(): boolean {
    if (this.#isDivided) return true;
    if (this.#store.isPrepared === false) return false;
    for (const owner of this.#owners.all()) this.#early.add(owner);
    this.#isDivided = true;
    return true;
  }

  /** Whether work of an owner's is not through that was pushed before. */
  #isBehind(owner: string): boolean {
    if (this.#early.size === 0 || !this.#early.has(owner)) return false;
    if (this.#owners.lastOf(owner) !== undefined) return true;
    this.#early.delete(owner);
    return false;
  }

  #batchIn(shard: number): (requests: readonly Request[]) => Promise<Outcome[]> {
    return (requests) => (this.#store.batchIn as NonNullable<ShardedStore['batchIn']>)(shard, requests);
  }

  #pipelineOf(request: Request, owner = ''): Pipeline {
    if (!this.#knowsShards() || this.#isBehind(owner)) return this.#ofSeveral;
    const shard = shardOf(request, this.#shards);
    return shard === undefined ? this.#ofSeveral : this.#ofShard(shard);
  }

  #ofShard(shard: number): Pipeline {
    // How many there are is known when the ledger has been looked at.
    for (let next = this.#byShard.length; next <= shard; next += 1) {
      this.#byShard.push(this.#make(`shard ${next}`, next));
    }
    return this.#byShard[shard] as Pipeline;
  }

  #pushTo(pipeline: Pipeline, given: Work): void {
    const { request, owner } = given;
    const isFirst = owner === undefined || this.#owners.lastOf(owner) === undefined;
    const work = owner === undefined ? given : this.#owners.begin(given, owner, pipeline);
    const canAsk = this.#store.batchIn !== undefined && this.#shards.count > 1;
    const shard = request === undefined || !canAsk ? -1 : this.#byShard.indexOf(pipeline);
    if (request === undefined || shard === -1) pipeline.push(work);
    else if (request.kind === 'accept') this.#pushMessage(work, request, shard, isFirst);
    else this.#pushToShards(work, request, shard);
  }

  #pushToShards(work: Work, request: Request, shard: number, order?: ConversationOrder): void {
    const plan = planOf(request, this.#shards, true);
    if (plan === undefined) this.#ofShard(shard).push(work);
    else carryOutPlanned({ work, plan, shard, push: this.#pushToShard, order });
  }

  /** @param isFirst whether nothing of its sender's is under way */
  #pushMessage(work: Work, request: RequestOf<'accept'>, shard: number, isFirst: boolean): void {
    const order = this.#order;
    const carryOut = () => this.#pushToShards(work, request, shard, order);
    const isCorrection = request.target !== '' && !isFirst;
    if (order.isEmpty && !isCorrection) {
      carryOut();
      return;
    }
    const conversation = conversationOf(work);
    if (work.refuse !== undefined && !order.hasRoom(conversation, work.bytes ?? 0)) work.refuse();
    else if (order.putOff(conversation, carryOut, work.bytes)) return;
    else if (isCorrection) {
      // What it corrects may be about to be asked about: under an id that is used again it is another message before that.
      const done = order.putOffUntil(conversation, carryOut, work.bytes);
      this.#ofShard(shard).push({ done, owner: work.owner as string });
    } else carryOut();
  }

  #pushWithoutRequest(work: Work): void {
    const { owner, recipient } = work;
    const last = owner === undefined ? undefined : this.#owners.lastOf(owner);
    if (owner === undefined || last === undefined) this.#ofNone.push(work);
    else if (recipient === undefined) {
      this.#owners.afterAll(owner, this.#timeout, () => this.#ofNone.push(work));
    } else if (!this.#knowsShards() || this.#isBehind(owner)) this.#pushTo(last, work);
    else {
      // Only what is for the same recipient is waited for.
      const conversation = conversationOf(work);
      const done = () => this.#order.inTurn(conversation, () => work.done(undefined));
      const follow = () => this.#pushTo(this.#ofShard(this.#shards.ofUser(recipient)), { ...work, done });
      if (this.#order.isEmpty || !this.#order.putOff(conversation, follow, work.bytes)) follow();
    }
  }

  #isOfSeveral(kind: Kind, owner: string | undefined): boolean {
    if (DIVIDED.has(kind)) return this.#knowsShards();
    return owner === undefined && (kind === 'senderAvailable' || JOINED.has(kind)) && this.#knowsShards();
  }

  /** Each shard gets its own by its own way: one that stands still holds up nobody who wants nothing of it. */
  #pushToSeveral(work: Work, request: Request): void {
    if (request.kind === 'senderAvailable') {
      this.#arrivals.come(request.user, this.#shards.count, () => work.done('0'));
      return;
    }
    const plan = planOf(request, this.#shards, true) as Plan;
    if (DIVIDED.has(request.kind)) this.#pushParts(work, plan.next([]).value as readonly Part[]);
    else carryOutPlanned({ work, plan, shard: -1, push: this.#pushToShard });
  }

  #pushParts(work: Work, parts: readonly Part[]): void {
    if (parts.length === 0) {
      const { request: _, ...rest } = work;
      this.#ofNone.push(rest);
      return;
    }
    let left = parts.length;
    const done = () => {
      left -= 1;
      if (left === 0) work.done(undefined);
    };
    for (const { shard, request } of parts) this.#ofShard(shard).push({ ...work, request: request as Request, done });
  }

  /** Whether Redis fails may change with what there is to do. */
  #look(): void {
    const { failing } = this;
    if (failing !== this.#failing) {
      this.#failing = failing;
      this.#options.onFailing?.(failing);
    }
    const isNeeded = this.#all.some((pipeline) => pipeline.failing);
    if (isNeeded) this.#looking ??= setInterval(() => this.#look(), LOOK_EVERY).unref();
    else {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
  }
}
