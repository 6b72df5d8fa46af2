/**
 * How long a stanza should wait in the server's queue, ms: long enough to keep the server busy from ping to ping, and no
 * longer, since the server's queue is strictly in order and a flood delays all other stanzas in it.
 */
const TARGET = 100;
/** The same for a server that handles so few stanzas in {@link TARGET} that most of them would be pings. */
const TARGET_OF_FEW = 1_000;
/** A window that was not used for so long is halved (RFC 7661), since the measurements behind it are old, ms. */
const UNUSED = 10_000;

/** The least number of stanzas between two pings in a large window. */
const STEP = 16;

/** Bounds of a window, and what a stream starts with. */
interface Range {
  readonly floor: number;
  /** What may be in flight for {@link TARGET_OF_FEW}. */
  readonly few: number;
  readonly start: number;
  readonly cap: number;
}

const COUNT: Range = { floor: 4, few: 32, start: 32, cap: 16_384 };
/** In characters. */
const SIZE: Range = { floor: 16 << 10, few: 32 << 10, start: 64 << 10, cap: 8 << 20 };

/** What is written and not yet handed over. */
export interface Amount {
  /** Stanzas. */
  readonly count: number;
  /** In characters. */
  readonly size: number;
}

/** The window in one unit: stanzas, or characters. */
class Limit {
  readonly #range: Range;
  #value: number;
  /** When it was last nearly full. */
  #usedAt: number | undefined;
  #doubledAt = Number.NEGATIVE_INFINITY;

  constructor(range: Range) {
    this.#range = range;
    this.#value = range.start;
  }

  get value(): number {
    return this.#value;
  }

  reset(): void {
    this.#value = this.#range.start;
    this.#usedAt = undefined;
    this.#doubledAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Adapts it to a ping's round trip.
   *
   * @param used what was in flight when the ping was written
   * @param fitting the part of that which the server handles within {@link TARGET}; above 1, more would fit
   * @param fittingFew the same within {@link TARGET_OF_FEW}
   * @param quick whether the server kept up; then the window may double
   */
  adapt(used: number, fitting: number, fittingFew: number, quick: boolean, sentAt: number, now: number): void {
    const { floor, few, start, cap } = this.#range;
    // A window that is not used does not show how much more the server could take (RFC 7661 section 4.3).
    const limiting = used * 2 >= this.#value;
    if (limiting) this.#usedAt = now;
    this.#usedAt ??= now;
    if (!quick) {
      const most = limiting ? Math.min(cap, this.#value * 2) : this.#value;
      const fits = Math.max(used * fitting, Math.min(few, used * fittingFew));
      this.#value = Math.max(floor, Math.min(most, fits));
    } else if (limiting && sentAt >= this.#doubledAt) {
      // Once a round trip: a ping written under the last window measures that one.
      this.#value = Math.min(cap, this.#value * 2);
      this.#doubledAt = now;
    }
    const unused = Math.floor((now - this.#usedAt) / UNUSED);
    if (unused > 0) {
      this.#usedAt = now;
      if (this.#value > start) this.#value = Math.max(start, this.#value / 2 ** unused);
    }
  }
}

/**
 * How much may be written beyond the last answered ping: a sliding window with delay-based congestion control, as in TCP
 * Vegas and BBR. The server handles stanzas in order, so a ping's round trip is that of the path (the least that was seen)
 * plus the time that the server takes for the stanzas before the ping. While that time is short the window doubles whenever
 * it is the limit; otherwise it is set to what the server handles in the path's round trip and {@link TARGET}. So a slow
 * server holds a tenth of a second's work, or a few stanzas, and the rest waits here, where it can be reordered or withdrawn.
 *
 * Does no I/O and has no clock: all times are ms of any monotonic one.
 */
export class FlowControl {
  readonly #count = new Limit(COUNT);
  readonly #size = new Limit(SIZE);
  #base: number | undefined;
  #roundTrip: number | undefined;

  /** Stanzas that may be in flight; may be a fraction. */
  get window(): number {
    return this.#count.value;
  }

  /** Characters that may be in flight. */
  get sizeWindow(): number {
    return this.#size.value;
  }

  /** What the last answered ping took, ms. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** A new stream, perhaps to another server, starts small. */
  reset(): void {
    this.#count.reset();
    this.#size.reset();
    this.#base = undefined;
    this.#roundTrip = undefined;
  }

  /** Whether with so much in flight one more stanza may be written; a large one may exceed the window, or it could never be written. */
  allows(count: number, size: number): boolean {
    return count < this.#count.value && size < this.#size.value;
  }

  /**
   * Whether so much since the last ping, and so many stanzas in flight, call for another ping: twice a window, so that the
   * server always has work. A large window that is half full is pinged in smaller steps, since a large piece before its own
   * ping looks like a slow server. A window that is less full needs few pings: those of the timer are enough.
   */
  callsForPing(count: number, size: number, inFlight: number): boolean {
    const { value } = this.#count;
    const step = count >= STEP && count * 8 >= value && inFlight * 2 >= value;
    return step || count * 2 >= value || size * 2 >= this.#size.value;
  }

  /**
   * A ping was answered.
   *
   * @param used what was in flight when it was written
   */
  answered(used: Amount, sentAt: number, now: number): void {
    const roundTrip = Math.max(1, now - sentAt);
    this.#roundTrip = roundTrip;
    // With next to nothing before it, a ping measures the path alone, also when the path has become longer.
    const alone = used.count <= COUNT.floor && used.size <= SIZE.floor;
    this.#base = alone ? roundTrip : Math.min(this.#base ?? roundTrip, roundTrip);
    // On a long path more has to be in flight to keep the server busy.
    const target = Math.max(TARGET, this.#base / 2);
    const quick = roundTrip - this.#base <= target / 4;
    const fitting = (this.#base + target) / roundTrip;
    const fittingFew = (this.#base + Math.max(target, TARGET_OF_FEW)) / roundTrip;
    this.#count.adapt(used.count, fitting, fittingFew, quick, sentAt, now);
    this.#size.adapt(used.size, fitting, fittingFew, quick, sentAt, now);
  }
}
