import type { Limits, QuotaCheck, QuotaReason } from '../store/contract.ts';
import type { StanzaError } from '../xmpp/stanza/build.ts';
import { RateLimiter } from './rate-limiter.ts';

/** What one sender may have; 0 is no limit. See docs/configuration.md. */
export interface QuotaLimits {
  /** Stanzas a second, and at once after a pause; each KiB of one counts as one. In this process. */
  readonly rate: number;
  readonly burst: number;
  /** Messages and bytes that wait for a receipt. */
  readonly messages: number;
  readonly bytes: number;
  /** Messages to one recipient that wait for a receipt. */
  readonly toOne: number;
  /** How many senders' shares all users of another server's domain have together. */
  readonly domainShares: number;
  /** The part of Redis' memory that is kept free: messages are refused beyond the rest. 0 to 1. */
  readonly reserve: number;
}

export const NO_LIMITS: QuotaLimits = {
  rate: 0,
  burst: 1,
  messages: 0,
  bytes: 0,
  toOne: 0,
  domainShares: 1,
  reserve: 0,
};

export interface QuotasOptions {
  readonly limits: QuotaLimits;
  readonly servedDomain: string;
  /** How much of Redis' `maxmemory` is used, 0 to 1; undefined when there is none, or nobody knows. */
  readonly memoryUsed: () => number | undefined;
  /** Whether what the ledger says of a sender is of all of his messages, and not of those in one shard. */
  readonly seesAll?: boolean | undefined;
  /** A message was refused for this. */
  readonly onRefused: (reason: QuotaReason) => void;
  readonly now?: () => number;
}

/** What a sender may take before the ledger is asked again. */
interface Lot {
  /** Until when (ms, monotonic), and for how many messages and bytes more, nothing needs to be looked up. */
  until: number;
  left: number;
  bytes: number;
  /** With so many left one is looked up, so that the others which come before the answer need not be. */
  readonly askAt: number;
}

/** What is known of a sender: a lot of his, or one for each recipient where what he has may all be for one of them. */
type Seen = Lot | Map<string, Lot>;

/**
 * How long what the ledger said of a sender holds, ms. Other processes may take messages of his as well, but each no more than a lot
 * before it asks, however long that lasts. Where there are many lots of one share it is short: of a domain, which its users have
 * together, and of a sender where each of his recipients has one.
 */
const HOLDS_FOR = 600_000;
const HOLDS_FOR_ONE_OF_MANY = 30_000;
/** From so much of his share on, in percent, each message is looked up. */
const NEAR = 90;
/** The part of what is left that may come before it is looked up again. */
const SLACK = 1 / 8;
/** How much of Redis' memory before the reserve is the part in which shares shrink: who has most is refused first. */
const SHRINKS_WITHIN = 0.2;
const LEAST_PART = 0.01;
/** Lots in one of two generations: whoever writes while so many others do stays known. */
const MOST_SEEN = 50_000;

/**
 * What each sender may take of the proxy, so that there is room for the others. Nothing here is looked up for most
 * messages: what the ledger has said of a sender holds for a moment, unless he is near his limits.
 */
export class Quotas {
  readonly #options: QuotasOptions;
  readonly #rates: RateLimiter;
  readonly #domainRates: RateLimiter;
  #seen = new Map<string, Seen>();
  #seenBefore = new Map<string, Seen>();
  #seenCount = 0;
  readonly #ending: string;
  readonly #now: () => number;

  constructor(options: QuotasOptions) {
    this.#options = options;
    const { limits, servedDomain, now = () => performance.now() } = options;
    const { rate, burst, domainShares } = limits;
    this.#now = now;
    this.#rates = new RateLimiter({ perSecond: rate, burst }, now);
    this.#domainRates = new RateLimiter({ perSecond: rate * domainShares, burst: burst * domainShares }, now);
    this.#ending = `@${servedDomain}`;
  }

  /**
   * Whether a stanza of this size is within its sender's rate.
   *
   * @param sender bare JID of a served user
   */
  isWithinRate(sender: string, bytes: number): boolean {
    const cost = Math.max(1, bytes / 1024);
    if (!this.#rates.take(sender, cost)) return false;
    return sender.endsWith(this.#ending) || this.#domainRates.take(domainOf(sender), cost);
  }

  /** How a message is to be stored; undefined when nothing needs to be looked up. */
  check(sender: string, recipient: string, bytes: number): QuotaCheck | undefined {
    const part = this.#fraction();
    if (!this.isWithinRate(sender, bytes)) return { limits: this.#limits(sender, part), refuse: 'rate' };
    if (part === 0) return { limits: this.#limits(sender, part), refuse: 'memory' };
    const lot = part === 1 ? this.#lotOf(sender, recipient) : undefined;
    if (lot !== undefined && lot.left > 0 && lot.bytes >= bytes && this.#now() < lot.until) {
      lot.left -= 1;
      lot.bytes -= bytes;
      if (lot.left !== lot.askAt) return undefined;
    }
    const { messages, bytes: most, toOne } = this.#options.limits;
    if (part === 1 && messages + most + toOne === 0) return undefined;
    return { limits: this.#limits(sender, part), refuse: undefined };
  }

  /** What the ledger said of this sender and recipient, in percent. */
  recordUsage(sender: string, recipient: string, taken: number): void {
    const { messages, toOne, bytes } = this.#options.limits;
    const ofAny = this.#mostTaken(taken);
    const holdsForAll = ofAny < NEAR;
    const worst = holdsForAll ? ofAny : taken;
    const seen = this.#seenOf(sender);
    if (worst >= NEAR) {
      if (seen instanceof Map) seen.delete(recipient);
      else this.#seen.delete(sender);
      return;
    }
    const least = Math.min(messages || Number.POSITIVE_INFINITY, toOne || Number.POSITIVE_INFINITY, 10_000);
    const slack = (SLACK * (100 - worst)) / 100;
    const left = Math.floor(least * slack);
    const holdsFor = holdsForAll && sender.endsWith(this.#ending) ? HOLDS_FOR : HOLDS_FOR_ONE_OF_MANY;
    const until = this.#now() + holdsFor;
    const lot = { until, left, bytes: (bytes || Number.POSITIVE_INFINITY) * slack, askAt: left >> 1 };
    if (holdsForAll) {
      if (seen === undefined) this.#count();
      this.#seen.set(sender, lot);
    } else {
      if (!(seen instanceof Map && seen.has(recipient))) this.#count();
      if (seen instanceof Map && this.#seen.has(sender)) seen.set(recipient, lot);
      else this.#seen.set(sender, new Map([[recipient, lot]]));
    }
  }

  /** How much may be taken of what a sender may have for whichever recipient, in percent. */
  #mostTaken(taken: number): number {
    const { messages, toOne } = this.#options.limits;
    if (!this.#options.seesAll) return 100;
    if (toOne === 0) return taken;
    // All that he has, up to the next whole percent, may be for one of the others.
    return messages === 0 ? 100 : Math.max(taken, ((taken + 1) * messages) / toOne);
  }

  #lotOf(sender: string, recipient: string): Lot | undefined {
    const seen = this.#seenOf(sender);
    return seen instanceof Map ? seen.get(recipient) : seen;
  }

  #seenOf(sender: string): Seen | undefined {
    const recent = this.#seen.get(sender);
    if (recent !== undefined) return recent;
    const before = this.#seenBefore.get(sender);
    if (before === undefined) return undefined;
    this.#seenBefore.delete(sender);
    this.#seen.set(sender, before);
    this.#seenCount += before instanceof Map ? before.size : 1;
    // However many of those come again between others.
    if (this.#seenCount >= 2 * MOST_SEEN) this.#seenBefore = new Map();
    return before;
  }

  /** One more is known. */
  #count(): void {
    if (this.#seenCount >= MOST_SEEN) {
      this.#seenBefore = this.#seen;
      this.#seen = new Map();
      this.#seenCount = 0;
    }
    this.#seenCount += 1;
  }

  /** What a sender is told whose message was refused; counts it. */
  refusal(reason: QuotaReason): StanzaError {
    const { limits, onRefused } = this.#options;
    onRefused(reason);
    const again = 'Send it again later';
    const text = {
      rate: `You send faster than is taken here (${limits.rate} messages a second). ${again}`,
      messages: `Too many of your messages wait for their recipients. ${again}, when some were delivered, or cancel some`,
      bytes: `Your messages that wait for their recipients take too much room. ${again}, when some were delivered, or cancel some`,
      conversation: `Too many of your messages wait for this recipient. ${again}, when some were delivered, or cancel some`,
      domain: `Too many messages of your server's users wait here for their recipients. ${again}`,
      memory: `There is no room for messages here now. ${again}`,
    }[reason];
    return { condition: 'resource-constraint', text };
  }

  /** The part of their limits that senders have, as Redis' memory fills; 0 when nothing may be stored. */
  #fraction(): number {
    const used = this.#options.memoryUsed();
    const { reserve } = this.#options.limits;
    if (used === undefined || reserve === 0) return 1;
    const left = 1 - reserve - used;
    if (left <= 0) return 0;
    return left >= SHRINKS_WITHIN ? 1 : Math.max(LEAST_PART, left / SHRINKS_WITHIN);
  }

  #limits(sender: string, part: number): Limits {
    const { messages, bytes, toOne, domainShares } = this.#options.limits;
    const of = (limit: number) => (limit === 0 ? 0 : Math.max(1, Math.floor(limit * part)));
    const shares = sender.endsWith(this.#ending) ? 0 : domainShares;
    return {
      messages: of(messages),
      bytes: of(bytes),
      toOne: of(toOne),
      domainMessages: of(messages * shares),
      domainBytes: of(bytes * shares),
    };
  }
}

function domainOf(bare: string): string {
  return bare.slice(bare.lastIndexOf('@') + 1);
}
