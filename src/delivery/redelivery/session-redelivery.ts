import {
  type Clock,
  type Missed,
  type SessionEvent,
  type StoreQueue,
  senderAvailable,
  sessionAvailable,
} from '../../store/contract.ts';
import type { RetryPolicy } from '../../store/retry-policy.ts';
import type { SessionEvents } from '../session-events.ts';
import type { AskedUsers } from './asked-users.ts';
import type { RedeliveryWindows } from './redelivery-windows.ts';
import type { SessionPings } from './session-pings.ts';

export interface SessionRedeliveryOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly windows: Pick<RedeliveryWindows, 'add' | 'remove'>;
  readonly sessions: SessionEvents;
  readonly pings: SessionPings;
  readonly retry: RetryPolicy;
  /** Whether a gate knows a session of this user's (bare JID) that takes messages: it knows sooner than Redis. */
  readonly isThere?: ((user: string) => boolean) | undefined;
  /** Is told when it is asked what a user has missed, and when it is known, and what is sent to him again. */
  readonly asked?: Pick<AskedUsers, 'asks' | 'answered'> | undefined;
  /** Whether another process, if any, has sent this, and knows what has become of it: behind a gate that serves several. */
  readonly isElsewhere?: (missed: Missed) => boolean;
  /** How long that one has to send it again, ms. */
  readonly ownerFirst?: number | undefined;
  readonly clock: Clock;
}

/**
 * That process hears of the login at the same time, and needs no more than a call to Redis, unless it hangs, or is about to be found
 * dead. What is new goes through it, and it alone knows what is to go before that.
 */
const OWNER_FIRST = 500;

/**
 * What follows when somebody comes, or a session of his ends or does not answer: what certainly did not reach him is sent
 * again, and he is told what he could not be told before.
 */
export class SessionRedelivery {
  readonly #options: SessionRedeliveryOptions;
  /** What is left to others for a moment. */
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: SessionRedeliveryOptions) {
    this.#options = options;
    const { sessions, pings } = options;
    // Whether he may have missed anything follows from this.
    sessions.on('reported', (user) => options.asked?.asks(user));
    sessions.on('recorded', (user) => options.asked?.answered(user));
    sessions.on('began', (user) => this.sessionAvailable(user, 'login'));
    sessions.on('updated', (user, again) => this.sessionAvailable(user, again ? 'heard again' : 'update'));
    sessions.on('ended', (user) => this.sessionEnded(user));
    pings.on('judged', (user) => this.sessionAvailable(user, 'update'));
  }

  /** A session of this user's (bare JID) began, or there was other word of one. */
  sessionAvailable(user: string, event: SessionEvent): void {
    if (event === 'login') this.#dueNotices(user, '0');
    this.#options.asked?.asks(user);
    this.#gather(user, event, '0', []);
  }

  /** A session of his ended. What it may have lost goes to another, if he has one; else all waits for the next. */
  sessionEnded(user: string): void {
    this.sessionAvailable(user, 'ended');
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #dueNotices(user: string, cursor: string): void {
    this.#options.pipeline.push({
      request: senderAvailable(user, cursor),
      done: (next) => {
        if (next !== '0') this.#dueNotices(user, next);
      },
    });
  }

  /** Gathers what he has missed, portion by portion. */
  #gather(user: string, event: SessionEvent, cursor: string, found: Missed[]): void {
    const { pipeline, windows, retry, clock, isThere, asked } = this.#options;
    const now = clock.now();
    const request = sessionAvailable({
      user,
      event,
      cursor,
      stepDue: retry.afterLogin(now, Math.random()),
      leaseUntil: retry.turnLeaseEnd(now),
      unconfirmedRetries: retry.settings.unconfirmedRetries,
    });
    pipeline.push({
      request,
      failed: () => asked?.answered(user),
      done: ({ away, next, missed, there }) => {
        if (away) {
          // Else it is the answer to what was asked before he came back: what is sent to him since goes on.
          if (isThere?.(user) !== true) windows.remove(user);
          asked?.answered(user);
          return;
        }
        found.push(...missed);
        if (next !== '0') {
          this.#gather(user, event, next, found);
          return;
        }
        this.#send(user, found, there);
        asked?.answered(user);
      },
    });
  }

  #send(user: string, missed: readonly Missed[], there: string): void {
    const { windows, isElsewhere, ownerFirst = OWNER_FIRST } = this.#options;
    const others = isElsewhere === undefined ? [] : missed.filter(isElsewhere);
    if (others.length === 0) {
      windows.add(user, missed, there);
      return;
    }
    const left = new Set(others);
    windows.add(
      user,
      missed.filter((one) => !left.has(one)),
      there,
    );
    // Nothing is lost with that one: what it has claimed, or what has ended, is not claimed here.
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      windows.add(user, others, there);
    }, ownerFirst).unref();
    this.#timers.add(timer);
  }
}
