import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import { iq } from '../xmpp/stanza/build.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import type { DomainConflict, DomainOptions, DomainState, DomainTiming } from './domain-state.ts';

const TIMING: DomainTiming = { every: 30_000, firstEvery: 2000, remembered: 150_000 };

/** Rounds at the beginning of a stream. */
const FIRST_ROUNDS = 3;
/**
 * Self-pings of one round. A server gives stanzas to the connections of a domain in turn: one alone could come back here for
 * ever, several in a row reach the next ones too.
 */
const PINGS_PER_ROUND = 3;
/** Answers that a program gives which does not know the ping; a server's own words for "not there" are others. */
const COMPONENT_CONDITIONS: ReadonlySet<string> = new Set([
  'service-unavailable',
  'feature-not-implemented',
  'bad-request',
]);
/** Rounds of which something was answered so. A server may bounce what it has for a connection that is just breaking. */
const ROUNDS_UNTIL_CONFLICT = 2;
/** What a server says that knows nothing of the domain that was asked. */
const UNKNOWN_DOMAIN: ReadonlySet<string> = new Set([
  'remote-server-not-found',
  'remote-server-timeout',
  'item-not-found',
]);

const SELF = 'ofr-self-';
const SERVED = 'ofr-served-';

/**
 * Finds out whether somebody else holds the component's domain. Servers let several connections serve one domain, and give
 * each a part of the stanzas: that is well when they are processes of one Redis, and loses messages when they are not. So
 * each process pings its own domain (XEP-0199), with an id that it has put into Redis. A ping that comes in and is not in
 * Redis is another proxy's; one that is answered (we do not answer them) has reached another component.
 */
export class DomainMonitor {
  readonly #options: DomainOptions;
  readonly #timing: DomainTiming;
  readonly #own = `${randomBytes(9).toString('base64url')}-`;
  #count = 0;
  #session: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #conflict: { who: DomainConflict['who']; since: number; lastSign: number } | undefined;
  /** Rounds of which a program's error came, when the latest of them did (ms since the epoch), and whether this is one. */
  #errors = { rounds: 0, at: 0, thisRound: false };
  /** Of the latest round. */
  #pings: { done: boolean }[] = [];
  #servedError: string | undefined;
  #servedErrorSince: number | undefined;
  #unprovedSince: number | undefined;

  constructor(options: DomainOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
  }

  get state(): DomainState {
    this.#expireConflict();
    const conflict = this.#conflict && { who: this.#conflict.who, since: this.#conflict.since };
    return {
      conflict,
      servedError: this.#servedError,
      servedErrorSince: this.#servedErrorSince,
      unprovedSince: this.#unprovedSince,
    };
  }

  online(): void {
    this.offline();
    const session = new AbortController();
    this.#session = session;
    this.#unprovedSince ??= Date.now();
    this.#errors = { rounds: 0, at: 0, thisRound: false };
    void this.#round(session.signal, 1);
  }

  /** The server has answered on this stream. */
  proved(): void {
    this.#unprovedSince = undefined;
  }

  offline(): void {
    this.#session?.abort();
    this.#session = undefined;
    clearTimeout(this.#timer);
    this.#withdraw();
  }

  /** Takes an IQ stanza if it is one of this watch's; gives whether it was. */
  handle(element: Element): boolean {
    const { id = '', type, from } = element.attrs;
    if (id.startsWith(SERVED)) {
      this.#servedDomainAnswered(element);
      return true;
    }
    // Whose it is by its sender: ids may be anybody's.
    if (!id.startsWith(SELF) || from?.toLowerCase() !== this.#options.component.toLowerCase()) return false;
    if (type === 'result') this.#recordConflict('component');
    else if (type === 'error') {
      if (COMPONENT_CONDITIONS.has(readError(element).condition)) this.#recordError();
      if (this.#errors.rounds >= ROUNDS_UNTIL_CONFLICT) this.#recordConflict('component');
    } else if (!id.startsWith(SELF + this.#own)) void this.#checkForeign(id);
    return true;
  }

  async #round(signal: AbortSignal, round: number): Promise<void> {
    const { component, served, send, tokens } = this.#options;
    const next = round <= FIRST_ROUNDS ? this.#timing.firstEvery : this.#timing.every * (1 + Math.random() / 5);
    this.#timer = setTimeout(() => void this.#round(signal, round + 1), next).unref();
    this.#errors.thisRound = false;
    this.#withdraw();
    const ping = (to: string, id: string) =>
      this.#pings.push(
        send(iq({ from: component, to, type: 'get', id, otherAttributes: '', inner: `<ping xmlns="${NS.ping}"/>` })),
      );
    // Until it is known: an answer may have gone to another process.
    if (round <= FIRST_ROUNDS || this.#servedError !== undefined) ping(served, SERVED + this.#newId());
    const ids = Array.from({ length: PINGS_PER_ROUND }, () => SELF + this.#newId());
    try {
      await tokens.register(ids);
    } catch {
      // Without Redis nobody could know them again.
      return;
    }
    if (!signal.aborted) for (const id of ids) ping(component, id);
  }

  /** What still waits in the link, or would be written again on the next stream, might come when its id is forgotten. */
  #withdraw(): void {
    for (const ping of this.#pings.splice(0)) ping.done = true;
  }

  #recordError(): void {
    const now = Date.now();
    const { rounds, at, thisRound } = this.#errors;
    const before = now - at < this.#timing.remembered ? rounds : 0;
    this.#errors = { rounds: thisRound ? before : before + 1, at: now, thisRound: true };
  }

  #newId(): string {
    this.#count += 1;
    return this.#own + this.#count.toString(36);
  }

  /** The server's domain, or what we take for it, has answered. */
  #servedDomainAnswered(element: Element): void {
    const { served, log } = this.#options;
    if (element.attrs.from?.toLowerCase() !== served.toLowerCase()) return;
    const condition = element.attrs.type === 'error' ? readError(element).condition : undefined;
    const before = this.#servedError;
    this.#servedError = condition !== undefined && UNKNOWN_DOMAIN.has(condition) ? condition : undefined;
    this.#servedErrorSince = this.#servedError === undefined ? undefined : (this.#servedErrorSince ?? Date.now());
    if (this.#servedError !== undefined && before === undefined) {
      log.error({ condition }, `The XMPP server does not know ${served}: is XMPP_SERVED_DOMAIN right?`);
    }
  }

  async #checkForeign(id: string): Promise<void> {
    try {
      if (!(await this.#options.tokens.knows(id))) this.#recordConflict('proxy');
    } catch {
      // Redis is away; the next one tells.
    }
  }

  #recordConflict(who: DomainConflict['who']): void {
    this.#expireConflict();
    const now = Date.now();
    if (this.#conflict !== undefined) {
      this.#conflict.lastSign = now;
      // A proxy gives itself away by what it sends, and is the more precise word.
      if (who === 'proxy') this.#conflict.who = who;
      return;
    }
    this.#conflict = { who, since: now, lastSign: now };
    const { component, log } = this.#options;
    log.error(
      { who },
      `${component} is held by somebody else as well: messages that the server gives to him are lost. /readyz says more`,
    );
  }

  #expireConflict(): void {
    if (this.#conflict === undefined || Date.now() - this.#conflict.lastSign < this.#timing.remembered) return;
    this.#conflict = undefined;
    this.#errors = { rounds: 0, at: 0, thisRound: false };
    this.#options.log.info({}, `${this.#options.component} is ours alone again`);
  }
}
