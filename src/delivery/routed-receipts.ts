import type { Route } from '../addressing/address-policy.ts';
import type { RoutedReceipt } from '../gate/events.ts';
import { type Clock, prove, type StoreQueue } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { keyOfWireId, recordKey } from '../xmpp/stanza/message-key.ts';
import type { Endings } from './endings.ts';
import type { GatePort } from './gate-port.ts';
import type { Settlement } from './settlement.ts';

export interface RoutedReceiptsOptions {
  readonly gate: Pick<GatePort, 'forget'>;
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly settlement: Pick<Settlement, 'proof'>;
  readonly clock: Clock;
  readonly counts: { provedByRoutedReceipt: number };
  readonly trace?: MessageTrace;
}

/**
 * Receipts and markers that a gate let go to the sender without us, as when no component held a lease (docs/gate-protocol.md,
 * "Receipts that are routed"). In a route here, the recipient is `from`.
 */
export class RoutedReceipts {
  readonly #options: RoutedReceiptsOptions;

  constructor(options: RoutedReceiptsOptions) {
    this.#options = options;
  }

  /** Settles the message that it names; the gate says it again, after each `enable`, until that is done. */
  take(n: string, route: Route, { by, id }: RoutedReceipt): void {
    const { gate, settlement } = this.#options;
    if (by === 'receipt') {
      this.#receipt(n, route, id, keyOfWireId(route.to.inner, route.from.inner, id));
      return;
    }
    settlement.proof(route, { by: 'marker', id, maybeOwn: false }, () => gate.forget(n));
  }

  #receipt(n: string, route: Route, id: string, key: string): void {
    const { pipeline, endings, clock, counts, trace, gate } = this.#options;
    const { from, to } = route;
    pipeline.push({
      request: prove(key, from.resource, clock.now(), true),
      done: (taken) => {
        // An id that only looks like one of those that we mark.
        const plain = recordKey(to.inner, from.inner, id);
        if (taken.outcome === 'unknown' && key !== plain) {
          this.#receipt(n, route, id, plain);
          return;
        }
        if (taken.outcome === 'delivered' || taken.outcome === 'late') {
          counts.provedByRoutedReceipt += 1;
          trace?.('confirmed', taken.record, { why: 'a receipt that passed to its sender', session: from.full });
          void endings.conclude(taken.record, taken.outcome === 'late' ? 'delivered late' : 'delivered', true);
          if (taken.record.heldAs === n) return;
        }
        gate.forget(n);
      },
    });
  }
}
