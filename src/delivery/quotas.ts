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
  /** A message was refused for this. */
  readonly onRefused: (reason: QuotaReason) => void;
  readonly now?: () => number;
}

/** What is known of what a sender has for one recipient. */
interface Seen {
  /** Until when (ms, monotonic), and for how many messages more, nothing needs to be looked up. */
  until: number;
  left: number;
  /** With so many left one is looked up, so that the others which come before the answer need not be. */
  readonly askAt: number;
}

/** How long what the ledger said of a sender holds, ms: others may take messages of his as well. */
const HOLDS_FOR = 30_000;
/** From so much of his share on, in percent, each message is looked up. */
const NEAR = 90;
/** The part of what is left that may come before it is looked up again. */
const SLACK = 1 / 8;
/** How much of Redis' memory before the reserve is the part in which shares shrink: who has most is refused first. */
const SHRINKS_WITHIN = 0.2;
const LEAST_PART = 0.01;
const MOST_SEEN = 20_000;

/**
 * What each sender may take of the proxy, so that there is room for the others. Nothing here is looked up for most
 * messages: what the ledger has said of a sender holds for a moment, unless he is near his limits.
 */
export class Quotas {
  readonly #options: QuotasOptions;
  readonly #rates: RateLimiter;
  readonly #domainRates: RateLimiter;
  readonly #seen = new Map<string, Map<string, Seen>>();
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
    const seen = this.#seen.get(sender)?.get(recipient);
    if (part === 1 && seen !== undefined && seen.left > 0 && this.#now() < seen.until) {
      seen.left -= 1;
      if (seen.left !== seen.askAt) return undefined;
    }
    const { messages, bytes: most, toOne } = this.#options.limits;
    if (part === 1 && messages + most + toOne === 0) return undefined;
    return { limits: this.#limits(sender, part), refuse: undefined };
  }

  /** What the ledger said of this sender and recipient, in percent. */
  recordUsage(sender: string, recipient: string, taken: number): void {
    if (taken >= NEAR) {
      this.#seen.get(sender)?.delete(recipient);
      return;
    }
    if (this.#seenCount >= MOST_SEEN) {
      this.#seen.clear();
      this.#seenCount = 0;
    }
    let his = this.#seen.get(sender);
    if (his === undefined) {
      his = new Map();
      this.#seen.set(sender, his);
    }
    if (!his.has(recipient)) this.#seenCount += 1;
    const { messages, toOne } = this.#options.limits;
    const least = Math.min(messages || Number.POSITIVE_INFINITY, toOne || Number.POSITIVE_INFINITY, 10_000);
    const left = Math.floor((least * (100 - taken) * SLACK) / 100);
    his.set(recipient, { until: this.#now() + HOLDS_FOR, left, askAt: left >> 1 });
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
