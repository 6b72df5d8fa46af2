import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import { DISABLE, enable, type LeaseTerms, RENEW, request, VERSION } from './commands.ts';
import { type Enabled, type Failed, type GateEvent, gateIn, readEnabled, readEvents, readFailed } from './events.ts';

/** Times, ms, which tests shorten. */
export interface LeaseTiming {
  /** How long the gate may hold a message. */
  readonly timeout: number;
  /** How long a lease lasts that nothing renews. */
  readonly lease: number;
  /** How long after a failure it is asked for again. */
  readonly retryAfter: number;
  /** How long an answer may take. */
  readonly answerWithin: number;
}

const LEASE_TIMING: LeaseTiming = { timeout: 3000, lease: 10_000, retryAfter: 5000, answerWithin: 15_000 };

/** What the gate's other end hears of a lease. */
export interface LeaseListener {
  /** The lease has begun; what is remembered follows, then `ready`. */
  enabled(terms: Enabled): void;
  event(event: GateEvent): void;
  /** Nothing is held for us any more. */
  lost(why: string): void;
}

export interface LeaseOptions {
  readonly link: { send(xml: string, tag: undefined, priority: 'high'): { done: boolean } };
  readonly componentDomain: string;
  readonly servedDomain: string;
  readonly listener: LeaseListener;
  readonly timing?: Partial<LeaseTiming> | undefined;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** What becomes of a command: `failed` with why it was not carried out, `lost` when nobody can tell. */
export type CommandOutcome = 'done' | 'lost' | Failed;

interface Command {
  readonly xml: string;
  readonly name: string;
  readonly n: string;
  readonly done: ((outcome: CommandOutcome) => void) | undefined;
}

interface Pending {
  readonly commands: readonly Command[];
  readonly held: { done: boolean };
  readonly sentAt: number;
}

/** How it stands: `off` while there is no link, or Redis takes nothing; `refused` by a gate, or for want of one. */
export type LeaseState =
  | { readonly state: 'off' | 'asking' }
  | { readonly state: 'refused'; readonly why: string }
  | { readonly state: 'up'; readonly terms: Enabled; readonly ready: boolean };

/** One request has so many commands and characters at most: servers bound what they parse at once. */
const MOST_COMMANDS = 200;
const MOST_CHARACTERS = 60_000;

/**
 * The lease of a gate (docs/gate-protocol.md): asked for while it is wanted and the link is up, and kept by commands. All
 * commands of a turn of the event loop go in one request. What others than the gate say is not listened to: it comes from the
 * server's domain, and names the token of this lease; an answer is taken for a request that waits for it.
 */
export class GateLease {
  readonly #options: LeaseOptions;
  readonly #timing: LeaseTiming;
  readonly #terms: LeaseTerms;
  /** Ids of requests cannot be guessed. */
  #ids = 0;
  readonly #idBase = randomBytes(12).toString('base64url');
  readonly #pending = new Map<string, Pending>();
  #waiting: Command[] = [];
  #flushing = false;
  #online = false;
  #wanted = true;
  #state: LeaseState = { state: 'off' };
  /** The request for a lease that is open. */
  #asked: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saidAt = 0;
  #said = '';

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timing = { ...LEASE_TIMING, ...options.timing };
    const { timeout, lease } = this.#timing;
    this.#terms = { process: randomBytes(12).toString('base64url'), timeout, lease };
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** Whether commands are taken. */
  get isUp(): boolean {
    return this.#state.state === 'up';
  }

  online(): void {
    this.#online = true;
    this.#ask();
  }

  offline(): void {
    this.#online = false;
    this.#end('the link is down');
  }

  /** Whether messages are to be held at all: not while they cannot be stored. */
  want(wanted: boolean): void {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    if (wanted) {
      this.#ask();
      return;
    }
    if (this.#online && this.isUp) {
      this.command('disable', '', DISABLE);
      this.#flush();
    }
    // What was written in this turn is still to go.
    this.#end('messages cannot be stored', true);
  }

  close(): void {
    this.want(false);
  }

  /**
   * Gives the gate a command, after those before. Without a lease it is lost at once.
   *
   * @param name and `n`: by which the gate names it where it fails
   */
  command(name: string, n: string, xml: string, done?: (outcome: CommandOutcome) => void): void {
    if (!this.isUp) {
      done?.('lost');
      return;
    }
    this.#waiting.push({ xml, name, n, done });
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** Takes a stanza from the link if it is the gate's, or looks so; gives whether it was. */
  take(stanza: Element): boolean {
    const { type, id } = stanza.attrs;
    if (stanza.name === 'iq') {
      if ((type !== 'result' && type !== 'error') || id === undefined || !id.startsWith(this.#idBase)) return false;
      if (this.#isFromServer(stanza)) this.#answer(id, stanza);
      return true;
    }
    if (stanza.name !== 'message') return false;
    const gate = gateIn(stanza);
    if (gate === undefined) return false;
    // Whoever else sends it: it is nobody's message.
    if (this.#state.state !== 'up' || !this.#isFromServer(stanza) || gate.attrs.token !== this.#state.terms.token)
      return true;
    for (const event of readEvents(gate)) {
      if (event.kind === 'ready' && this.isUp) this.#state = { ...this.#state, ready: true };
      this.#options.listener.event(event);
      if (event.kind === 'opened') {
        this.#end(`the gate has opened: ${event.why}`);
        this.#askLater();
        break;
      }
    }
    return true;
  }

  #isFromServer({ attrs: { from } }: Element): boolean {
    return from === this.#options.servedDomain;
  }

  #ask(): void {
    clearTimeout(this.#retry);
    if (!this.#online || !this.#wanted || this.isUp) return;
    const { link, componentDomain, servedDomain } = this.#options;
    const id = this.#nextId();
    if (this.#state.state !== 'refused') this.#state = { state: 'asking' };
    this.#asked = id;
    const held = link.send(request(id, componentDomain, servedDomain, enable(this.#terms)), undefined, 'high');
    this.#pending.set(id, { commands: [], held, sentAt: performance.now() });
    this.#retry = setTimeout(() => {
      this.#forget(id);
      this.#refused('nothing answers');
    }, this.#timing.answerWithin).unref();
  }

  #askLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ask(), this.#timing.retryAfter).unref();
  }

  #refused(why: string): void {
    this.#asked = undefined;
    this.#state = { state: 'refused', why };
    if (this.#said !== why) {
      this.#options.log.warn({ why }, 'There is no gate in the server that takes us: messages are not held');
    }
    this.#said = why;
    this.#askLater();
  }

  #answer(id: string, stanza: Element): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    const gate = gateIn(stanza);
    const isError = stanza.attrs.type === 'error';
    if (id === this.#asked) {
      clearTimeout(this.#retry);
      const terms = isError || gate === undefined ? undefined : readEnabled(gate);
      if (terms !== undefined) this.#begin(terms);
      else this.#refused(isError ? explained(stanza) : 'the answer is none');
      return;
    }
    if (isError) {
      for (const { done } of pending.commands) done?.('lost');
      // The plugin was unloaded, or knows nothing of this lease.
      if (this.isUp) {
        this.#end(`the gate refuses a command: ${explained(stanza)}`);
        this.#askLater();
      }
      return;
    }
    const failed = gate === undefined ? [] : readFailed(gate);
    for (const { name, n, done } of pending.commands) {
      if (done === undefined) continue;
      done(failed.find((one) => one.command === name && one.n === n) ?? 'done');
    }
  }

  #begin(terms: Enabled): void {
    this.#asked = undefined;
    this.#said = '';
    this.#state = { state: 'up', terms, ready: false };
    this.#saidAt = performance.now();
    const { log, listener } = this.#options;
    const { gate, server, timeout } = terms;
    log.info({ gate, server, timeout }, 'The gate holds messages for us');
    if (terms.version < VERSION) log.warn({ gate, version: terms.version }, 'The gate is older than this component');
    this.#timer = setInterval(() => this.#keep(terms.lease), terms.lease / 4).unref();
    listener.enabled(terms);
  }

  /** Renews the lease where no command has, and looks whether answers come. */
  #keep(lease: number): void {
    const now = performance.now();
    if (now - this.#saidAt >= lease / 4 - 5) this.command('renew', '', RENEW);
    const [oldest] = this.#pending.values();
    if (oldest !== undefined && now - oldest.sentAt > this.#timing.answerWithin) {
      this.#end('the gate does not answer');
      this.#ask();
    }
  }

  #end(why: string, writes = false): void {
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    const wasUp = this.isUp;
    this.#state = { state: 'off' };
    this.#asked = undefined;
    const lost = [...[...this.#pending.values()].flatMap(({ commands }) => commands), ...this.#waiting];
    // The link must not write them on its next connection, to which this token means nothing.
    if (!writes) for (const { held } of this.#pending.values()) held.done = true;
    this.#pending.clear();
    this.#waiting = [];
    if (wasUp) {
      this.#options.log.warn({ why }, 'The gate holds no messages for us now');
      this.#options.listener.lost(why);
    }
    for (const { done } of lost) done?.('lost');
  }

  #forget(id: string): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.held.done = true;
    this.#pending.delete(id);
  }

  #flush(): void {
    if (this.#state.state !== 'up' || this.#waiting.length === 0) return;
    const { token } = this.#state.terms;
    const { link, componentDomain, servedDomain } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let first = 0; first < waiting.length; ) {
      let xml = '';
      let next = first;
      while (next < waiting.length && next - first < MOST_COMMANDS) {
        const command = (waiting[next] as Command).xml;
        if (next > first && xml.length + command.length > MOST_CHARACTERS) break;
        xml += command;
        next += 1;
      }
      const id = this.#nextId();
      const held = link.send(request(id, componentDomain, servedDomain, xml, token), undefined, 'high');
      this.#pending.set(id, { commands: waiting.slice(first, next), held, sentAt: performance.now() });
      first = next;
    }
    this.#saidAt = performance.now();
  }

  #nextId(): string {
    this.#ids += 1;
    return `${this.#idBase}-${this.#ids.toString(36)}`;
  }
}

/** Why a gate, or the server in its stead, refuses. */
function explained(stanza: Element): string {
  const { condition, text } = readError(stanza);
  return text === undefined ? condition : `${condition}: ${text}`;
}
