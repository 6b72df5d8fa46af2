import type { AddressPolicy } from '../addressing/address-policy.ts';
import {
  handOver,
  notified,
  quarantine,
  type StoreClock,
  type StoredRecord,
  type StoreQueue,
  settle,
} from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace, TraceDetails } from '../util/message-trace.ts';
import type { Priority } from '../xmpp/connection/outgoing-stanza.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import { hasNoStoreHint, message, redelivery } from '../xmpp/stanza/build.ts';
import { wireInner } from '../xmpp/stanza/message-key.ts';
import { isSingleElement } from '../xmpp/stanza/xml.ts';
import type { GateCopies } from './gate-copies.ts';
import { InFlight } from './in-flight.ts';
import type { JobsPort, LinkPort, Sent } from './ports.ts';
import { openRuleTrace, type RuleTrace } from './rule-trace.ts';

export interface CopiesOptions {
  readonly link: LinkPort;
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly addresses: AddressPolicy;
  readonly retry: RetryPolicy;
  readonly clock: StoreClock;
  readonly jobs: Pick<JobsPort, 'attemptScheduled'>;
  readonly counts: { redelivered: number };
  /** What a gate holds goes through it. */
  readonly gate?: GateCopies | undefined;
  readonly trace?: MessageTrace;
}

/**
 * Copies of messages on their way to recipients. The ledger knows of each before it is written, and forgets its lease only
 * when the server has proved to have handled it.
 */
export class Copies {
  readonly #options: CopiesOptions;
  readonly #ruleTrace: RuleTrace;
  /** By their record's key. */
  readonly #inFlight = new InFlight<Sent>();
  /** Those that the server has proved to have, which the ledger is about to record. */
  readonly #handOversInHand = new InFlight<Sent>();
  /** Receipts on their way to the ledger, of messages that have no copy on its way. */
  readonly #receiptsInHand = new InFlight<true>();
  /** Further copies of corrections, which may still wait behind what is new. */
  #corrections: Sent[] = [];

  constructor(options: CopiesOptions) {
    this.#options = options;
    this.#ruleTrace = openRuleTrace(options.pipeline, options.trace);
  }

  [Symbol.iterator](): Iterator<Sent> {
    return this.#inFlight[Symbol.iterator]();
  }

  /** Sends a message's first copy, to the resource that its sender addressed, if any. */
  forward(record: StoredRecord): void {
    this.#options.trace?.('forwarded', record, { session: withResource(record.recipient, record.recipientResource) });
    if (record.target !== undefined) this.#dropOutdated(record.target);
    if (record.heldAs !== undefined && this.#options.gate !== undefined) {
      const sent: Sent = { kind: 'copy', attempt: record.attempt, record };
      this.#inFlight.set(record.key, sent);
      sent.held = this.#options.gate.forward(sent);
      return;
    }
    this.#send(record, message(this.#outgoing(record, record.recipientResource)), 'normal');
  }

  /**
   * Its recipient has it already, since the server let it through while nothing was held: it is the server's, and known as
   * sent. A receipt for it passes by itself.
   */
  recordUnheld({ key }: StoredRecord): void {
    const { pipeline, clock } = this.#options;
    pipeline.push({ request: settle(key, '', clock.now()), done: () => {} });
    for (const request of notified([{ key, state: 'delivered' }])) pipeline.push({ request, done: () => {} });
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
    const { addresses, counts, trace, clock } = this.#options;
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
    const handOver = this.#handOversInHand.get(record.key);
    if (handOver !== undefined) {
      // It was claimed before the ledger knew that the server has it, which is still true.
      trace?.('redelivery skipped', record, { why: 'the server has taken the copy before it' });
      this.handedOver({ ...handOver, attempt: record.attempt });
      return true;
    }
    if (record.heldAs !== undefined && this.#options.gate !== undefined) {
      return this.#redeliverThrough(this.#options.gate, record, why);
    }
    // What was never handed over is still a first attempt. Later ones go to whichever resource is there by now.
    const first = record.copies === 0 && record.firstStoredAt === record.storedAt;
    const resource = first ? record.recipientResource : target;
    const noStore = keptFromStorage && record.copyOut;
    const out = this.#outgoing(record, resource);
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

  /** It is no longer on its way. */
  remove(sent: Sent): void {
    if (this.#inFlight.get(sent.record.key) === sent) this.#inFlight.delete(sent.record.key);
  }

  /** The server has handled it. */
  handedOver(sent: Sent): void {
    const { pipeline, retry, clock } = this.#options;
    const { record, attempt } = sent;
    this.#options.trace?.('handed over', record);
    if (sent.receiptArrived) return;
    const now = clock.now();
    const { storedAt } = record;
    const copies = record.copies + 1;
    const random = Math.random();
    const request = handOver({
      key: record.key,
      attempt,
      copies,
      byTimetable: retry.bySchedule(storedAt, copies, now, random),
      unconfirmed: retry.unconfirmed(storedAt, copies, now, random),
      sender: record.sender,
      recipient: record.recipient,
      noStore: sent.noStore === true || hasNoStoreHint(record.inner),
      // Of a chat (RFC 6121 section 8.5.3.2.1), servers make the best; later copies go to the bare address, as a rule.
      resource: record.type === 'chat' ? '' : record.copies > 0 ? (sent.target ?? '') : record.recipientResource,
    });
    this.#handOversInHand.set(record.key, sent);
    const recorded = () => {
      if (this.#handOversInHand.get(record.key) === sent) this.#handOversInHand.delete(record.key);
    };
    pipeline.push({
      request,
      failed: recorded,
      done: (due) => {
        recorded();
        this.#options.trace?.(
          due === undefined ? 'redelivery skipped' : 'redelivery scheduled',
          record,
          this.#scheduleOf(record, due),
        );
        // Not after a mere reconnect: what has no earlier copy out is in no trouble.
        if (due !== undefined && record.copies > 0) this.#schedule(record, attempt, due);
      },
    });
    this.#ruleTrace?.(record.key, 'timer', { why: 'the server has a copy' });
  }

  #send(record: StoredRecord, xml: string, priority: Priority, noStore = false, target = ''): void {
    const sent: Sent = { kind: 'copy', attempt: record.attempt, record };
    if (noStore) sent.noStore = true;
    if (target !== '') sent.target = target;
    sent.held = this.#options.link.send(xml, sent, priority, undefined, record.sender);
    // Done already: the link holds as much as it may, and leaves this one to the ledger's lease.
    if (!sent.held.done) this.#inFlight.set(record.key, sent);
  }

  /** Whether its text is not whole; it is put aside then. */
  #isDamaged(record: StoredRecord): boolean {
    // By itself: what is put behind a text that was cut may seem to end it.
    if (isSingleElement(`<x>${record.inner}</x>`)) return false;
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
      this.handedOver({ ...sent, record: { ...record, copies: Math.max(0, record.copies - 1) } });
      return false;
    }
    const resource = decision.to.slice(decision.to.indexOf('/') + 1);
    const firstSent = record.firstStoredAt - clock.aheadOfWall();
    const xml = redelivery(this.#outgoing(record, resource), addresses.servedDomain, firstSent, false);
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

  #outgoing(record: StoredRecord, resource: string): Parameters<typeof message>[0] {
    return {
      from: this.#options.addresses.copyFrom(record),
      to: withResource(record.recipient, resource),
      type: record.type,
      id: record.wireId,
      otherAttributes: record.otherAttributes,
      inner: wireInner(record.inner, record.key, record.target),
    };
  }

  /** For the log: what the rules of redelivery have decided about a copy that was handed over. */
  #scheduleOf({ storedAt }: StoredRecord, due: number | undefined): TraceDetails {
    if (due === undefined) return { why: 'it has ended, or a later copy is in flight' };
    const only = due >= this.#options.retry.expiry(storedAt);
    return {
      due,
      why: only ? 'only evidence brings another copy; then it expires' : 'by the clock, if no evidence comes first',
    };
  }

  #schedule(record: StoredRecord, attempt: number, due: number): void {
    const expires = due >= this.#options.retry.expiry(record.storedAt);
    this.#options.jobs.attemptScheduled({ record, attempt, due, expires });
  }
}
