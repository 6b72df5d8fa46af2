import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { ReceiptsOf, SessionObserver } from '../presence/ports.ts';
import { PresenceService, type PresenceTiming } from '../presence/presence-service.ts';
import type { Store, StoreClock, StoreQueue } from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { AckFormat } from '../xmpp/stanza/build.ts';
import { IdSource } from '../xmpp/stanza/ids.ts';
import { Acceptance } from './acceptance.ts';
import { AcknowledgementBatches, type AcknowledgementBatchesOptions } from './acknowledgement-batches.ts';
import { Endings } from './endings.ts';
import { MessageHandler } from './message-handler.ts';
import { Notices } from './notices.ts';
import { Outbox } from './outbox.ts';
import { Passthrough } from './passthrough.ts';
import type { JobsPort, LinkPort } from './ports.ts';
import { NO_LIMITS, Quotas, type QuotasOptions } from './quotas.ts';
import { ReceiptSupport } from './receipt-support.ts';
import { Refusals, type RefusalsOptions } from './refusals.ts';
import { SequenceGaps } from './sequence-gaps.ts';
import { SessionPings, type SessionPingsOptions } from './session-pings.ts';
import { SessionRedelivery } from './session-redelivery.ts';
import { Settlement } from './settlement.ts';
import { Unsendable } from './unsendable.ts';

/** What this room counts; plain fields, since it counts tens of thousands of stanzas a second. */
export interface Counts {
  accepted: number;
  duplicates: number;
  delivered: number;
  redelivered: number;
  handedOver: number;
  rejected: number;
  expired: number;
  unconfirmed: number;
  quarantined: number;
  lateReceipts: number;
  repeatedReceipts: number;
  unmatchedReceipts: number;
  bouncesTemporary: number;
  bouncesPermanent: number;
  passedThrough: number;
  evidenceSessionEnded: number;
  evidenceSessionSilent: number;
  evidenceBounced: number;
  evidenceNotStored: number;
  evidenceGap: number;
  provedByMarker: number;
  provedByReply: number;
  provedByReaction: number;
  dropped: number;
  presencesRelayed: number;
  presenceProbes: number;
  presenceReplies: number;
  staleSessions: number;
  setAside: number;
}

/** What the other rooms are told. */
interface DeliveryEvents {
  /** ms from a message's arrival to its being stored. */
  onStored(ms: number): void;
  /** ms from a message's being stored to its receipt. */
  onDelivered(ms: number): void;
  /** A stanza was refused with this condition. */
  onRefused(condition: string): void;
}

export interface DeliveryOptions {
  readonly link: LinkPort;
  readonly ledger: Store;
  /** The way to it. */
  readonly pipeline: StoreQueue;
  readonly addresses: AddressPolicy;
  readonly ack: { readonly format: AckFormat };
  readonly retry: RetryPolicy;
  /** See {@link SessionRedelivery}. */
  readonly redeliveryWindow: number;
  readonly maxStanzaBytes: number;
  readonly counts: Counts;
  readonly events: DeliveryEvents;
  readonly jobs: JobsPort;
  /** Follows each message in the log; without it none is. */
  readonly trace?: MessageTrace;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** What each sender may take; without it, as much as he likes. */
  readonly quotas?: Omit<QuotasOptions, 'servedDomain'>;
  /** Asks a session whether it is there; without it none is asked. */
  readonly ping?: SessionPingsOptions['ping'];
  /** Asks whether a server lets anything through to its user; without it nothing is refused for good that may be for now. */
  readonly reaches?: RefusalsOptions['reaches'];
  /** How batches are sent, and how long they gather, ms; without it none is. */
  readonly batching?: Pick<AcknowledgementBatchesOptions, 'request' | 'maxDelay'>;
  readonly presence?: {
    readonly observer?: SessionObserver;
    readonly receiptsOf?: ReceiptsOf;
    readonly timing?: Partial<PresenceTiming>;
  };
}

/** The receipt interceptor, put together: stanzas in, the ledger, stanzas out. */
export class Delivery {
  readonly addresses: AddressPolicy;
  /** The ledger's time. */
  readonly clock: StoreClock;
  readonly pipeline: StoreQueue;
  readonly outbox: Outbox;
  readonly endings: Endings;
  readonly unsendable: Unsendable;
  readonly passthrough: Passthrough;
  readonly sessionRedelivery: SessionRedelivery;
  readonly pings: SessionPings;
  readonly sequenceGaps: SequenceGaps;
  readonly quotas: Quotas;
  readonly batches: AcknowledgementBatches;
  readonly presence: PresenceService;
  /** Messages from the link go here. */
  readonly messages: MessageHandler;
  readonly #receiptSupport = new ReceiptSupport();

  constructor(options: DeliveryOptions) {
    const { link, ledger, addresses, ack, retry, counts, events, jobs, log } = options;
    this.addresses = addresses;
    this.clock = ledger.clock;
    const ids = new IdSource();
    this.pipeline = options.pipeline;
    const notices = new Notices({
      addresses,
      ids,
      ackFormat: ack.format,
      messageTtl: retry.settings.messageTtl,
    });
    this.batches = new AcknowledgementBatches({
      link,
      notices,
      isShared: () => this.presence.others > 0,
      onNotified: (records) => this.outbox.recordNotified(records),
      onSeparate: (records) => {
        for (const record of records) this.outbox.notifySeparately(record);
      },
      ...options.batching,
    });
    const { batches } = this;
    const { clock } = ledger;
    const { trace } = options;
    const base = {
      ...events,
      jobs,
      trace,
      clock,
      batches,
      link,
      pipeline: this.pipeline,
      addresses,
      ids,
      notices,
      retry,
      counts,
      log,
    };
    this.passthrough = new Passthrough(base);
    this.outbox = new Outbox(base);
    const { maxStanzaBytes, redeliveryWindow } = options;
    const status = (keys: readonly string[]) => ledger.status(keys);
    this.sequenceGaps = new SequenceGaps(base);
    this.pings = new SessionPings({
      ...base,
      ping: options.ping ?? (async () => 'unknown'),
      onDoubt: (user) => this.presence.probeUser(user),
      onJudged: (user) => this.sessionRedelivery.sessionAvailable(user, 'update'),
    });
    const { pings } = this;
    this.sessionRedelivery = new SessionRedelivery({
      ...base,
      outbox: this.outbox,
      redeliveryWindow,
      status,
      ...(options.ping && { caughtUp: (user, resource) => pings.caughtUp(user, resource) }),
    });
    const unlimited = { limits: NO_LIMITS, memoryUsed: () => undefined, onRefused: () => {} };
    const quotas = new Quotas({ servedDomain: addresses.servedDomain, ...(options.quotas ?? unlimited) });
    this.quotas = quotas;
    const { passthrough } = this;
    const rooms = { ...base, quotas, passthrough, refuser: passthrough, outbox: this.outbox, maxStanzaBytes };
    const observer: SessionObserver = {
      began: (user) => this.sessionRedelivery.sessionAvailable(user, 'login'),
      updated: (user, again) => this.sessionRedelivery.sessionAvailable(user, again ? 'heard again' : 'update'),
      ended: (user, resource) => {
        this.sessionRedelivery.sessionEnded(user);
        this.batches.forget(withResource(user, resource));
      },
    };
    this.presence = new PresenceService({ ...rooms, stored: ledger, observer, ...options.presence });
    this.endings = new Endings({ ...base, outbox: this.outbox, sessionRedelivery: this.sessionRedelivery });
    const { endings } = this;
    this.unsendable = new Unsendable({ ...base, outbox: this.outbox, endings });
    const acceptance = new Acceptance(rooms);
    const refusals = new Refusals({ ...base, reaches: options.reaches ?? (async () => 'unknown') });
    const settlement = new Settlement({
      ...rooms,
      receiptSupport: this.#receiptSupport,
      sequenceGaps: this.sequenceGaps,
      endings,
      refusals,
    });
    this.messages = new MessageHandler({ ...rooms, acceptance, settlement });
  }

  /** Redis has lost its data: what was remembered of them counts no more. */
  forgetCached(): void {
    this.#receiptSupport.clear();
    this.presence.ledgerLost();
  }

  /** Looks and sends no more on its own account. */
  close(): void {
    this.batches.close();
    this.outbox.leases.close();
    this.sequenceGaps.close();
    this.pings.close();
    this.sessionRedelivery.close();
    this.presence.close();
  }
}
