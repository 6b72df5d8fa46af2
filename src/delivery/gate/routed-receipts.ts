import type { Route } from '../../addressing/address-policy.ts';
import type { RoutedReceipt } from '../../gate/events.ts';
import {
  type Clock,
  keyOfHeld,
  notified,
  onlyThat,
  type ProofTaken,
  prove,
  type StoreQueue,
  settle,
} from '../../store/contract.ts';
import type { MessageTrace } from '../../util/message-trace.ts';
import { isMarked, keyOfWireId, mayNameSeveral, recordKey, senderIdOf } from '../../xmpp/stanza/message-key.ts';
import type { Copies } from '../copies.ts';
import type { Endings } from '../endings.ts';
import type { ReceiptSupport } from '../receipt-support.ts';
import type { Settlement } from '../settlement.ts';
import { mayBeMeant, type Which } from './confirmed-messages.ts';
import type { GateCopies } from './gate-copies.ts';
import type { GatePort } from './gate-port.ts';
import type { HeldMessages } from './held-messages.ts';
import type { ReceiptDoubts } from './receipt-doubts.ts';
import { noteReceipt } from './shared-doubts.ts';

export interface RoutedReceiptsOptions {
  readonly gate: Pick<GatePort, 'noteConfirmed' | 'factsOf'>;
  readonly copies: Pick<GateCopies, 'forget' | 'whenKnown'>;
  readonly originals: Pick<Copies, 'underWay'>;
  readonly messages: Pick<HeldMessages, 'get'>;
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly settlement: Pick<Settlement, 'proof'>;
  readonly doubts: Pick<ReceiptDoubts, 'leavesToStore'>;
  /** Something of this user's (bare JID) waits for a proof. */
  readonly look: (user: string) => void;
  readonly receiptSupport: ReceiptSupport;
  readonly clock: Clock;
  readonly counts: { provedByRoutedReceipt: number };
  readonly trace?: MessageTrace;
}

/**
 * Receipts and markers that a gate lets go to the sender without us, as it does with all that it can tell of and whose sender is
 * there (docs/gate-protocol.md, "Receipts that are routed"). In a route here, the recipient is `from`.
 */
export class RoutedReceipts {
  readonly #options: RoutedReceiptsOptions;

  constructor(options: RoutedReceiptsOptions) {
    this.#options = options;
  }

  /** Settles the message that it is for; the gate says it again, after each `enable`, until that is done. `session`: its stream id. */
  take(n: string, route: Route, receipt: RoutedReceipt, session: string): void {
    const { messages, pipeline, copies } = this.#options;
    const key = messages.get(n)?.key;
    if (key !== undefined) {
      this.#takeFor(n, route, receipt, session, key);
      return;
    }
    // Before this process was started, as a rule. Its sender may have given its id to others.
    const named = recordKey(route.to.inner, route.from.inner, senderIdOf(receipt.id));
    pipeline.push({
      request: keyOfHeld(named, n),
      owner: route.from.returnsKey,
      done: (found) => {
        if (found !== undefined) this.#takeFor(n, route, receipt, session, found);
        // It was let go without being stored. What its sender has stored under this id may be another message, or the same, written again.
        else if (mayNameSeveral(receipt.id)) copies.forget(n);
        else this.#settle(n, route, receipt, anyOf(route, receipt.id));
      },
    });
  }

  /** The same of a message that was not held, and that its sender may have written again, so that it is stored. */
  takeUnheld(route: Route, id: string): void {
    this.#receipt(undefined, route, id, anyOf(route, id));
  }

  #takeFor(n: string, route: Route, receipt: RoutedReceipt, session: string, key: string): void {
    const { copies } = this.#options;
    const take = () => {
      if (this.#isMeant(n, route, receipt, session, key) && !this.#isLeftToStore(n, route, receipt, session))
        this.#settle(n, route, receipt, { key, only: onlyThat({ heldAs: n }) });
    };
    // A client may be faster than the server's word whom it gave the message.
    if (isMarked(key)) copies.whenKnown(n, take);
    else take();
  }

  /** Of what is not meant nothing is proved: whoever was given it confirms it, or it is sent again. */
  #isMeant(n: string, { from, to }: Route, { by, id }: RoutedReceipt, session: string, key: string): boolean {
    const { gate, trace } = this.#options;
    const facts = gate.factsOf(n);
    if (!mayNameSeveral(id) || mayBeMeant(key, facts, { jid: from.full, id: session })) return true;
    facts?.has.delete(session);
    const why = `its session was not given it, and others had that id before: a ${by}`;
    trace?.(
      'receipt ignored',
      { sender: to.inner, recipient: from.inner, wireId: id, key },
      { why, session: from.full },
    );
    return false;
  }

  /** It is proved when that session has lived on. */
  #isLeftToStore(n: string, { from }: Route, { by }: RoutedReceipt, session: string): boolean {
    const { gate, messages, doubts, clock, look } = this.#options;
    const facts = gate.factsOf(n);
    if (by !== 'receipt' || facts === undefined || messages.get(n) === undefined) return false;
    if (!doubts.leavesToStore(n, facts)) return false;
    facts.told = true;
    noteReceipt(facts, session, clock.now());
    look(from.inner);
    return true;
  }

  #settle(n: string, route: Route, { by, id }: RoutedReceipt, which: Which): void {
    const { copies, settlement } = this.#options;
    if (by === 'receipt') {
      this.#receipt(n, route, id, which);
      return;
    }
    // Of what has ended by it the gate has been told, or is told when its doubt is over.
    const onSettled = (ended: ReadonlySet<string>) => {
      if (!ended.has(n)) copies.forget(n);
    };
    settlement.proof(route, { by: 'marker', id, maybeOwn: false }, onSettled, which);
  }

  #receipt(n: string | undefined, route: Route, id: string, { key, only }: Which): void {
    const { pipeline, endings, clock, counts, trace, gate, copies, originals, receiptSupport } = this.#options;
    const { from, to } = route;
    const sender = to.inner;
    const recipient = from.inner;
    const now = clock.now();
    const isNews = receiptSupport.isNews(sender, recipient, now);
    const owner = from.returnsKey;
    const done = (taken: ProofTaken) => {
      if (taken.outcome === 'unknown') {
        // An id that only looks like one of those that we mark. To make a key is what costs most of a receipt.
        const plain = recordKey(sender, recipient, id);
        if (key !== plain) {
          this.#receipt(n, route, id, { key: plain, only });
          return;
        }
      }
      if (taken.outcome === 'delivered' || taken.outcome === 'late') {
        counts.provedByRoutedReceipt += 1;
        receiptSupport.record(sender, recipient, now);
        trace?.('confirmed', taken.record, { why: 'a receipt that passed to its sender', session: from.full });
        if (isNews) this.#notOwed(taken.record.key);
        void endings.conclude(taken.record, taken.outcome === 'late' ? 'delivered late' : 'delivered', true);
        if (taken.record.heldAs === n) return;
      } else if (taken.outcome === 'repeated') this.#notOwed(key);
      // It was let go as a lease ended, or by a verdict that came too late, and may be written again.
      else if (taken.outcome === 'unknown') gate.noteConfirmed({ to: sender, by: from.full }, id);
      if (n !== undefined) copies.forget(n);
    };
    if (isNews) {
      pipeline.push({ request: settle(key, from.resource, now, { sender, recipient }, undefined, only), owner, done });
    } else {
      const underWay = originals.underWay(key);
      const atHand = n === undefined || underWay?.heldAs === n ? underWay : undefined;
      pipeline.push({ request: prove(key, from.resource, now, true, atHand, only), owner, done });
    }
  }
  /** Its sender has had the receipt: he is owed none. */
  #notOwed(key: string): void {
    for (const request of notified([{ key, state: 'delivered' }]))
      this.#options.pipeline.push({ request, done: () => {} });
  }
}

/** Whatever goes by that id. In the route, the recipient is `from`. */
const anyOf = ({ from, to }: Route, id: string): Which => ({
  key: keyOfWireId(to.inner, from.inner, id),
  only: undefined,
});
