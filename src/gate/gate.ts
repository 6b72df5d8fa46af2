import { EventEmitter } from 'node:events';
import type { Element } from '@xmpp/xml';
import { isUniqueId } from '../xmpp/stanza/ids.ts';
import type { CommandOutcome } from './command-requests.ts';
import { ask, deliver, forget, tell, type Verdict, verdict } from './commands.ts';
import type { AtSession, Enabled, GateEvent, Outcome, RoutedReceipt } from './events.ts';
import { type Facts, hasPassed, type KnownSession } from './facts.ts';
import { KnownMessages } from './known-messages.ts';
import { GateLease, type LeaseState } from './lease.ts';
import type { LeaseOptions } from './lease-options.ts';
import { GateSessions, type SessionChange } from './sessions.ts';
import { type HadReceipt, type UnheldBefore, UnheldMessages } from './unheld-messages.ts';
import { type UnheldLately, UnheldReport } from './unheld-report.ts';
import { Verdicts } from './verdicts.ts';

interface Events {
  /** A user's message is held until its verdict; `n` names it. */
  held: [n: string, message: Element];
  outcome: [outcome: Outcome];
  has: [at: AtSession];
  /** The sender of a message has had this receipt or marker by himself. */
  receipt: [at: AtSession, receipt: RoutedReceipt];
  /** The same of a message of that id that it let pass unheld. `to` and `by` are full JIDs. */
  unheldReceipt: [receipt: HadReceipt, id: string];
  session: [change: SessionChange];
  /** What went to a session from offline storage, or came back from one that has ended. */
  moved: [at: AtSession];
  /** Another process has ended this message, or sees to it: nothing more is heard of it here. */
  left: [n: string];
  /** The account of a user (bare JID) was deleted at this time (ms); `again`: that may have been told before. */
  deleted: [user: string, at: number, again: boolean];
  /** The lease has begun; `restarted`: under another epoch, so that the gate knows nothing of what was before. */
  enabled: [restarted: boolean];
  /** All that the gate remembers has been told. */
  ready: [];
  lost: [];
}

export interface GateCounts {
  gateHeld: number;
  gateStored: number;
  gatePassed: number;
  gateDropped: number;
  gateLate: number;
  gateUnheld: number;
  gateOpened: number;
}

export interface GateOptions extends Omit<LeaseOptions, 'listener'> {
  readonly clock: { now(): number };
  readonly counts: GateCounts;
  /** How often what passed unheld is logged, ms. */
  readonly reportEvery?: number | undefined;
  /** For how long what passed unheld is known, should it be written again, ms. */
  readonly unheldFor?: number | undefined;
}

const COUNTED = { stored: 'gateStored', pass: 'gatePassed', drop: 'gateDropped' } as const;

/** The component's end of a gate: what it holds, what it has seen, and what it is told to do. */
export class Gate extends EventEmitter<Events> {
  readonly #options: GateOptions;
  readonly #lease: GateLease;
  readonly #verdicts: Verdicts;
  readonly #sessions = new GateSessions();
  readonly #known = new KnownMessages();
  readonly #unheld: UnheldMessages;
  readonly #report: UnheldReport;
  #epoch = '';
  /** Events so far that tell of sessions, or of what they were given. */
  #order = 0;
  /** When (ms) a lease was lost last. */
  #lostAt = 0;
  #heardOfLedger = () => {};
  /** Resolves when a gate has answered for the first time, or there is none; from then on it is known whether the ledger is an older copy. */
  readonly compared = new Promise<void>((resolve) => {
    this.#heardOfLedger = resolve;
  });

  constructor(options: GateOptions) {
    super();
    this.#options = options;
    const { counts, log, reportEvery, unheldFor } = options;
    this.#unheld = new UnheldMessages(unheldFor);
    this.#report = new UnheldReport({ log, ...(reportEvery !== undefined && { period: reportEvery }) });
    const listener = {
      enabled: (terms: Enabled) => this.#enabled(terms),
      asked: () => this.#heardOfLedger(),
      event: (event: GateEvent) => this.#take(event),
      lost: () => this.#lost(),
    };
    this.#lease = new GateLease({ ...options, listener });
    this.#verdicts = new Verdicts({
      send: (word, n, ack) => {
        counts[COUNTED[word]] += 1;
        this.#lease.command(word, n, verdict(word, n, ack));
      },
      onLate: () => {
        counts.gateLate += 1;
      },
    });
  }

  get state(): LeaseState {
    return this.#lease.state;
  }

  /** Since when nothing is held though it is wanted, ms since the epoch. */
  get downSince(): number | undefined {
    return this.#lease.downSince;
  }

  /** What passed unheld lately; undefined if none did. */
  get unheldLately(): UnheldLately | undefined {
    return this.#report.lately;
  }

  /** Of the lease that is held, or was last. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Whether the gate takes commands and has told all that it remembers. */
  get isReady(): boolean {
    const { state } = this.#lease;
    return state.state === 'up' && state.ready;
  }

  /** Messages that wait for their verdict. */
  get held(): number {
    return this.#verdicts.size;
  }

  online(): void {
    this.#lease.online();
  }

  offline(): void {
    this.#lease.offline();
  }

  /** Whether messages can be stored: while they cannot, none is held. */
  storable(is: boolean): void {
    this.#lease.want(is);
  }

  close(): void {
    this.#lease.close();
    this.#report.write();
  }

  /** Takes a stanza from the link if it is the gate's; gives whether it was. */
  take(stanza: Element): boolean {
    return this.#lease.take(stanza);
  }

  isOpen(n: string): boolean {
    return this.#verdicts.isOpen(n);
  }

  /** Whether the gate acknowledges messages to their senders where a verdict says so. */
  get acks(): boolean {
    return this.#lease.acks;
  }

  /**
   * Gives a verdict on a message; false when it had one.
   *
   * @param ack with `stored`: whether the gate is to acknowledge it to its sender, which it must be able to ({@link acks})
   */
  give(word: Verdict, n: string, ack = false): boolean {
    return this.#verdicts.give(word, n, ack);
  }

  /** A message is stored, and waits for its turn to be let go. */
  noteStored(n: string): void {
    this.#verdicts.noteStored(n);
  }

  /** Sends a copy into one session. */
  deliver(n: string, copy: number, to: string, message: string, done: (outcome: CommandOutcome) => void): void {
    // What passed comes from the server's storage under no number. The gate recognises it there for a number that it does not know.
    const facts = this.#known.facts.get(n);
    if (facts !== undefined && hasPassed(facts)) this.#lease.command('forget', n, forget(n));
    this.#lease.command('deliver', n, deliver(n, copy, to, message), done);
  }

  /** Tells a user something in another's name. */
  tell(message: string, done: (outcome: CommandOutcome) => void): void {
    this.#lease.command('tell', '', tell(message), done);
  }

  /** Has what is known of a message told again. */
  ask(n: string, done: (outcome: CommandOutcome) => void): void {
    this.#lease.command('ask', n, ask(n), done);
  }

  /** Nothing more is wanted of a message. */
  forget(n: string): void {
    this.#known.facts.delete(n);
    this.#lease.commandLater('forget', n, forget(n));
  }

  /** What the gate has said of a message. */
  factsOf(n: string): Facts | undefined {
    return this.#known.facts.get(n);
  }

  sessionsOf(user: string): KnownSession[] {
    return this.#sessions.of(user);
  }

  sessionAt(user: string, resource: string): KnownSession | undefined {
    return this.#sessions.at(user, resource);
  }

  /** The users who have a session. */
  users(): Iterable<string> {
    return this.#sessions.users();
  }

  /**
   * Whom a message of this id (bare JIDs) went to unheld: those of the recipient's sessions (stream ids) that are still there; none
   * where he had none, and the server may keep it for him, or where it was confirmed. Undefined where it did not, or where all of
   * them have ended since: it may have been lost with them. Under an id that a client counts it is another message.
   *
   * @param since only if that was after this time (ms), or it was confirmed
   */
  unheldTo(from: string, to: string, id: string, since = Number.NEGATIVE_INFINITY): UnheldBefore | undefined {
    // Asked for every message.
    if (this.#unheld.isEmpty) return undefined;
    return this.#unheld.to(nameOf(from, to, id), id, since, () => this.#sessions.of(to));
  }

  /** What it had held (bare JIDs) was let go and is not stored: as if it had passed unheld. */
  notePassed(from: string, to: string, id: string): void {
    const sessions = this.#sessions.of(to).filter(({ state, priority }) => state !== 'bound' && priority >= 0);
    const ids = sessions.map((session) => session.id);
    this.#unheld.note(nameOf(from, to, id), ids, undefined, id, this.#options.clock.now());
  }

  /**
   * What nobody has stored was confirmed (`to` and `by` are full JIDs): the server has let it go without us. Should its sender
   * write it again all the same, that is settled by this.
   */
  noteConfirmed(receipt: HadReceipt, id: string): void {
    const name = nameOf(bareOf(receipt.to), bareOf(receipt.by), id);
    this.#unheld.noteConfirmed(name, receipt, this.#options.clock.now());
  }

  /** What passed unheld (bare JIDs) was written again, and is stored now: it may have been confirmed before. */
  unheldStored(from: string, to: string, id: string): void {
    const receipt = this.#unheld.receiptFor(nameOf(from, to, id));
    if (receipt !== undefined) this.emit('unheldReceipt', receipt, id);
  }

  #enabled({ epoch, timeout }: Enabled): void {
    const restarted = this.#epoch !== '' && this.#epoch !== epoch;
    this.#epoch = epoch;
    // It tells all of it again.
    this.#known.begin(!restarted);
    this.#sessions.clear(this.#lostAt);
    this.#verdicts.begin(timeout);
    this.emit('enabled', restarted);
  }

  #lost(): void {
    this.#lostAt = this.#options.clock.now();
    this.#verdicts.end();
    this.emit('lost');
  }

  /** One event that cannot be handled keeps nobody from hearing those that came with it. */
  #take(event: GateEvent): void {
    try {
      this.#event(event);
    } catch (error) {
      this.#options.log.warn({ err: error, event: event.kind }, 'What the gate tells could not be handled');
    }
  }

  #event(event: GateEvent): void {
    const { counts, clock } = this.#options;
    switch (event.kind) {
      case 'held':
        counts.gateHeld += 1;
        this.#verdicts.shown(event.n);
        if (event.message === undefined) this.give('pass', event.n);
        else this.#show(event.n, event.message);
        return;
      case 'outcome':
        if (event.states.has('dropped')) {
          this.forget(event.n);
          return;
        }
        this.#noteOutcome(event);
        this.emit('outcome', event);
        return;
      case 'has': {
        const { receipt } = event;
        // One that comes just now is handled as if it had been shown: its session is to live on for a while (rule 18).
        if (receipt === undefined || !this.isReady) {
          this.#known.noteProof(event.n, event.session.id, clock.now());
          this.emit('has', event);
        } else this.#known.note(event.n);
        if (receipt !== undefined) this.emit('receipt', event, receipt);
        return;
      }
      case 'returned':
        this.#known.note(event.n).returned.add(event.session.id);
        this.emit('moved', event);
        return;
      case 'flushed':
        this.#given(event.n).flushed.push(event.session);
        this.emit('moved', event);
        return;
      case 'session':
        this.#order += 1;
        for (const change of this.#sessions.seen(event, clock.now(), this.#order)) this.emit('session', change);
        return;
      case 'unheld':
        this.#unheldPassed(event);
        return;
      case 'opened':
        counts.gateOpened += 1;
        return;
      case 'deleted':
        this.emit('deleted', event.jid, clock.now() - event.ago, event.ago > 0);
        return;
      case 'forgotten':
        this.#known.facts.delete(event.n);
        if (event.elsewhere) this.emit('left', event.n);
        return;
      case 'ready':
        this.#known.complete();
        this.#sessions.complete();
        this.emit('ready');
    }
  }

  #noteOutcome(outcome: Outcome): void {
    const { n, copy, states } = outcome;
    // What passed may be told once more, as the answer to a late verdict: who has come since was not given it.
    const isRepeated = states.has('passed') && this.#known.facts.get(n)?.outcomes.has(copy) === true;
    (isRepeated ? this.#known.note(n) : this.#given(n)).outcomes.set(copy, outcome);
  }

  /** The facts of a message that a session was given. */
  #given(n: string): Facts {
    const facts = this.#known.note(n);
    this.#order += 1;
    facts.given = this.#order;
    return facts;
  }

  #unheldPassed({ from, to, id, sessions, ago, confirmedBy, number }: Extract<GateEvent, { kind: 'unheld' }>): void {
    const { counts, clock } = this.#options;
    const now = clock.now();
    const receipt = confirmedBy === undefined ? undefined : { to: from, by: confirmedBy };
    const isNoted =
      id === '' || this.#unheld.note(nameOf(bareOf(from), bareOf(to), id), sessions, receipt, id, now, now - ago);
    // It is told once more when there is a receipt for it, and when the link broke before the gate knew that it was read.
    const isNew = number === undefined ? isNoted : this.#unheld.isNew(number);
    if (isNew) {
      counts.gateUnheld += 1;
      this.#report.note(from, to, id);
    }
    // Told again, a receipt under an id that a client counts may meet another message, which nobody has confirmed.
    if (receipt !== undefined && isUniqueId(id)) this.emit('unheldReceipt', receipt, id);
  }

  /** Whatever goes wrong with it, it is not held longer than it must. */
  #show(n: string, message: Element): void {
    try {
      this.emit('held', n, message);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'A message that was held could not be handled: it passes');
      this.give('pass', n);
    }
  }
}

/** What a message is known by that passed unheld; bare JIDs. */
function nameOf(from: string, to: string, id: string): string {
  return `${from} ${to} ${id}`;
}

function bareOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash === -1 ? jid : jid.slice(0, slash);
}
