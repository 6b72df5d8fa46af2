import type { AddressPolicy } from '../addressing/address-policy.ts';
import { quarantine, type StoredRecord } from '../store/contract.ts';
import type { Priority } from '../xmpp/connection/outgoing-stanza.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import { message, redelivery } from '../xmpp/stanza/build.ts';
import { copyTo, isWhole } from './copy-stanza.ts';
import type { GateCopies } from './gate/gate-copies.ts';
import { HandOvers, type HandOversOptions } from './hand-overs.ts';
import { InFlight } from './in-flight.ts';
import type { LinkPort, Sent } from './ports.ts';

export interface CopiesOptions extends HandOversOptions {
  readonly link: LinkPort;
  readonly addresses: AddressPolicy;
  readonly counts: { redelivered: number };
  /** What a gate holds goes through it. */
  readonly gate?: GateCopies | undefined;
}

/**
 * Copies of messages on their way to recipients. The ledger knows of each before it is written, and forgets its lease only
 * when the server has proved to have handled it.
 */
export class Copies {
  readonly #options: CopiesOptions;
  /** What the server has handled is told to these. */
  readonly handOvers: HandOvers;
  /** By their record's key. */
  readonly #inFlight = new InFlight<Sent>();
  /** Receipts on their way to the ledger, of messages that have no copy on its way. */
  readonly #receiptsInHand = new InFlight<true>();
  /** Further copies of corrections, which may still wait behind what is new. */
  #corrections: Sent[] = [];
  /** Whether a message is about to end; set when who knows exists. */
  isOver: (record: StoredRecord) => boolean = () => false;

  constructor(options: CopiesOptions) {
    this.#options = options;
    this.handOvers = new HandOvers(options);
  }

  [Symbol.iterator](): Iterator<Sent> {
    return this.#inFlight[Symbol.iterator]();
  }

  /**
   * Sends a message's first copy, to the resource that its sender addressed, if any.
   *
   * @param ack whether the gate, which holds it, tells its sender that it is stored
   */
  forward(record: StoredRecord, ack = false): void {
    this.#options.trace?.('forwarded', record, { session: withResource(record.recipient, record.recipientResource) });
    if (record.target !== undefined) this.#dropOutdated(record.target);
    if (record.heldAs !== undefined && this.#options.gate !== undefined) {
      const sent: Sent = { kind: 'copy', attempt: record.attempt, record, acknowledgedByGate: ack };
      this.#inFlight.set(record.key, sent);
      sent.held = this.#options.gate.forward(sent);
      return;
    }
    this.#send(record, message(copyTo(record, record.recipientResource, this.#options.addresses)), 'normal');
  }

  /**
   * Its recipient was given it already, since the server let it through while nothing was held. A receipt may still come for it.
   *
   * @param to the sessions that he was given it in, by stream: it is sent again should they end without a receipt; none where the
   *   server keeps it for him, if it does
   */
  recordUnheld(record: StoredRecord, to: readonly string[]): void {
    const { gate } = this.#options;
    if (gate === undefined) return;
    const sent: Sent = { kind: 'copy', attempt: record.attempt, record };
    this.#inFlight.set(record.key, sent);
    sent.held = gate.recordUnheld(sent, to);
  }

  /**
   * Sends another copy, which was claimed.
   *
   * @param keptFromStorage whether this copy must not go to offline storage when an earlier one may lie there
   * @param why for the log
   * @param target the recipient's resource that it goes to; where a server sends what is for the bare address is its own choice
   * @returns whether a copy is on its way; false when the gate knows that none is needed now
   */
  redeliver(record: StoredRecord, keptFromStorage: boolean, why = 'it was due', target = ''): boolean {
    const { addresses, counts, trace, clock, gate } = this.#options;
    if (record.heldAs !== undefined) gate?.claimed(record);
    const before = this.#inFlight.get(record.key);
    if (before?.held !== undefined && !before.held.done) {
      // The server is slow to prove that it has the last copy, or the link is about to be found broken: that one counts.
      before.attempt = record.attempt;
      trace?.('redelivery skipped', record, { why: 'the server has not taken the copy before it yet' });
      return true;
    }
    // Its receipt is here; should that be for another, the lease ends.
    if (this.#receiptsInHand.get(record.key)) {
      trace?.('redelivery skipped', record, { why: 'its receipt is on its way to Redis' });
      return true;
    }
    const handOver = this.handOvers.inHand.get(record.key);
    if (handOver !== undefined) {
      // It was claimed before the ledger knew that the server has it, which is still true.
      trace?.('redelivery skipped', record, { why: 'the server has taken the copy before it' });
      const { provedAt = clock.now(), took } = handOver;
      this.handOvers.record({ ...handOver, attempt: record.attempt }, provedAt, took);
      return true;
    }
    if (this.isOver(record)) {
      trace?.('redelivery skipped', record, { why: 'the account that it was for was deleted' });
      return true;
    }
    if (record.heldAs !== undefined && this.#options.gate !== undefined) {
      return this.#redeliverThrough(this.#options.gate, record, why);
    }
    // What was never handed over is still a first attempt. Later ones go to whichever resource is there by now.
    const first = record.copies === 0 && record.firstStoredAt === record.storedAt;
    const resource = first ? record.recipientResource : target;
    const noStore = keptFromStorage && record.copyOut;
    const out = copyTo(record, resource, addresses);
    const firstSent = record.firstStoredAt - clock.aheadOfWall();
    const xml = redelivery(out, addresses.delayedBy, firstSent, noStore);
    if (this.#isDamaged(record)) return true;
    if (record.copies > 0) counts.redelivered += 1;
    trace?.('redelivered', record, { why, session: withResource(record.recipient, resource) });
    // What was never handed over is still waited for; a further copy can wait until the server has time for it.
    this.#send(record, xml, record.copies > 0 ? 'low' : 'normal', noStore, target);
    if (record.target !== undefined && record.copies > 0) this.#recordCorrection(record.key);
    return true;
  }

  /** What is told about a message goes to another resource, about another id. */
  readdress(key: string, senderResource: string, senderId: string | undefined, owesReceipt: boolean): void {
    const sent = this.#inFlight.get(key);
    if (sent === undefined) return;
    sent.record = { ...sent.record, senderResource, senderId, owesReceipt: owesReceipt || sent.record.owesReceipt };
  }

  /**
   * A receipt came that will most likely settle this one, and is on its way to the ledger: until it has been there, no
   * further copy is sent. Gives what is known of one that is still on its way.
   */
  receiptArrived(key: string): StoredRecord | undefined {
    const sent = this.#inFlight.get(key);
    if (sent === undefined) {
      this.#receiptsInHand.set(key, true);
      return undefined;
    }
    sent.receiptArrived = true;
    return sent.record;
  }

  /** What is known of one that is still on its way. */
  underWay(key: string): StoredRecord | undefined {
    return this.#inFlight.get(key)?.record;
  }

  /** The ledger has had the receipt that {@link receiptArrived} was told of. */
  receiptHandled(key: string): void {
    this.#receiptsInHand.delete(key);
    const sent = this.#inFlight.get(key);
    if (sent !== undefined) sent.receiptArrived = false;
  }

  /** Its message has ended: what is still on its way need not be sent again. */
  drop(key: string): void {
    const sent = this.#inFlight.get(key);
    if (sent === undefined) return;
    if (sent.held) sent.held.done = true;
    this.#inFlight.delete(key);
  }

  /** Tells the store now of what a gate has seen written to recipients: what follows is decided by that. */
  recordArrived(): void {
    this.#options.gate?.recordArrived();
  }

  /** It is no longer on its way. */
  remove(sent: Sent): void {
    if (this.#inFlight.get(sent.record.key) === sent) this.#inFlight.delete(sent.record.key);
  }

  #send(record: StoredRecord, xml: string, priority: Priority, noStore = false, target = ''): void {
    const sent: Sent = { kind: 'copy', attempt: record.attempt, record, givenAt: this.#options.clock.now() };
    if (noStore) sent.noStore = true;
    if (target !== '') sent.target = target;
    sent.held = this.#options.link.send(xml, sent, priority, undefined, record.sender);
    // Done already: the link holds as much as it may, and leaves this one to the ledger's lease.
    if (!sent.held.done) this.#inFlight.set(record.key, sent);
  }

  /** Whether its text is not whole; it is put aside then. */
  #isDamaged(record: StoredRecord): boolean {
    if (isWhole(record)) return false;
    this.#options.trace?.('quarantined', record, { why: 'its stored text is damaged' });
    this.#options.pipeline.push({ request: quarantine(record.key), done: () => {} });
    return true;
  }

  /** Sends another copy of what a gate held, if what it has seen calls for one; else it is looked at again by the clock. */
  #redeliverThrough(gate: GateCopies, record: StoredRecord, why: string): boolean {
    const { counts, trace, addresses, clock } = this.#options;
    const sent: Sent = { kind: 'copy', attempt: record.attempt, record };
    const decision = gate.decide(record);
    if (decision === undefined) {
      trace?.('redelivery skipped', record, { why: 'the gate knows of no session that lacks it' });
      const earlier = { ...sent, record: { ...record, copies: Math.max(0, record.copies - 1) } };
      this.handOvers.record(earlier, clock.now());
      return false;
    }
    const resource = decision.to.slice(decision.to.indexOf('/') + 1);
    const firstSent = record.firstStoredAt - clock.aheadOfWall();
    const xml = redelivery(copyTo(record, resource, addresses), addresses.servedDomain, firstSent, false);
    if (this.#isDamaged(record)) return true;
    counts.redelivered += 1;
    trace?.('redelivered', record, { why, session: decision.to });
    sent.target = resource;
    this.#inFlight.set(record.key, sent);
    sent.held = gate.deliver(sent, xml, decision);
    return true;
  }

  #recordCorrection(key: string): void {
    const waiting = this.#corrections.filter((sent) => this.#inFlight.get(sent.record.key) === sent);
    const sent = this.#inFlight.get(key);
    this.#corrections = sent === undefined ? waiting : [...waiting, sent];
  }

  /** A later correction of the same message is about to go first: an older one must not be written after it. */
  #dropOutdated(target: string): void {
    for (const { record } of this.#corrections) if (record.target === target) this.drop(record.key);
  }
}
