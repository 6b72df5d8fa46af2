import {
  type Clock,
  type Missed,
  type SessionEvent,
  type StoreQueue,
  senderAvailable,
  sessionAvailable,
} from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { RedeliveryWindows } from './redelivery-windows.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionPings } from './session-pings.ts';

export interface SessionRedeliveryOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly windows: Pick<RedeliveryWindows, 'add' | 'remove'>;
  readonly sessions: SessionEvents;
  readonly pings: SessionPings;
  readonly retry: RetryPolicy;
  /** Whether a gate knows a session of this user's (bare JID) that takes messages: it knows sooner than Redis. */
  readonly isThere?: ((user: string) => boolean) | undefined;
  readonly clock: Clock;
}

/**
 * What follows when somebody comes, or a session of his ends or does not answer: what certainly did not reach him is sent
 * again, and he is told what he could not be told before.
 */
export class SessionRedelivery {
  readonly #options: SessionRedeliveryOptions;

  constructor(options: SessionRedeliveryOptions) {
    this.#options = options;
    const { sessions, pings } = options;
    sessions.on('began', (user) => this.sessionAvailable(user, 'login'));
    sessions.on('updated', (user, again) => this.sessionAvailable(user, again ? 'heard again' : 'update'));
    sessions.on('ended', (user) => this.sessionEnded(user));
    pings.on('judged', (user) => this.sessionAvailable(user, 'update'));
  }

  /** A session of this user's (bare JID) began, or there was other word of one. */
  sessionAvailable(user: string, event: SessionEvent): void {
    if (event === 'login') this.#dueNotices(user, '0');
    this.#gather(user, event, '0', []);
  }

  /** A session of his ended. What it may have lost goes to another, if he has one; else all waits for the next. */
  sessionEnded(user: string): void {
    this.sessionAvailable(user, 'ended');
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
    const { pipeline, windows, retry, clock, isThere } = this.#options;
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
      done: ({ away, next, missed, there }) => {
        if (away) {
          // Else it is the answer to what was asked before he came back: what is sent to him since goes on.
          if (isThere?.(user) !== true) windows.remove(user);
          return;
        }
        found.push(...missed);
        if (next === '0') windows.add(user, found, there);
        else this.#gather(user, event, next, found);
      },
    });
  }
}
