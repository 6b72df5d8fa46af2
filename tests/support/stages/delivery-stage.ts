import { SubdomainPolicy } from '../../../src/addressing/subdomain-policy.ts';
import { composeRouter } from '../../../src/app/compose-router.ts';
import type { Counts } from '../../../src/delivery/counts.ts';
import { Delivery, type DeliveryOptions } from '../../../src/delivery/delivery.ts';
import type { LinkPort, ScheduledAttempt, Sent } from '../../../src/delivery/ports.ts';
import type { CommandsPort } from '../../../src/routing/component-service.ts';
import type { Handlers } from '../../../src/routing/ports.ts';
import type { Store, StoredRecord } from '../../../src/store/contract.ts';
import { Pipeline } from '../../../src/store/redis/pipeline.ts';
import { textOf } from '../../../src/util/octets.ts';
import type { CoalescingKey, OutgoingStanza, Priority } from '../../../src/xmpp/connection/outgoing-stanza.ts';
import { opened } from '../process/opened.ts';
import { parseStanza } from '../stanzas/xml.ts';
import { openLedger, RETRY } from '../store/ledger.ts';

const silentLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const DOMAINS = { componentDomain: 'receipts.example.org', servedDomain: 'example.org' };
const SUBDOMAIN = new SubdomainPolicy(DOMAINS);

const noCounts = (): Counts => ({
  accepted: 0,
  duplicates: 0,
  delivered: 0,
  redelivered: 0,
  handedOver: 0,
  rejected: 0,
  expired: 0,
  unconfirmed: 0,
  quarantined: 0,
  lateReceipts: 0,
  repeatedReceipts: 0,
  unmatchedReceipts: 0,
  bouncesTemporary: 0,
  bouncesPermanent: 0,
  evidenceSessionEnded: 0,
  evidenceSessionSilent: 0,
  evidenceBounced: 0,
  evidenceNotStored: 0,
  evidenceGap: 0,
  provedByMarker: 0,
  provedByReply: 0,
  provedByReaction: 0,
  passedThrough: 0,
  dropped: 0,
  presencesRelayed: 0,
  presenceProbes: 0,
  presenceReplies: 0,
  staleSessions: 0,
  setAside: 0,
  gateHeld: 0,
  gateStored: 0,
  gatePassed: 0,
  gateDropped: 0,
  gateLate: 0,
  gateUnheld: 0,
  gateOpened: 0,
  gateOtherEpoch: 0,
  provedBySession: 0,
  provedByRoutedReceipt: 0,
  proofsDoubted: 0,
  receiptsLeftToStore: 0,
  doubtsGivenUp: 0,
});

/** A link without a server: it shows what is written, and hands over when told to. */
class WrittenLink implements LinkPort {
  #written: OutgoingStanza<Sent>[] = [];
  readonly #taken: OutgoingStanza<Sent>[] = [];

  send(xml: string, tag?: Sent, priority: Priority = 'normal', key?: CoalescingKey): OutgoingStanza<Sent> {
    const held = { xml: textOf(xml), tag, done: false, priority, key };
    this.#written.push(held);
    return held;
  }

  /** What was written since the last look. */
  take(): OutgoingStanza<Sent>[] {
    const written = this.#written.splice(0);
    this.#taken.push(...written);
    return written;
  }

  /** The server proves to have handled all that was taken; of those with a tag, `receipts` is told by the test. */
  handOver(): void {
    for (const held of this.#taken.splice(0)) if (held.tag === undefined) held.done = true;
  }
}

type StageOptions = Partial<DeliveryOptions> & { readonly pipelineTimeout?: number; readonly commands?: CommandsPort };

/** The receipts room with a real ledger, and nothing else of the house: stanzas in, stanzas out. */
export function openDeliveryStage(url: string, options: StageOptions = {}) {
  return stageOn(openLedger(url), options);
}

/** The same on another store. */
export function stageOn<Opened extends { readonly ledger: Store; close(): void }>(
  own: Opened,
  { pipelineTimeout, commands, ...options }: StageOptions = {},
) {
  const link = new WrittenLink();
  const counts = noCounts();
  const refused: string[] = [];
  const troubled: ScheduledAttempt[] = [];
  const ended: [StoredRecord, string][] = [];
  const pipeline = new Pipeline(options.ledger ?? own.ledger, {
    log: options.log ?? silentLog,
    onFailing: (failing) => receipts.presence.redis(failing),
    onSetAside: () => {
      counts.setAside += 1;
    },
    ...(pipelineTimeout !== undefined && { timeout: pipelineTimeout }),
  });
  const receipts: Delivery = new Delivery({
    link,
    ledger: own.ledger,
    pipeline,
    addresses: SUBDOMAIN,
    ack: { format: 'receipt' },
    retry: RETRY,
    redeliveryWindow: 32,
    maxStanzaBytes: 10_000,
    counts,
    events: {
      onStored: () => {},
      onDelivered: () => {},
      onRefused: (condition) => refused.push(condition),
    },
    jobs: {
      attemptScheduled: (one) => troubled.push(one),
      attemptOver: (record) => ended.push([record, record.state]),
      putDeadLetter: async () => {},
      removeDeadLetter: () => {},
      putStanza: async () => {},
    },
    log: silentLog,
    ...options,
  });
  const { addresses, passthrough } = receipts;
  const outside = options.link ?? link;
  const parts = {
    addresses,
    link: outside,
    delivery: receipts,
    ledger: own.ledger,
    commands,
    version: '0',
    log: silentLog,
  };
  // As the whole proxy has it, or without the room for requests between users.
  const route = (iq: Handlers['iq']) => composeRouter({ ...parts, iq });
  const router = route({
    request: (_, element) => passthrough.refuse(element, { condition: 'service-unavailable' }),
    reply: () => passthrough.drop(),
  });
  let held: OutgoingStanza<Sent>[] = [];
  let closed = false;
  const close = () => {
    closed = true;
    noLongerOpen();
    receipts.close();
    receipts.pipeline.close();
    own.close();
  };
  const noLongerOpen = opened('a room', close);

  return {
    ...own,
    receipts,
    router,
    route,
    link,
    counts,
    refused,
    troubled,
    ended,
    close,
    /** The server gives the proxy these stanzas, in one turn; what the proxy then writes, in order, ids of its own as `…`. */
    async given(...stanzas: string[]): Promise<string[]> {
      for (const stanza of stanzas) router.stanza(parseStanza(stanza));
      await receipts.pipeline.drained();
      held = link.take();
      return held.map(({ xml }) => xml.replace(/ofr-[\w-]+/g, '…'));
    },
    /** The answer to a question, among whatever else is written. */
    async answersTo(question: string): Promise<string> {
      router.stanza(parseStanza(question));
      while (!closed) {
        const answer = link.take().find(({ xml }) => xml.startsWith('<iq'));
        if (answer !== undefined) return answer.xml;
        await new Promise((resolve) => setImmediate(resolve));
      }
      throw new Error('The room was closed');
    },
    /** The server proves that it has handled what was written last. */
    async handsOver(): Promise<void> {
      receipts.outbox.handedOver(held.flatMap(({ tag, done }) => (tag === undefined || done ? [] : [tag])));
      await receipts.pipeline.drained();
    },
    /** What was written last. */
    held: () => held,
    written: () => link.take().map(({ xml }) => xml.replace(/ofr-[\w-]+/g, '…')),
  };
}
