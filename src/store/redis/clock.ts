import { uptime } from 'node:os';
import type { StoreClock } from '../contract.ts';
import type { Stamp } from './codec/script-replies.ts';

/** Clocks that no step of the wall clock moves, in ms. */
export interface SteadyClocks {
  /** Since any moment; may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** Goes on while the machine sleeps; may be coarse. */
  readonly uptime: () => number;
}

const SYSTEM: SteadyClocks = { monotonic: () => performance.now(), uptime: () => uptime() * 1000 };

/** By how much the two must disagree before it counts as a step, ms. */
const STEP = 2000;
/** A call that took longer, ms, tells the time too vaguely to take it over. */
const QUICK = 1000;
/** How often the machine's uptime is read, ms: each time is a file. */
const UPTIME_EVERY = 1000;

/** When a call was written, by both clocks. */
export interface Departure {
  readonly monotonic: number;
  /** The ledger's time that was expected then, ms. */
  readonly expected: number;
}

/**
 * The ledger's time, as a process knows it between two calls to Redis. The scripts read Redis' clock in the step that
 * uses it (scripts/include/clock.lua) and take its steps out; a step forward cannot be told there from a call that Redis was
 * late with, so each call says which time it expects, and this half judges what comes back by a monotonic clock.
 *
 * All times are ms since the epoch. They equal the wall clock's as long as that was never stepped.
 */
export class LedgerClock implements StoreClock {
  readonly #clocks: SteadyClocks;
  #anchor: { readonly time: number; readonly monotonic: number } | undefined;
  #uptime: { readonly uptime: number; readonly monotonic: number } | undefined;
  #epoch = '';
  #shift = 0;

  constructor(clocks: SteadyClocks = SYSTEM) {
    this.#clocks = clocks;
  }

  /** The ledger's time; the wall clock's before the first answer of Redis. */
  now(): number {
    return this.#at(this.#clocks.monotonic());
  }

  #at(monotonic: number): number {
    if (this.#anchor === undefined) return Date.now();
    return Math.round(this.#anchor.time + monotonic - this.#anchor.monotonic);
  }

  /** How far the ledger's time is ahead of the wall clock, ms; 0 within a second. For times that people are shown. */
  aheadOfWall(): number {
    const ahead = this.now() - Date.now();
    return Math.abs(ahead) < QUICK ? 0 : ahead;
  }

  depart(): Departure {
    const monotonic = this.#clocks.monotonic();
    return { monotonic, expected: this.#at(monotonic) };
  }

  /** What a script is told: see ledger_time in scripts/include/clock.lua. */
  hint({ expected }: Departure): string {
    if (this.#anchor === undefined) return '::';
    return `${expected}:${this.#epoch}:${this.#shift === 0 ? '' : Math.round(this.#shift)}`;
  }

  /**
   * Takes what a script replied first. If the call was not carried out it was late, or Redis' clock had been set forward,
   * which the next call's hint then says.
   */
  arrived(departure: Departure, { time, epoch }: Stamp): void {
    const monotonic = this.#clocks.monotonic();
    this.#shift = 0;
    // Another process, or the script, has taken out a step: its word counts, or two would pull it to and fro.
    if (this.#anchor === undefined || epoch !== this.#epoch || this.#slept(monotonic)) {
      this.#epoch = epoch;
      this.#anchor = { time, monotonic };
      return;
    }
    // Redis' time is now between what the script has read and as much later as the whole call took. An idea of it that is in
    // there stays: taken from a slower call it would go back, and a message would seem older than one that came before it.
    const took = monotonic - departure.monotonic;
    const known = this.#anchor.time + monotonic - this.#anchor.monotonic;
    if (time - known > STEP) this.#shift = time - known;
    else if (took > QUICK) return;
    else if (known < time) this.#anchor = { time, monotonic };
    else if (known > time + took) this.#anchor = { time: time + took, monotonic };
  }

  /** Whether the machine has slept, so that the monotonic clock has stood still. */
  #slept(monotonic: number): boolean {
    const known = this.#uptime;
    if (known !== undefined && monotonic - known.monotonic < UPTIME_EVERY) return false;
    const now = { uptime: this.#clocks.uptime(), monotonic };
    this.#uptime = now;
    return known !== undefined && now.uptime - known.uptime - (monotonic - known.monotonic) > STEP;
  }
}
