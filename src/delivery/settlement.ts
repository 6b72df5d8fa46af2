import type { Route } from '../addressing/address-policy.ts';
import {
  type Clock,
  notified,
  type Only,
  type Settled,
  type StoreQueue,
  settle,
  settleByMention,
} from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { received } from '../xmpp/stanza/build.ts';
import type { ImpliedReceipt } from '../xmpp/stanza/implied-receipt.ts';
import type { Message } from '../xmpp/stanza/message.ts';
import { keyOfWireId, mayNameSeveral, recordKey } from '../xmpp/stanza/message-key.ts';
import type { Copies } from './copies.ts';
import type { Endings } from './endings.ts';
import type { ConfirmedMessages, Which } from './gate/confirmed-messages.ts';
import type { HeldVerdicts } from './gate/held-verdicts.ts';
import { MarkerProofs } from './marker-proofs.ts';
import type { Passthrough } from './passthrough.ts';
import type { ReceiptSupport } from './receipt-support.ts';
import type { SequenceGaps } from './redelivery/sequence-gaps.ts';

export interface SettlementOptions {
  readonly pipeline: StoreQueue;
  readonly copies: Pick<Copies, 'receiptArrived' | 'receiptHandled' | 'recordArrived'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly passthrough: Passthrough;
  readonly receiptSupport: ReceiptSupport;
  readonly sequenceGaps: SequenceGaps;
  readonly gate?: Pick<HeldVerdicts, 'wasPassed' | 'noteConfirmed' | 'confirmedAgain'> | undefined;
  /** Which of several messages of one id is meant by what a gate shows. */
  readonly confirmed?: Pick<ConfirmedMessages, 'find' | 'handled' | 'sessionOf' | 'readBy'> | undefined;
  readonly clock: Clock;
  readonly counts: {
    repeatedReceipts: number;
    unmatchedReceipts: number;
    provedByMarker: number;
    provedByReply: number;
    provedByReaction: number;
  };
  readonly trace?: MessageTrace;
}

/** By what the ledger says of a receipt. */
const ARRIVAL = { delivered: 'delivered', late: 'delivered late' } as const;

/**
 * What proves that a message arrived: receipts, markers, replies and reactions. In a route here, the recipient is `from`.
 * It waits apart from what he writes: who is flooded with messages returns a flood of receipts.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #markers: MarkerProofs;

  constructor(options: SettlementOptions) {
    this.#options = options;
    this.#markers = new MarkerProofs(options);
  }

  /**
   * The receipts (XEP-0184 section 5.2) that a message bears, each for an id or an origin-id.
   *
   * @param onNotified of a message that goes no further, or that a gate holds: whether our own notices say all that it says
   */
  receipts(route: Route, message: Message, onNotified?: (notified: boolean) => void): void {
    if (message.receipts.length === 0) return;
    if (route.heldAs !== undefined || onNotified !== undefined) {
      this.#heldReceipts(route, message.receipts, onNotified);
      return;
    }
    // Those for nothing that is known go on together, as they came: one by one they would be far more than what came.
    const unmatched: string[] = [];
    let open = message.receipts.length;
    const settled = () => {
      open -= 1;
      if (open > 0 || unmatched.length === 0) return;
      this.#options.passthrough.pass(route, { ...message, otherAttributes: '' }, unmatched.map(received).join(''));
    };
    for (const id of message.receipts) this.#receipt(route, id, () => unmatched.push(id), settled);
  }

  #heldReceipts(route: Route, ids: readonly string[], onNotified: ((notified: boolean) => void) | undefined): void {
    let open = ids.length;
    let notified = 0;
    const settled = (tells = false) => {
      open -= 1;
      if (tells) notified += 1;
      if (open === 0) onNotified?.(notified === ids.length);
    };
    for (const id of ids) this.#heldReceipt(route, id, settled);
  }

  #heldReceipt(route: Route, id: string, onSettled: (tells?: boolean) => void): void {
    const { confirmed, gate, counts, clock } = this.#options;
    if (confirmed === undefined || route.heldAs === undefined || !mayNameSeveral(id)) {
      this.#receipt(route, id, () => {}, onSettled);
      return;
    }
    const { from } = route;
    const now = clock.now();
    const failed = () => {
      this.#unknown(route, id);
      onSettled();
    };
    const found: Parameters<typeof confirmed.find>[3] = (meant) => {
      if (meant.what === 'confirmed') {
        counts.repeatedReceipts += 1;
        gate?.confirmedAgain(from.inner, from.resource, meant.key);
        onSettled(true);
      } else if (meant.what === 'one') {
        const { key, only } = meant;
        const settled = (tells?: boolean) => {
          confirmed.handled(key, from.full);
          onSettled(tells);
        };
        this.#receipt(route, id, () => {}, settled, key, now, only);
      } else this.#receipt(route, id, () => {}, onSettled, this.#keyOf(route, id), now);
    };
    confirmed.find(route, id, 'receipt', found, failed);
  }

  #receipt(
    route: Route,
    id: string,
    onUnmatched: () => void,
    onSettled: (tells?: boolean) => void,
    key: string = this.#keyOf(route, id),
    now: number = this.#options.clock.now(),
    only?: Only,
  ): void {
    const { pipeline, copies, receiptSupport, counts, sequenceGaps, trace } = this.#options;
    const { from, to } = route;
    const sender = to.inner;
    const recipient = from.inner;
    const remember = receiptSupport.isNews(sender, recipient, now) ? { sender, recipient } : undefined;
    pipeline.push({
      request: settle(key, from.resource, now, remember, copies.receiptArrived(key), only),
      owner: from.returnsKey,
      failed: () => {
        copies.receiptHandled(key);
        this.#unknown(route, id);
        onSettled();
      },
      done: (settled) => {
        copies.receiptHandled(key);
        switch (settled.outcome) {
          case 'unknown': {
            const plain = this.#otherKeyOf(route, id, key);
            if (plain !== undefined) {
              this.#receipt(route, id, onUnmatched, onSettled, plain, now);
              return;
            }
            counts.unmatchedReceipts += 1;
            trace?.(
              'receipt ignored',
              { sender, recipient, wireId: id, key },
              { why: 'no such message', session: from.full },
            );
            this.#unknown(route, id);
            onUnmatched();
            break;
          }
          case 'repeated':
            counts.repeatedReceipts += 1;
            this.#options.gate?.confirmedAgain(recipient, from.resource, key);
            trace?.(
              'receipt ignored',
              { sender, recipient, wireId: id, key },
              { why: 'it is delivered', session: from.full },
            );
            // Its sender has had the first, or is told of it.
            onSettled(true);
            return;
          default:
            trace?.('confirmed', settled.record, { why: `a receipt, ${settled.outcome}`, session: from.full });
            receiptSupport.record(sender, recipient, now);
            sequenceGaps.recordReceipt(recipient, from.resource, sender, settled.record.storedAt);
            this.#conclude(route, settled);
            onSettled(settled.record.owesReceipt);
            return;
        }
        onSettled();
      },
    });
  }

  /** Of a receipt that a gate lets go: what it is for may have been let go too, and may be written again. */
  #unknown({ from, to, heldAs }: Route, id: string): void {
    if (heldAs !== undefined) this.#options.gate?.noteConfirmed(to.inner, from.full, id);
  }

  /** One that was held for too long has gone to the sender by itself. */
  #conclude({ heldAs }: Route, { outcome, record }: Extract<Settled, { record: unknown }>): void {
    const { pipeline, endings, gate } = this.#options;
    const isNotified = heldAs !== undefined && gate?.wasPassed(heldAs) === true;
    if (isNotified) for (const request of notified([record])) pipeline.push({ request, done: () => {} });
    void endings.conclude(record, ARRIVAL[outcome], isNotified);
  }

  /**
   * A marker, a reply or a reaction: what it names has arrived; and a marker is for all before it, too (XEP-0333
   * section 5.3). It goes on to the sender as well, and is no receipt: whether this client returns receipts, it does not
   * tell.
   *
   * @param onSettled of a marker: all that it proves has been settled, and these numbers of held messages have ended by it
   */
  proof(route: Route, proof: ImpliedReceipt, onSettled?: (ended: ReadonlySet<string>) => void, which?: Which): void {
    const { confirmed } = this.#options;
    if (which !== undefined || confirmed === undefined || route.heldAs === undefined || !mayNameSeveral(proof.id)) {
      this.#prove(route, proof, onSettled, which);
      return;
    }
    const done = () => onSettled?.(new Set());
    confirmed.find(
      route,
      proof.id,
      proof.by,
      (meant) => {
        if (meant.what === 'any') this.#prove(route, proof, onSettled);
        else if (meant.what === 'one') this.#prove(route, proof, onSettled, meant);
        else done();
      },
      done,
    );
  }

  #prove(
    route: Route,
    proof: ImpliedReceipt,
    onSettled: ((ended: ReadonlySet<string>) => void) | undefined,
    { key, only }: Which = { key: this.#keyOf(route, proof.id), only: undefined },
  ): void {
    const { by, id, maybeOwn } = proof;
    const { pipeline, endings, counts, trace } = this.#options;
    const { from, to } = route;
    const now = this.#options.clock.now();
    const sender = to.inner;
    const looksAgain = () => {
      const plain = this.#otherKeyOf(route, id, key);
      if (plain !== undefined) this.#prove(route, proof, onSettled, { key: plain, only: undefined });
      return plain !== undefined;
    };
    if (by === 'marker') {
      this.#markers.take(route, { key, only }, now, ({ isUnknown, ended }) => {
        if (!isUnknown || !looksAgain()) onSettled?.(ended);
      });
      return;
    }
    const request = maybeOwn
      ? settleByMention(key, recordKey(from.inner, sender, id), from.resource, now, only)
      : settle(key, from.resource, now, undefined, undefined, only);
    pipeline.push({
      request,
      owner: from.returnsKey,
      done: (settled) => {
        if (settled.outcome === 'unknown') looksAgain();
        if (settled.outcome !== 'delivered' && settled.outcome !== 'late') return;
        counts[by === 'reply' ? 'provedByReply' : 'provedByReaction'] += 1;
        trace?.('confirmed', settled.record, { why: `a ${by}`, session: from.full });
        void endings.conclude(settled.record, ARRIVAL[settled.outcome]);
      },
    });
  }

  /** The key of the message that he names, as it went out to him. */
  #keyOf({ from, to }: Route, id: string): string {
    return keyOfWireId(to.inner, from.inner, id);
  }

  /** For an id that only looks like one of those that we mark, when nothing is known by the key of such a one. That costs most of a receipt. */
  #otherKeyOf(route: Route, id: string, key: string): string | undefined {
    const plain = recordKey(route.to.inner, route.from.inner, id);
    return key === plain || key !== this.#keyOf(route, id) ? undefined : plain;
  }
}
