import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import { type CommandOutcome, CommandRequests } from './command-requests.ts';
import { DISABLE, enable, type LeaseTerms, renew, VERSION } from './commands.ts';
import { type Enabled, gateIn, readEnabled, readEvents, readFailed } from './events.ts';
import { LEASE_TIMING, type LeaseOptions, type LeaseTiming } from './lease-options.ts';

/** The answer to a request for a lease is waited for so many times as long, at most. */
const MOST_PATIENCE = 8;

/** No fault: said at the level of what is usual. */
const STOPPING = 'this process stops';
const SLOW = 'Redis does not answer';

/**
 * How it stands: `off` while there is no link, or Redis takes nothing; `refused` by a gate, or for want of one; `ended` by the
 * gate, and asked for again soon.
 */
export type LeaseState =
  | { readonly state: 'off' | 'asking' }
  | { readonly state: 'refused' | 'ended'; readonly why: string }
  | { readonly state: 'up'; readonly terms: Enabled; readonly ready: boolean };

/**
 * The lease of a gate (docs/gate-protocol.md): asked for while it is wanted and the link is up, and kept by commands. All
 * commands of a turn of the event loop go in one request. What others than the gate say is not listened to: it comes from the
 * server's domain, and names the token of this lease; an answer is taken for a request that waits for it.
 */
export class GateLease {
  readonly #options: LeaseOptions;
  readonly #timing: LeaseTiming;
  readonly #terms: LeaseTerms;
  readonly #requests: CommandRequests;
  #online = false;
  #wanted = true;
  #state: LeaseState = { state: 'off' };
  #downSince: number | undefined;
  /** How long an answer to a request for a lease may take, ms. It grows while none comes: each has the gate tell all that it remembers. */
  #patience: number;
  /** When the gate was last heard telling what it remembers (monotonic, ms). Answers come behind that. */
  #toldAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #said = '';
  /** What the gate knew of the ledger before this process is compared once: from then on the process itself has seen it. */
  #compared = false;
  /** A lease that is granted and begins when that is compared, and the gate's stanzas that come meanwhile. */
  #early: { readonly terms: Enabled; readonly stanzas: Element[] } | undefined;
  /** The mark that it was told last. */
  #told: string | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#requests = new CommandRequests(options);
    this.#timing = { ...LEASE_TIMING, ...options.timing };
    const { timeout, lease, answerWithin } = this.#timing;
    this.#patience = answerWithin;
    this.#terms = { process: randomBytes(12).toString('base64url'), timeout, lease, acks: options.acks };
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** Since when nothing is held though it is wanted, ms since the epoch. */
  get downSince(): number | undefined {
    return this.#downSince;
  }

  /** Whether commands are taken. */
  get isUp(): boolean {
    return this.#state.state === 'up';
  }

  /** Whether the gate acknowledges messages where a verdict says so. */
  get acks(): boolean {
    return this.#state.state === 'up' && this.#state.terms.acks;
  }

  online(): void {
    this.#online = true;
    this.#ask();
  }

  offline(): void {
    this.#online = false;
    this.#patience = this.#timing.answerWithin;
    this.#requests.clearAsks();
    this.#end('the link is down');
  }

  /** Whether messages are to be held at all: not while they cannot be stored. */
  want(wanted: boolean): void {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    if (wanted) this.#ask();
    else this.#giveBack('messages cannot be stored');
  }

  close(): void {
    this.#wanted = false;
    this.#giveBack(STOPPING);
  }

  #giveBack(why: string): void {
    if (this.#online && this.isUp) {
      this.command('disable', '', DISABLE);
      this.#requests.flush();
    }
    if (this.#early !== undefined) this.#requests.send(DISABLE, this.#early.terms.token);
    // What was written in this turn is still to go.
    this.#end(why, true);
  }

  /**
   * Gives the gate a command, after those before. Without a lease it is lost at once.
   *
   * @param name and `n`: by which the gate names it where it fails
   */
  command(name: string, n: string, xml: string, done?: (outcome: CommandOutcome) => void): void {
    this.#requests.command({ xml, name, n, done });
  }

  /** Gives the gate a command with the next, or soon: nobody waits for it. Those that follow do not overtake it. */
  commandLater(name: string, n: string, xml: string): void {
    this.#requests.commandLater({ xml, name, n, done: undefined });
  }

  /** Takes a stanza from the link if it is the gate's, or looks so; gives whether it was. */
  take(stanza: Element): boolean {
    const { type, id } = stanza.attrs;
    if (stanza.name === 'iq') {
      if ((type !== 'result' && type !== 'error') || id === undefined || !id.startsWith(this.#requests.idBase))
        return false;
      if (this.#isFromServer(stanza)) this.#answer(id, stanza);
      return true;
    }
    if (stanza.name !== 'message') return false;
    const gate = gateIn(stanza);
    if (gate === undefined) return false;
    if (this.#early !== undefined && this.#isFromServer(stanza)) {
      this.#early.stanzas.push(stanza);
      return true;
    }
    // Whoever else sends it: it is nobody's message.
    if (this.#state.state !== 'up' || !this.#isFromServer(stanza) || gate.attrs.token !== this.#state.terms.token)
      return true;
    if (!this.#state.ready) this.#toldAt = performance.now();
    for (const event of readEvents(gate)) {
      if (event.kind === 'ready' && this.isUp) this.#state = { ...this.#state, ready: true };
      this.#options.listener.event(event);
      if (event.kind === 'opened') {
        this.#endedByGate(`the gate has opened: ${event.why}`);
        break;
      }
    }
    return true;
  }

  #isFromServer({ attrs: { from } }: Element): boolean {
    return from === this.#options.servedDomain;
  }

  /** @param again though an earlier request may still be answered */
  #ask(again = false): void {
    clearTimeout(this.#retry);
    if (!this.#online || !this.#wanted || this.isUp || this.#early !== undefined) return;
    this.#downSince ??= Date.now();
    if (this.#state.state === 'off') this.#state = { state: 'asking' };
    if (again || !this.#requests.isAsking) this.#requests.ask(enable(this.#terms));
    this.#retry = setTimeout(() => this.#unanswered(), this.#patience).unref();
  }

  /** It was lost, as when the plugin was just leaving, or it is late: then the answer counts when it comes. */
  #unanswered(): void {
    this.#patience = Math.min(this.#patience * 2, this.#timing.answerWithin * MOST_PATIENCE);
    this.#refused('nothing answers', true);
  }

  #askLater(again = false): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ask(again), this.#timing.retryAfter).unref();
  }

  #refused(why: string, again = false): void {
    this.#state = { state: 'refused', why };
    if (this.#said !== why) {
      this.#options.log.warn({ why }, 'There is no gate in the server that takes us: messages are not held');
    }
    this.#said = why;
    this.#askLater(again);
    this.#options.listener.asked();
  }

  #answer(id: string, stanza: Element): void {
    const gate = gateIn(stanza);
    const isError = stanza.attrs.type === 'error';
    if (this.#requests.answersAsk(id)) {
      const terms = isError || gate === undefined ? undefined : readEnabled(gate);
      this.#answeredAsk(terms ?? (isError ? explained(stanza) : 'the answer is none'));
      return;
    }
    const commands = this.#requests.answered(id);
    if (commands === undefined) return;
    if (isError) {
      for (const { done } of commands) done?.('lost');
      // The plugin was unloaded, or knows nothing of this lease.
      if (this.isUp) {
        this.#endedByGate(`the gate refuses a command: ${explained(stanza)}`);
      }
      return;
    }
    const failed = gate === undefined ? [] : readFailed(gate);
    for (const { name, n, done } of commands) {
      if (done === undefined) continue;
      done(failed.find((one) => one.command === name && one.n === n) ?? 'done');
    }
  }

  /** @param terms those of the lease, or why there is none */
  #answeredAsk(terms: Enabled | string): void {
    this.#patience = this.#timing.answerWithin;
    if (!this.#wanted) {
      // It would hold each message until its time-out.
      if (typeof terms !== 'string') this.#requests.send(DISABLE, terms.token);
    } else if (typeof terms !== 'string') void this.#granted(terms);
    else if (!this.isUp && this.#early === undefined) this.#refused(terms);
  }

  #endedByGate(why: string): void {
    this.#end(why);
    this.#downSince = Date.now();
    this.#state = { state: 'ended', why };
    this.#askLater();
  }

  /** Nothing is taken from the gate before its mark is compared: what it tells has pending messages sent. */
  async #granted(terms: Enabled): Promise<void> {
    clearTimeout(this.#retry);
    const { ledger } = this.#options;
    if (this.#compared || ledger === undefined || terms.ledger === undefined) {
      this.#begin(terms);
      return;
    }
    const early = { terms, stanzas: [] };
    this.#early = early;
    const isDone = await ledger.compare(terms.ledger, terms.ledgerAge);
    // The link has gone down meanwhile, nothing can be stored, or a later request was answered.
    if (this.#early !== early) return;
    if (!isDone) {
      this.#giveBack(SLOW);
      this.#endedByGate(SLOW);
      return;
    }
    this.#early = undefined;
    this.#begin(terms);
    for (const stanza of early.stanzas) this.take(stanza);
  }

  #begin(terms: Enabled): void {
    // It has taken the place of that.
    if (this.isUp) this.#end('the gate has answered a later request');
    this.#downSince = undefined;
    this.#said = '';
    this.#state = { state: 'up', terms, ready: false };
    this.#requests.begin(terms.token);
    this.#toldAt = performance.now();
    const { log, listener } = this.#options;
    const { gate, server, timeout } = terms;
    log.info({ gate, server, timeout }, 'The gate holds messages for us');
    if (terms.version < VERSION) log.warn({ gate, version: terms.version }, 'The gate is older than this component');
    this.#timer = setInterval(() => this.#keep(terms.lease), terms.lease / 4).unref();
    this.#compared = true;
    this.#told = undefined;
    listener.asked();
    listener.enabled(terms);
    this.#keep(terms.lease);
  }

  /** Renews the lease where no command has, tells the ledger's mark, and looks whether answers come. */
  #keep(lease: number): void {
    const now = performance.now();
    const mark = this.#options.ledger?.mark;
    if (now - this.#requests.lastSentAt >= lease / 4 - 5 || mark !== this.#told) this.command('renew', '', renew(mark));
    this.#told = mark;
    const { oldestSentAt } = this.#requests;
    if (oldestSentAt !== undefined && now - Math.max(oldestSentAt, this.#toldAt) > this.#timing.answerWithin) {
      this.#end('the gate does not answer');
      this.#state = { state: 'ended', why: 'the gate does not answer' };
      this.#ask();
    }
  }

  #end(why: string, writes = false): void {
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    const wasUp = this.isUp;
    this.#state = { state: 'off' };
    this.#downSince = undefined;
    this.#early = undefined;
    const lost = this.#requests.clear(writes);
    if (wasUp) {
      this.#options.log[why === STOPPING ? 'info' : 'warn']({ why }, 'The gate holds no messages for us now');
      this.#options.listener.lost(why);
    }
    for (const { done } of lost) done?.('lost');
  }
}

/** Why a gate, or the server in its stead, refuses. */
function explained(stanza: Element): string {
  const { condition, text } = readError(stanza);
  return text === undefined ? condition : `${condition}: ${text}`;
}
