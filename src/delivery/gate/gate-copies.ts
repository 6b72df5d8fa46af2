import { EventEmitter } from 'node:events';
import type { Outcome } from '../../gate/events.ts';
import { bestSession, type Decision, decide, type Graces } from '../../gate/facts.ts';
import { heldAsOf, type StoredRecord } from '../../store/contract.ts';
import type { OutgoingStanza } from '../../xmpp/connection/outgoing-stanza.ts';
import type { Sent } from '../ports.ts';
import { ArrivedOriginals } from './arrived-originals.ts';
import { AwaitedOutcomes } from './awaited-outcomes.ts';
import type { GatePort } from './gate-port.ts';
import type { HeldMessages } from './held-messages.ts';
import type { ReceiptDoubts } from './receipt-doubts.ts';
import { WaitingOriginals } from './waiting-originals.ts';

export interface GateCopiesOptions {
  readonly gate: GatePort;
  readonly messages: HeldMessages;
  readonly doubts: Pick<ReceiptDoubts, 'sent' | 'taken' | 'ended' | 'confirmedAgain' | 'remembers'>;
  readonly clock: { now(): number };
  readonly graces: Graces;
  readonly counts: { gateOtherEpoch: number; handedOver: number };
  /** How long a message waits at most for others that are sent again to its recipient before it, ms. */
  readonly orderWithin?: number | undefined;
}

interface Events {
  /** The server has had these. */
  handedOver: [batch: readonly Sent[]];
  /** Its sender was returned an error by the server. */
  bounced: [record: StoredRecord, condition: string];
  /** A filter or a block of the recipient's has discarded it. */
  refused: [record: StoredRecord];
  /** What became of an original is known now: it was looked at before, or is in the server's storage while its recipient is there. */
  known: [record: StoredRecord];
  /** The gate was to tell its sender that it is stored, and has let it go before that, or has ended. */
  unacknowledged: [record: StoredRecord];
  /** A client has it. `by`: the full JID, or empty. */
  proved: [record: StoredRecord, by: string];
  /** Time alone decides: a client has it, and its session is to live on for a while, or the server's storage may bring it. */
  waiting: [record: StoredRecord];
  /** Its sender has written it again while nothing was held, and the receipt for that has gone to him. */
  routed: [record: StoredRecord];
  /** What the gate knows of a message to this user (bare JID) is known now: another process had it before. */
  asked: [user: string];
  /** Nobody knows what became of it: whoever finds it next in the store sends it. */
  abandoned: [sent: Sent];
}

/** Of so many that were given unheld before it is known to whom; of one that another process ends, this one does not hear. */
const MOST_UNHELD = 20_000;
/** How long after a gate had not let go a message yet it is asked again, ms. */
const ASK_AGAIN = 5000;

/** Copies and notices that go through a gate: the original, which it holds, by a verdict; all others by its commands. */
export class GateCopies extends EventEmitter<Events> {
  readonly #options: GateCopiesOptions;
  readonly #awaited = new AwaitedOutcomes();
  /** By key: the numbers of those that ended before the server had said what became of them. */
  readonly #endedEarly = new Map<string, string>();
  readonly #waiting: WaitingOriginals;
  readonly #asked = new Set<string>();
  /** Originals that their recipients were given unheld before, by the sessions (stream ids) that had them. */
  readonly #unheld = new Map<string, readonly string[]>();
  /** Originals that were looked at before it was known what became of them. */
  readonly #undecided = new Set<string>();
  readonly #arrived: ArrivedOriginals;
  /** Whether messages are being sent again to a user (bare JID), or it is about to be known which; set when who knows exists. */
  isCatchingUp: (user: string) => boolean = () => false;

  constructor(options: GateCopiesOptions) {
    super();
    this.#options = options;
    const { gate, counts, orderWithin } = options;
    this.#waiting = new WaitingOriginals({ within: orderWithin, letGo: (n) => gate.give('stored', n) });
    this.#arrived = new ArrivedOriginals((pending, confirmed) => {
      // The store need not be told of what was confirmed meanwhile; the server has had it all the same.
      counts.handedOver += confirmed;
      this.emit('handedOver', pending);
    });
    gate.on('outcome', (outcome) => this.#outcome(outcome));
    gate.on('enabled', (restarted) => {
      this.#asked.clear();
      if (restarted) this.#abandonAll();
    });
    gate.on('left', (n) => this.leave(n));
    gate.on('ready', () => this.#askForAwaited());
    // What a session's end or beginning means for a message depends on which came first.
    gate.on('session', () => this.recordArrived());
    gate.on('lost', () => {
      this.#waiting.clear();
      this.recordArrived();
    });
  }

  /** Redis has it: lets the original go. */
  forward(sent: Sent): OutgoingStanza<Sent> {
    const { gate, messages, doubts } = this.#options;
    const { record } = sent;
    const n = record.heldAs as string;
    messages.put(record);
    doubts.sent(record);
    this.#awaited.put(n, 1, sent);
    if (!this.isCatchingUp(record.recipient)) gate.give('stored', n, sent.acknowledgedByGate);
    else {
      gate.noteStored(n);
      this.#waiting.put(record.recipient, n);
    }
    return writtenElsewhere(sent);
  }

  /**
   * The server has given this to these sessions (stream ids) before, while nothing was held: what came now is another of the
   * same, which is dropped.
   */
  recordUnheld(sent: Sent, sessions: readonly string[]): OutgoingStanza<Sent> {
    const { gate, messages, doubts } = this.#options;
    const { record } = sent;
    const { sender, recipient, senderId } = record;
    messages.put(record);
    doubts.sent(record);
    this.#noteUnheld(record.heldAs as string, sessions);
    // As soon as all that follows from the record's being stored is done.
    setImmediate(() => {
      this.emit('handedOver', [sent]);
      if (senderId !== undefined) gate.unheldStored(sender, recipient, senderId);
    });
    return writtenElsewhere(sent);
  }

  #noteUnheld(n: string, sessions: readonly string[]): void {
    this.#unheld.set(n, sessions);
    if (this.#unheld.size > MOST_UNHELD) this.#unheld.delete(this.#unheld.keys().next().value as string);
  }

  /** Nothing is sent again to this user any more: what came meanwhile goes on. */
  caughtUp(user: string): void {
    this.#waiting.letGo(user);
  }

  /** A message was claimed: who claims it next must name that attempt. */
  claimed(record: StoredRecord): void {
    const { gate, messages, doubts } = this.#options;
    const n = record.heldAs as string;
    const facts = messages.get(n) === undefined ? gate.factsOf(n) : undefined;
    messages.put(record);
    if (facts !== undefined) doubts.taken(facts);
  }

  /** Whether another copy of a claimed message is needed now, and where to. */
  decide(record: StoredRecord): Extract<Decision, { what: 'deliver' }> | undefined {
    const { gate, counts } = this.#options;
    const n = record.heldAs as string;
    if (!gate.isReady) return undefined;
    const decision = this.look(n, record.recipient, record.copies);
    if (decision.what === 'proved') this.emit('proved', record, decision.by);
    if (decision.what === 'ask') this.ask(n, () => this.emit('asked', record.recipient));
    const waits = decision.what === 'wait' && (decision.again !== undefined || (gate.factsOf(n)?.has.size ?? 0) > 0);
    if (waits) this.emit('waiting', record);
    if (decision.what !== 'deliver') return undefined;
    const { sender, recipient, senderId, storedAt } = record;
    const routed = senderId === undefined ? undefined : gate.unheldTo(sender, recipient, senderId, storedAt);
    if (routed?.isConfirmed === true) {
      this.emit('routed', record);
      return undefined;
    }
    // What went to nobody's session is in the server's storage, or nowhere: the gate knows what it has seen come from there.
    if (routed !== undefined && routed.sessions.length > 0) {
      this.#noteUnheld(n, routed.sessions);
      return undefined;
    }
    if (!n.startsWith(`${gate.epoch}-`)) counts.gateOtherEpoch += 1;
    return decision;
  }

  /** What is to be done about a message that nobody has confirmed, without doing it. */
  look(n: string, recipient: string, copies: number): Decision {
    const { gate, clock, graces } = this.#options;
    // The original waits for its turn, or is on its way: a copy would go before it, and it would be shown twice.
    if (this.#awaited.has(n, 1)) {
      this.#undecided.add(n);
      return { what: 'wait' };
    }
    const facts = gate.factsOf(n);
    const sessions = gate.sessionsOf(recipient);
    const unheld = this.#unheld.get(n);
    // A session that lives, or may be resumed, still has it; only a receipt can prove that.
    if (unheld !== undefined && sessions.some(({ id }) => unheld.includes(id))) return { what: 'wait' };
    // The gate has dropped what came now, and has nothing to say about it.
    const asked = unheld !== undefined || this.#asked.has(n);
    const decision = decide({ n, facts, sessions, epoch: gate.epoch, asked, copies, now: clock.now() }, graces);
    if (decision.what === 'deliver') this.recordArrived();
    return decision;
  }

  /**
   * Has the gate say again what it knows of a message; `done` follows when it has. It says at least that it knows nothing, but
   * for what it has not let go yet, though it was given a verdict (under an earlier lease): `inHand` follows of that.
   */
  ask(n: string, done: () => void, inHand: () => void = () => {}): void {
    const { gate } = this.#options;
    gate.ask(n, (outcome) => {
      if (outcome === 'lost') return;
      if ((gate.factsOf(n)?.outcomes.size ?? 0) === 0) {
        inHand();
        return;
      }
      this.#asked.add(n);
      done();
    });
  }

  /** Sends a further copy into one session. */
  deliver(sent: Sent, xml: string, { to, copy }: { readonly to: string; readonly copy: number }): OutgoingStanza<Sent> {
    const { gate, doubts } = this.#options;
    const n = sent.record.heldAs as string;
    doubts.sent(sent.record);
    // None of those that had it so is there any more.
    this.#unheld.delete(n);
    const facts = gate.factsOf(n);
    // Not before: a receipt that was on its way to Redis may have ended the message meanwhile, and is in the same doubt.
    if (facts?.suspected !== undefined) facts.doubted = true;
    this.#awaited.put(n, copy, sent);
    gate.deliver(n, copy, to, xml, (outcome) => {
      // The session is gone; the next one brings it.
      if (outcome !== 'done') this.#abandon(n, copy);
    });
    return writtenElsewhere(sent);
  }

  /** Whether a session of this user's (bare JID) is known that takes messages. */
  isThere(user: string): boolean {
    const { gate } = this.#options;
    return gate.isReady && bestSession(gate.sessionsOf(user)) !== undefined;
  }

  /**
   * Whether what becomes of a message (by the token of its storing) is told to another process, if to any: this one has not sent it,
   * and the gate has said nothing of it here.
   */
  isElsewhere(token: string): boolean {
    const { gate, messages } = this.#options;
    const n = heldAsOf(token);
    return n !== undefined && messages.get(n) === undefined && (gate.factsOf(n)?.outcomes.size ?? 0) === 0;
  }

  /** Whether it is known that no session has this address, which one had. */
  isGone(user: string, resource: string): boolean {
    const { gate } = this.#options;
    return resource !== '' && gate.isReady && gate.sessionAt(user, resource) === undefined;
  }

  /** Tells a user something in another's name; without `sent` nobody is owed it. */
  tell(xml: string, sent?: Sent): OutgoingStanza<Sent> {
    const held = writtenElsewhere(sent);
    this.#options.gate.tell(xml, (outcome) => {
      if (sent === undefined) return;
      if (outcome === 'lost') this.emit('abandoned', sent);
      else this.emit('handedOver', [sent]);
    });
    return held;
  }

  /** A message has ended. */
  ended(record: StoredRecord): void {
    const { heldAs } = record;
    if (heldAs === undefined) return;
    this.#remove(heldAs);
    // The receipt of a client may be here before the server has said whom it gave the message: what is in doubt depends on that.
    if (!this.#awaited.whenSettled(heldAs, () => this.#settled(record))) this.#endedEarly.set(record.key, heldAs);
  }

  #remove(n: string): void {
    this.#options.messages.remove(n);
    this.#asked.delete(n);
    this.#undecided.delete(n);
    this.#unheld.delete(n);
  }

  /** Another process has ended it, or sees to it. */
  leave(n: string): void {
    this.#remove(n);
    for (const copy of this.#awaited.copiesOf(n)) this.#abandon(n, copy);
  }

  /** A message has ended, and it is known what became of it. */
  #settled(record: StoredRecord): void {
    const { gate, doubts } = this.#options;
    const n = record.heldAs as string;
    this.#endedEarly.delete(record.key);
    if (!doubts.ended(record, gate.factsOf(n))) gate.forget(n);
  }

  /** Nothing more is wanted of a message, unless it is in doubt, or is about to be: then the gate is told when that is over. */
  forget(n: string): void {
    const { gate, doubts } = this.#options;
    this.#awaited.whenSettled(n, () => {
      if (!doubts.remembers(n)) gate.forget(n);
    });
  }

  /** Whether the server has not said yet whom it gave a message that it was let have. */
  awaits(n: string): boolean {
    return this.#awaited.has(n) && !this.#options.gate.isOpen(n);
  }

  /** The sessions (stream ids) that were there when the server gave it unheld, before it was stored; undefined of all others. */
  unheldOf(n: string): readonly string[] | undefined {
    return this.#unheld.get(n);
  }

  /** Does that when the server has said it. */
  whenKnown(n: string, then: () => void): void {
    this.#awaited.whenSettled(n, then);
  }

  /** A client (`by`, its session's resource) has confirmed a message that is confirmed already. */
  confirmedAgain(user: string, by: string, key: string): void {
    const n = this.#endedEarly.get(key);
    const again = () => this.#options.doubts.confirmedAgain(user, by, key);
    if (n === undefined) again();
    else this.#awaited.whenSettled(n, again);
  }

  #outcome(outcome: Outcome): void {
    const { n, copy } = outcome;
    const sent = this.#awaited.take(n, copy);
    if (sent === undefined) return;
    this.#handleOutcome(outcome, sent);
    this.#awaited.settle(n);
  }

  #handleOutcome({ n, copy, states, condition, acknowledged }: Outcome, sent: Sent): void {
    if (states.has('passed') || (states.has('unknown') && !acknowledged)) this.#acknowledgeOtherwise(sent);
    if (states.has('bounced')) this.emit('bounced', sent.record, condition ?? 'service-unavailable');
    else if (states.has('refused')) this.emit('refused', sent.record);
    else if (copy === 1 && states.has('sent') && states.size === 1) this.#arrived.put(sent);
    else this.emit('handedOver', [sent]);
    const wasLookedAt = this.#undecided.size > 0 && this.#undecided.delete(n);
    // Who logged in while the server stored it may not be given it: the server had looked into its storage by then.
    if (wasLookedAt || (states.has('offline') && this.isThere(sent.record.recipient))) this.emit('known', sent.record);
  }

  /** Tells the store now what was written to sessions and has not ended since. */
  recordArrived(): void {
    this.#arrived.record();
  }

  /** The gate has told all that it remembers, and of these nothing: the verdict may have been lost with the connection. */
  #askForAwaited(): void {
    for (const [n, copy, sent] of this.#awaited.all()) this.#askFor(n, copy, sent);
  }

  #askFor(n: string, copy: number, sent: Sent): void {
    const isAwaited = () => this.#awaited.get(n, copy) === sent;
    const abandon = () => {
      if (isAwaited()) this.#abandon(n, copy);
    };
    // A copy now would come beside the original, or before it. What becomes of that is told; a gate that was reloaded may not.
    const later = () => {
      setTimeout(() => isAwaited() && this.#options.gate.isReady && this.#askFor(n, copy, sent), ASK_AGAIN).unref();
    };
    this.ask(n, abandon, later);
  }

  /** It will not be said what became of it. */
  #abandon(n: string, copy: number): void {
    const sent = this.#awaited.take(n, copy);
    if (sent === undefined) return;
    this.emit('abandoned', sent);
    this.#awaited.settle(n);
  }

  #abandonAll(): void {
    const all = this.#awaited.takeAll();
    for (const [, , sent] of all) {
      this.#acknowledgeOtherwise(sent);
      this.emit('abandoned', sent);
    }
    for (const [n] of all) this.#awaited.settle(n);
  }

  #acknowledgeOtherwise(sent: Sent): void {
    if (sent.acknowledgedByGate !== true) return;
    sent.acknowledgedByGate = false;
    this.emit('unacknowledged', sent.record);
  }
}

/** What the link's queue has of a stanza, of one that does not go through it. */
function writtenElsewhere(tag: Sent | undefined): OutgoingStanza<Sent> {
  return { xml: '', tag, done: false, priority: 'normal', key: undefined };
}
