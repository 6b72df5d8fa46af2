import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../addressing/address-policy.ts';
import { type Clock, recordPing, recordStrayPing, type StoreQueue } from '../../store/contract.ts';
import type { MessageTrace, TracedMessage } from '../../util/message-trace.ts';
import { withResource } from '../../xmpp/stanza/address.ts';

export interface SessionPingsOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly clock: Clock;
  /** See Requester.ping. */
  readonly ping: (fullJid: string) => Promise<'answered' | 'refused' | 'gone' | 'silent' | 'unknown'>;
  /** Asks a user's server which of his sessions are there, where only it knows. */
  readonly presence: { probeUser(user: string): void };
  readonly trace?: MessageTrace;
}

/** For the log. */
const PING_OUTCOME = {
  answered: 'it has answered, and has had the copy',
  refused: 'an error came, which its client or its server may have made',
  gone: 'its server says that it is gone',
  silent: 'it has not answered',
  unknown: 'it could not be asked, or the link went down',
} as const;

interface PingEvents {
  /** What a user's sessions answered, or did not, is known: it is to be looked what that means for his messages. */
  judged: [user: string];
}

/** How much later than an answer a receipt may come that the client was to send before, ms: some answer on another thread. */
const GRACE = 500;
/** How long looks at what waits for one user are gathered, ms. */
const GATHER = 1000;

/**
 * Asks sessions whether they are there (XEP-0199). A phone that has lost its network counts as online until its server gives
 * it up, which takes a quarter of an hour on Openfire as it is; what went to it must not wait for that when its owner has
 * another device in his hand.
 */
export class SessionPings extends EventEmitter<PingEvents> {
  readonly #options: SessionPingsOptions;
  /** Moves on when the link goes down: that an answer to an earlier question does not come says nothing. */
  #link = 0;
  readonly #toLookAt = new Set<string>();
  #closed = false;

  constructor(options: SessionPingsOptions) {
    super();
    this.#options = options;
  }

  /**
   * Pings these sessions of a user and then has his messages checked; without any, they are only checked again.
   *
   * @param message for the log: the one that waits for the answers
   */
  ask(user: string, resources: readonly string[], message?: TracedMessage): void {
    if (resources.length === 0) {
      this.#lookSoon(user);
      return;
    }
    void Promise.all(resources.map((resource) => this.#ask(user, resource, message))).then(() => {
      if (!this.#closed) this.emit('judged', user);
    });
  }

  /**
   * Resolves when this session has answered, and with that has had what its server wrote to it before, or its time for that
   * is over. Never rejects.
   */
  async caughtUp(user: string, resource: string): Promise<void> {
    if (await this.#ask(user, resource)) await sleep(GRACE, undefined, { ref: false });
  }

  /** An answer came that nobody waits for here; `doubtful`: one that a server may have made for a session that is gone. */
  strayReply({ inner, resource }: Pick<Address, 'inner' | 'resource'>, doubtful: boolean): void {
    if (inner === '' || resource === '') return;
    const { pipeline, presence } = this.#options;
    pipeline.push({
      request: recordStrayPing(inner, resource),
      done: (isNews) => {
        if (isNews && doubtful && !this.#closed) presence.probeUser(inner);
      },
      refuse: () => {},
    });
  }

  /** The link is down. */
  offline(): void {
    this.#link += 1;
  }

  /** Judges nothing any more. */
  close(): void {
    this.#closed = true;
  }

  /** Each of a thousand messages asks for a look at them all: one look serves those of a second. */
  #lookSoon(user: string): void {
    if (this.#toLookAt.has(user)) return;
    this.#toLookAt.add(user);
    const look = () => {
      this.#toLookAt.delete(user);
      if (!this.#closed) this.emit('judged', user);
    };
    setTimeout(look, GATHER).unref();
  }

  /** Whether it answered. */
  async #ask(user: string, resource: string, message?: TracedMessage): Promise<boolean> {
    const { clock, pipeline, ping, presence, trace } = this.#options;
    const link = this.#link;
    const asked = clock.now();
    const session = withResource(user, resource);
    const outcome = await ping(session);
    if (message !== undefined) trace?.('session pinged', message, { session, why: PING_OUTCOME[outcome] });
    if (this.#closed || outcome === 'unknown') return false;
    const answered = outcome === 'answered' || outcome === 'refused';
    if (!answered && link !== this.#link) return false;
    pipeline.push({ request: recordPing(user, resource, asked, answered), done: () => {}, refuse: () => {} });
    if (outcome === 'refused') presence.probeUser(user);
    return answered;
  }
}
