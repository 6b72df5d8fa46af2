import {
  adds,
  byStoring,
  LateCallError,
  nothingButDelivered,
  type Outcome,
  type Request,
  type StoredRecord,
  type Swept,
} from '../contract.ts';
import { RULES } from '../redelivery-rules.ts';
import type { StoreTimes } from '../retry-policy.ts';
import type { Departure, LedgerClock } from './clock.ts';
import { inColumns } from './codec/columns.ts';
import { decode } from './codec/replies.ts';
import { type Arguments, encode } from './codec/requests.ts';
import { decodeScript } from './codec/script-replies.ts';
import { usualReplies, usualReply } from './codec/usual-replies.ts';
import { Constants } from './command-bytes.ts';
import type { InternalRequest } from './internal-requests.ts';
import type { Keys } from './keys.ts';
import { decodeRecord, tokenOf } from './record-codec.ts';
import type { ShardLink } from './shard-link.ts';

/** Messages that one call tells the status of: a client may have given a hundred others the id of each. */
const STATUS_PORTION = 20;
/** A shard in which so many messages were stored since the last sweep is told to it as busy. */
const BUSY = 50;
/** Where a batch's operations begin. */
const OPERATIONS_AT = 5;

export interface LedgerCallsOptions {
  readonly link: ShardLink;
  /** The shards that one call may touch: all of them, or in Redis Cluster one. */
  readonly shards: readonly Keys[];
  /** How many the ledger has. */
  readonly count: number;
  readonly clock: LedgerClock;
  /** ms. */
  readonly lease: number;
  readonly times: StoreTimes;
}

/** Calls of scripts to shards that lie on one server. Shards are named by their place among these. */
export class LedgerCalls {
  readonly #options: LedgerCallsOptions;
  /** What each batch is told of settings. */
  readonly #constants: Constants;
  readonly #prefixes: readonly string[];
  /** Messages stored in each shard since the last sweep. */
  #stored: number[] = [];
  #firstSwept = 0;

  constructor(options: LedgerCallsOptions) {
    this.#options = options;
    const { times, lease } = options;
    this.#prefixes = options.shards.map(({ prefix }) => prefix);
    this.#constants = new Constants([
      lease,
      times.dedupWindow,
      times.undeliveredRetention,
      times.messageTtl,
      times.receiptSupportKept,
      times.firstStep,
      RULES,
    ]);
  }

  /**
   * Carries out requests, those of each shard in their order, as one step.
   *
   * @param shardOf of each request
   * @param at the time (ms) to carry them out at; by default Redis' own
   * @throws ReplyError and connection errors of ioredis, a {@link LateCallError}, or a DurabilityError
   */
  async batch(
    requests: readonly (Request | InternalRequest)[],
    shardOf: readonly number[],
    at?: number,
  ): Promise<Outcome[]> {
    const { clock, count, link } = this.#options;
    const departure = clock.depart();
    const args: Arguments = [link.keys, this.#hint(departure, at), this.#constants];
    args.push(requests.some(addsAny) ? 1 : 0, count);
    const order = orderOf(shardOf);
    let shard = 0;
    for (const index of order) {
      if (shardOf[index] !== shard) {
        shard = shardOf[index] as number;
        args.push('shard', shard + 1);
      }
      const request = requests[index] as Request;
      if (stores(request)) this.#stored[shard] = (this.#stored[shard] ?? 0) + 1;
      encode(request, args);
    }
    const all = inColumns(args, OPERATIONS_AT, this.#prefixes) ?? args;
    const replies = (await link.call('receiptsBatch', all, requests.some(stores) ? 'kept' : 'answered')) as unknown[];
    this.#stamped(departure, replies[0], at);
    return outcomesOf(requests, shardOf, order, replies);
  }

  /**
   * As of Store, of these shards.
   *
   * @param at as of {@link batch}
   */
  async sweep(lease: number, limit: number, at?: number, miscounted = 0): Promise<Swept> {
    const { clock, times, shards, link } = this.#options;
    const departure = clock.depart();
    const { messageTtl, dedupWindow, undeliveredRetention } = times;
    this.#firstSwept = (this.#firstSwept + 1) % shards.length;
    const busy = this.#stored.flatMap((count, shard) => (count >= BUSY ? [shard + 1] : []));
    this.#stored = [];
    const [stamp, damage, ...taken] = (await link.call(
      'receiptsSweep',
      [
        link.keys,
        this.#hint(departure, at),
        lease,
        limit,
        messageTtl,
        dedupWindow,
        undeliveredRetention,
        this.#firstSwept,
        miscounted,
        busy.join(' '),
      ],
      'answered',
    )) as unknown[];
    const now = this.#stamped(departure, stamp, at);
    const { damaged, missing, unreported } = decodeScript('damaged', damage);
    const overdue: { record: StoredRecord; storedAt: number; token: string }[] = [];
    const unreadable: string[] = [];
    for (const reply of taken) {
      const { key, value } = decodeScript('taken', reply);
      try {
        const record = decodeRecord(key, value);
        overdue.push({ record, storedAt: record.storedAt, token: tokenOf(value) });
      } catch {
        // One must not keep the others, which are leased by now.
        unreadable.push(key);
      }
    }
    // What became due together goes out in the order in which it was written.
    const records = overdue.sort(byStoring).map(({ record }) => record);
    return { now, overdue: records, damaged, missing, unreported, unreadable };
  }

  /** As of Store, of keys of one of these shards. */
  async status(shard: number, keys: readonly string[], forSender: boolean): Promise<(StoredRecord | undefined)[]> {
    const { link, shards } = this.#options;
    const { prefix } = shards[shard] as Keys;
    // All that a cluster wants to be named, or the one that is asked.
    const names = shards.length === 1 ? link.keys : new Constants([1, prefix]);
    const replies: unknown[] = [];
    for (let i = 0; i < keys.length; i += STATUS_PORTION) {
      const portion = keys.slice(i, i + STATUS_PORTION);
      const args = [names, forSender ? '1' : '0', ...portion];
      replies.push(...((await link.call('receiptsStatus', args, 'answered')) as unknown[]));
    }
    return keys.map((key, i) => {
      const value = decodeScript('status', replies[i]);
      return value === 'delivered' ? nothingButDelivered(key) : value && decodeRecord(key, value.value);
    });
  }

  #hint(departure: Departure, at: number | undefined): string {
    return at === undefined ? this.#options.clock.hint(departure) : `=${at}`;
  }

  /** Gives the time of a call that was carried out. */
  #stamped(departure: Departure, reply: unknown, at: number | undefined): number {
    const stamp = decodeScript('stamp', reply);
    if (at !== undefined) return at;
    this.#options.clock.arrived(departure, stamp);
    if (stamp.late) throw new LateCallError();
    return stamp.time;
  }
}

const stores = ({ kind }: Request | InternalRequest) => kind === 'accept' || kind === 'acceptKnowing';
const addsAny = (request: Request | InternalRequest) => request.kind === 'acceptKnowing' || adds(request as Request);

const ALONE = [0];

/** The places of requests in the order in which a call has them: by shard, and within one as they came. */
function orderOf(shardOf: readonly number[]): readonly number[] {
  if (shardOf.length === 1) return ALONE;
  const byShard: (number[] | undefined)[] = [];
  for (let index = 0; index < shardOf.length; index += 1) {
    const shard = shardOf[index] as number;
    const those = byShard[shard];
    if (those === undefined) byShard[shard] = [index];
    else those.push(index);
  }
  return byShard.length === 1 ? (byShard[0] as number[]) : byShard.flatMap((those) => those ?? []);
}

function outcomesOf(
  requests: readonly (Request | InternalRequest)[],
  shardOf: readonly number[],
  order: readonly number[],
  replies: readonly unknown[],
): Outcome[] {
  const outcomes = new Array<Outcome>(requests.length);
  const usual = usualReplies(replies);
  let shard = 0;
  let at = 0;
  for (const index of order) {
    if (shardOf[index] !== shard) {
      shard = shardOf[index] as number;
      // The reply to that word.
      at += 1;
    }
    at += 1;
    const request = requests[index] as Request;
    outcomes[index] = decode(request, usual === undefined ? replies[at] : (usual.get(`${at}`) ?? usualReply(request)));
  }
  return outcomes;
}
