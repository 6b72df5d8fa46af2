import type { Durability } from '../../packages/protocol/elements.ts';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { ReceiptsOf, SessionObserver } from '../presence/ports.ts';
import { PresenceService } from '../presence/presence-service.ts';
import type { PresenceTiming } from '../presence/timing.ts';
import type { Missed, Store, StoreClock, Stored, StoredRecord, StoreQueue } from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import type { AckFormat } from '../xmpp/stanza/build.ts';
import { IdSource } from '../xmpp/stanza/ids.ts';
import { Acceptance } from './acceptance.ts';
import { AcknowledgementBatches, type AcknowledgementBatchesOptions } from './acknowledgement-batches.ts';
import { Bounces } from './bounces.ts';
import { Copies } from './copies.ts';
import type { Counts } from './counts.ts';
import { Endings } from './endings.ts';
import { ConfirmedMessages } from './gate/confirmed-messages.ts';
import { GateCopies } from './gate/gate-copies.ts';
import type { GatePort } from './gate/gate-port.ts';
import { HeldMessages } from './gate/held-messages.ts';
import { HeldReview, type HeldReviewOptions } from './gate/held-review.ts';
import { HeldVerdicts } from './gate/held-verdicts.ts';
import { MootClaims } from './gate/moot-claims.ts';
import { ReceiptDoubts } from './gate/receipt-doubts.ts';
import { RoutedReceipts } from './gate/routed-receipts.ts';
import { MessageHandler } from './message-handler.ts';
import { NoticeOutbox } from './notice-outbox.ts';
import { Notices, turnOf } from './notices.ts';
import { Outbox } from './outbox.ts';
import { Passthrough } from './passthrough.ts';
import type { JobsPort, LinkPort } from './ports.ts';
import { NO_LIMITS, Quotas, type QuotasOptions } from './quotas.ts';
import { ReceiptSupport } from './receipt-support.ts';
import { AskedUsers } from './redelivery/asked-users.ts';
import { RedeliveryWindows } from './redelivery/redelivery-windows.ts';
import { SequenceGaps } from './redelivery/sequence-gaps.ts';
import { SessionPings, type SessionPingsOptions } from './redelivery/session-pings.ts';
import { SessionRedelivery } from './redelivery/session-redelivery.ts';
import { Refusals, type RefusalsOptions } from './refusals.ts';
import { SessionEvents } from './session-events.ts';
import { Settlement } from './settlement.ts';
import { Unsendable } from './unsendable.ts';

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
  /** What an acknowledgement says of the store; by default that it has the message. */
  readonly durability?: Durability;
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
  /** Where a gate in the server holds messages: it, and what its evidence means. */
  readonly gate?: Pick<HeldReviewOptions, 'graces' | 'proofCounts'> & {
    readonly gate: GatePort;
    readonly orderWithin?: number | undefined;
    /** See {@link SessionRedelivery}. */
    readonly ownerFirst?: number | undefined;
  };
  readonly presence?: {
    /** Whether users' servers are asked for their presence; not where a gate tells of all sessions. */
    readonly probes?: boolean;
    readonly observer?: SessionObserver;
    readonly receiptsOf?: ReceiptsOf;
    readonly timing?: Partial<PresenceTiming>;
  };
}

/**
 * The life of messages, put together: each part is given those that it calls, and what happens elsewhere comes as events.
 * Stanzas in, the ledger, stanzas out.
 */
export class Delivery {
  readonly addresses: AddressPolicy;
  /** The ledger's time. */
  readonly clock: StoreClock;
  readonly pipeline: StoreQueue;
  readonly copies: Copies;
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
  readonly #windows: RedeliveryWindows;
  readonly #receiptSupport = new ReceiptSupport();
  /** Only with a gate. */
  readonly routedReceipts: RoutedReceipts | undefined;
  readonly #review: HeldReview | undefined;
  readonly #doubts: ReceiptDoubts | undefined;

  constructor(options: DeliveryOptions) {
    const { link, ledger, pipeline, addresses, ack, retry, counts, events, jobs, trace, log } = options;
    const { clock } = ledger;
    this.addresses = addresses;
    this.clock = clock;
    const ids = new IdSource();
    this.pipeline = pipeline;
    const common = { ...events, jobs, trace, clock, link, pipeline, addresses, ids, retry, counts, log };
    const held = options.gate && openHeld(options.gate, { ...common, messageTtl: retry.settings.messageTtl });
    const gateCopies = held?.copies;
    this.#doubts = held?.doubts;
    const base = { ...common, gate: gateCopies };
    const sessions = new SessionEvents();
    const passthrough = new Passthrough(base);
    this.passthrough = passthrough;
    const { maxStanzaBytes, redeliveryWindow } = options;
    const presence = new PresenceService({
      ...base,
      refuser: passthrough,
      maxStanzaBytes,
      stored: ledger,
      observer: sessions,
      ...options.presence,
    });
    this.presence = presence;

    const { durability = 'memory' } = options;
    const { messageTtl } = retry.settings;
    const notices = new Notices({ addresses, ids, ackFormat: ack.format, durability, messageTtl });
    const noticeOutbox = new NoticeOutbox({ ...base, notices });
    const isShared = () => presence.others > 0;
    this.batches = new AcknowledgementBatches({
      link,
      notices,
      noticeOutbox,
      sessions,
      isShared,
      ...options.batching,
    });
    this.copies = new Copies(base);
    this.outbox = new Outbox({ ...base, copies: this.copies, noticeOutbox });
    this.sequenceGaps = new SequenceGaps(base);
    const { batches, copies, outbox, sequenceGaps } = this;

    const { ping = async () => 'unknown' as const } = options;
    const pings = new SessionPings({ ...base, presence, ping });
    this.pings = pings;
    const settling = options.ping && { caughtUp: (user: string, resource: string) => pings.caughtUp(user, resource) };
    const status = (keys: readonly string[]) => ledger.status(keys);
    // What waits behind what is sent again, if nothing of that is left.
    const goesOn = (user: string) => gateCopies?.isCatchingUp(user) || gateCopies?.caughtUp(user);
    const moot = held && new MootClaims({ ...held, status, clock, onOver: goesOn });
    const ofGate = gateCopies && {
      inDoubt: (user: string, key: string) => held?.doubts.dueOf(user, key),
      onSent: goesOn,
      onMoot: (user: string, missed: Missed) => moot?.note(user, missed),
    };
    this.#windows = new RedeliveryWindows({ ...base, copies, redeliveryWindow, status, ...settling, ...ofGate });
    const windows = this.#windows;
    const isThere = gateCopies && ((user: string) => gateCopies.isThere(user));
    const elsewhere = gateCopies && {
      isElsewhere: ({ token }: Stored) => presence.others > 0 && gateCopies.isElsewhere(token),
      ownerFirst: options.gate?.ownerFirst,
    };
    const asked = gateCopies && new AskedUsers((user) => goesOn(user));
    const whose = { isThere, asked, ...elsewhere };
    this.sessionRedelivery = new SessionRedelivery({ ...base, windows, sessions, pings, ...whose });

    const endings = new Endings({ ...base, copies, batches, noticeOutbox, windows });
    this.endings = endings;
    this.unsendable = new Unsendable({ ...base, outbox, noticeOutbox, endings });
    const unlimited = { limits: NO_LIMITS, memoryUsed: () => undefined, onRefused: () => {} };
    const quotas = new Quotas({ servedDomain: addresses.servedDomain, ...(options.quotas ?? unlimited) });
    this.quotas = quotas;
    const refusals = new Refusals({ ...base, reaches: options.reaches ?? (async () => 'unknown') });
    const receiptSupport = this.#receiptSupport;
    const rooms = { ...base, gate: held?.verdicts, quotas, passthrough, maxStanzaBytes };
    const confirmed =
      options.gate && held && new ConfirmedMessages({ pipeline, gate: options.gate.gate, copies: held.copies });
    const settlement = new Settlement({ ...rooms, copies, receiptSupport, sequenceGaps, endings, confirmed });
    this.messages = new MessageHandler({
      ...rooms,
      acceptance: new Acceptance({ ...rooms, copies, notices, batches }),
      settlement,
      bounces: new Bounces({ ...rooms, endings, refusals }),
    });
    if (options.gate !== undefined && held !== undefined) {
      const { copies: through, messages } = held;
      through.on('handedOver', (batch) => outbox.handedOver(batch));
      through.on('abandoned', (sent) => outbox.abandon(sent));
      through.on('unacknowledged', (record) => {
        const acknowledgement = notices.acknowledgement(record);
        if (acknowledgement !== undefined) link.send(acknowledgement, undefined, 'high', undefined, turnOf(record));
      });
      const { graces, proofCounts, gate } = options.gate;
      const look = (user: string) => this.#review?.look(user);
      const { doubts } = held;
      const receipts = { settlement, endings, receiptSupport, doubts, look };
      const parts = { gate, copies: through, originals: copies, messages, ...receipts };
      this.routedReceipts = new RoutedReceipts({ ...common, ...parts });
      this.#review = new HeldReview({
        ...common,
        gate,
        gateCopies: through,
        messages,
        endings,
        windows,
        graces,
        proofCounts,
        doubted: (user) => held.doubts.due(user),
        onLooked: goesOn,
      });
      const review = this.#review;
      held.doubts.onDue = (user) => review.look(user);
      const isAsked = (user: string) => asked?.has(user) === true || moot?.has(user) === true;
      through.isCatchingUp = (user) => windows.isSending(user) || review.isDue(user) || isAsked(user);
    }
  }

  /** These users (bare JIDs) are forgotten: so is what they wrote or were to get, as far as this process keeps it. */
  forgetUsers(isForgotten: (jid: string) => boolean): void {
    this.forgetMessages(({ sender, recipient }) => isForgotten(sender) || isForgotten(recipient));
  }

  /** The same of these messages. */
  forgetMessages(isOver: (record: StoredRecord) => boolean): void {
    this.#doubts?.forget(isOver);
  }

  /** Redis has lost its data: what was remembered of them counts no more. */
  forgetCached(): void {
    this.#receiptSupport.clear();
    this.presence.ledgerLost();
  }

  /** Looks and sends no more on its own account. */
  close(): void {
    this.batches.close();
    this.outbox.close();
    this.sequenceGaps.close();
    this.pings.close();
    this.#review?.close();
    this.#doubts?.close();
    this.sessionRedelivery.close();
    this.#windows.close();
    this.presence.close();
  }
}

/** What of messages that a gate holds comes before all that is made of it. */
function openHeld(
  { gate, graces, orderWithin }: NonNullable<DeliveryOptions['gate']>,
  common: Pick<DeliveryOptions, 'counts' | 'addresses' | 'log'> & {
    readonly clock: StoreClock;
    readonly trace: MessageTrace | undefined;
    readonly messageTtl: number;
  },
): {
  readonly messages: HeldMessages;
  readonly doubts: ReceiptDoubts;
  readonly copies: GateCopies;
  readonly verdicts: HeldVerdicts;
} {
  const messages = new HeldMessages();
  const doubts = new ReceiptDoubts({ ...common, gate, graces });
  const copies = new GateCopies({ ...common, gate, messages, doubts, graces, orderWithin });
  return { messages, doubts, copies, verdicts: new HeldVerdicts(gate, copies) };
}
