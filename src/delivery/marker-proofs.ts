import type { Route } from '../addressing/address-policy.ts';
import { onlyThat, type StoredRecord, type StoreQueue, settle, settleUpTo } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import type { Copies } from './copies.ts';
import type { Endings } from './endings.ts';
import type { ConfirmedMessages, Confirming, Which } from './gate/confirmed-messages.ts';

export interface MarkerProofsOptions {
  readonly pipeline: StoreQueue;
  readonly copies: Pick<Copies, 'recordArrived'>;
  readonly endings: Pick<Endings, 'conclude'>;
  /** With a gate: what is before a message counts if the marker's session was given it. */
  readonly confirmed?: Pick<ConfirmedMessages, 'sessionOf' | 'readBy'> | undefined;
  readonly counts: { provedByMarker: number };
  readonly trace?: MessageTrace;
}

/** What a marker has brought about. */
interface MarkerOutcome {
  /** Nothing goes by that key. */
  readonly isUnknown: boolean;
  /** Numbers of held messages that it has ended. */
  readonly ended: ReadonlySet<string>;
}

/** A marker in a route here, where the recipient is `from`. */
interface Marker {
  readonly route: Route;
  /** Of the message that it names. */
  readonly which: Which;
  /** ms. */
  readonly now: number;
  readonly session: Confirming | undefined;
  readonly ended: Set<string>;
  /** All that it proves has been settled. */
  readonly done: (outcome: MarkerOutcome) => void;
}

/** Markers: each is for a message and for those of its conversation that were stored before it (XEP-0333 section 5.3). */
export class MarkerProofs {
  readonly #options: MarkerProofsOptions;

  constructor(options: MarkerProofsOptions) {
    this.#options = options;
  }

  take(route: Route, which: Which, now: number, done: Marker['done']): void {
    this.#options.copies.recordArrived();
    const session = this.#options.confirmed?.sessionOf(route, 'marker');
    this.#takeFrom('0', [], { route, which, now, session, ended: new Set(), done });
  }

  #takeFrom(cursor: string, before: readonly StoredRecord[], marker: Marker): void {
    const { route, which, now, session, ended } = marker;
    const { key, only } = which;
    const { from, to } = route;
    this.#options.pipeline.push({
      request: settleUpTo(key, to.inner, from.inner, from.resource, now, cursor, session !== undefined, only),
      owner: from.returnsKey,
      done: ({ next, settled, earlier, named }) => {
        for (const { record, late } of settled) this.#proved(marker, record, late);
        const all = [...before, ...earlier];
        if (next !== '0') this.#takeFrom(next, all, marker);
        else if (all.length > 0 || named !== undefined) this.#settleRead(all, named, marker);
        else marker.done({ isUnknown: cursor === '0' && settled.length === 0, ended });
      },
    });
  }

  #settleRead(earlier: readonly StoredRecord[], named: StoredRecord | undefined, marker: Marker): void {
    const { confirmed, pipeline } = this.#options;
    const { route, now, session, ended, done } = marker;
    if (confirmed === undefined || session === undefined) return;
    const read = confirmed.readBy(session, earlier, named);
    const all = named === undefined ? read : [...read, named];
    let open = all.length;
    const settled = () => done({ isUnknown: false, ended });
    if (open === 0) settled();
    for (const record of all) {
      pipeline.push({
        request: settle(record.key, route.from.resource, now, undefined, undefined, onlyThat(record)),
        owner: route.from.returnsKey,
        done: (one) => {
          if ('record' in one) this.#proved(marker, one.record, one.outcome === 'late');
          open -= 1;
          if (open === 0) settled();
        },
      });
    }
  }

  #proved({ route, ended }: Marker, record: StoredRecord, late: boolean): void {
    const { counts, trace, endings } = this.#options;
    counts.provedByMarker += 1;
    if (record.heldAs !== undefined) ended.add(record.heldAs);
    trace?.('confirmed', record, { why: 'a marker', session: route.from.full });
    void endings.conclude(record, late ? 'delivered late' : 'delivered');
  }
}
