import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';

/** Wrong passwords of one address that cost it nothing: people mistype. */
const FREE = 5;
/** What one more costs, ms; twice as much each time, up to the most. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;
/** After so long without one (ms) an address begins anew. */
const FORGOTTEN_AFTER = 15 * 60_000;
/** Addresses that are remembered; of whom nothing was heard for the longest goes first. */
const MOST = 10_000;

interface Attempts {
  wrong: number;
  at: number;
  until: number;
}

/** Slows down who tries passwords. Times are ms of a monotonic clock. */
export class LoginThrottle {
  readonly #byAddress = new Map<string, Attempts>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How long this address must wait before it may try again, ms; 0 when it may. */
  waitOf(address: string): number {
    const guesser = this.#byAddress.get(sourceOf(address));
    return guesser === undefined ? 0 : Math.max(0, guesser.until - this.#now());
  }

  failed(address: string): void {
    const source = sourceOf(address);
    const now = this.#now();
    const before = this.#byAddress.get(source);
    this.#byAddress.delete(source);
    const wrong = before === undefined || now - before.at > FORGOTTEN_AFTER ? 1 : before.wrong + 1;
    const wait = wrong <= FREE ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (wrong - FREE - 1));
    this.#byAddress.set(source, { wrong, at: now, until: now + wait });
    const [oldest] = this.#byAddress.size > MOST ? this.#byAddress.keys() : [];
    if (oldest !== undefined) this.#byAddress.delete(oldest);
  }

  succeeded(address: string): void {
    this.#byAddress.delete(sourceOf(address));
  }

  get size(): number {
    return this.#byAddress.size;
  }
}

/** Whoever has one address of IPv6 has all of its /64. */
function sourceOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length;
  return [...groups, ...Array(Math.max(0, missing)).fill('0'), ...after].slice(0, 4).join(':');
}

const KEY = randomBytes(32);

/** Compares two texts in a time that tells nothing of them, their lengths included. */
export function isSameText(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHmac('sha256', KEY).update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
