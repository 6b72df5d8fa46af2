import type { Element } from '@xmpp/xml';
import type { Route } from '../addressing/address-policy.ts';
import {
  accept,
  type Clock,
  isTaken,
  type QuotaCheck,
  type QuotaReason,
  readdress,
  type StoredRecord,
  type StoreQueue,
  sizeOf,
  tokenOfHeld,
  withdraw,
} from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { type StanzaError, withReceiptRequest } from '../xmpp/stanza/build.ts';
import { errorBody } from '../xmpp/stanza/error-body.ts';
import { type IdSource, isUniqueId } from '../xmpp/stanza/ids.ts';
import type { Message } from '../xmpp/stanza/message.ts';
import { payloadDigest, recordKey, wireIdOf } from '../xmpp/stanza/message-key.ts';
import type { Refused } from '../xmpp/stanza/request-error.ts';
import { flattened } from '../xmpp/stanza/xml.ts';
import type { AcknowledgementBatches } from './acknowledgement-batches.ts';
import type { Copies } from './copies.ts';
import type { HeldVerdicts } from './gate/held-verdicts.ts';
import { type Notices, turnOf } from './notices.ts';
import type { Passthrough } from './passthrough.ts';
import type { LinkPort } from './ports.ts';
import type { Quotas } from './quotas.ts';

export interface AcceptanceOptions {
  readonly link: LinkPort;
  readonly pipeline: StoreQueue;
  readonly copies: Pick<Copies, 'forward' | 'recordUnheld' | 'readdress'>;
  readonly notices: Notices;
  readonly batches: AcknowledgementBatches;
  readonly passthrough: Passthrough;
  readonly quotas: Quotas;
  /** Where a gate holds originals: what it is told of them, and how what is said in contacts' names goes. */
  readonly gate?: HeldVerdicts | undefined;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly counts: { accepted: number; duplicates: number };
  readonly trace?: MessageTrace;
  /** ms from a message's arrival to its being stored. */
  readonly onStored: (ms: number) => void;
}

/** What an answer says, about which message and to which session: one that waits to be written stands for all such. */
const answerKey = (what: string, { key, senderId, senderResource }: StoredRecord) =>
  `${what} ${key} ${senderId} ${senderResource}`;

/** A message that is to be stored. Of its element not all, which would hold the message once more while it waits. */
interface Arrived extends Pick<Element, 'name' | 'attrs'> {
  readonly key: string;
  /** The id that its recipient sees. */
  readonly wireId: string;
  readonly bytes: number;
  readonly quota: QuotaCheck | undefined;
}

const NOT_NOW: StanzaError = { condition: 'resource-constraint', text: 'Cannot store messages now' };

/** A message that bears content: it is stored, then acknowledged, then forwarded. */
export class Acceptance {
  readonly #options: AcceptanceOptions;

  constructor(options: AcceptanceOptions) {
    this.#options = options;
  }

  take(route: Route, message: Message, element: Element): void {
    const { name, attrs } = element;
    const { ids, quotas } = this.#options;
    const { from, to } = route;
    const wireId = message.id ?? message.originId ?? ids.next();
    const key = recordKey(from.bare, to.inner, message.originId ?? wireId);
    const bytes = sizeOf({
      inner: message.inner,
      sender: from.bare,
      senderResource: from.resource,
      recipient: to.inner,
      recipientResource: to.resource,
      wireId,
      otherAttributes: message.otherAttributes,
    });
    const arrived: Arrived = { name, attrs, key, wireId, bytes, quota: quotas.check(from.bare, to.inner, bytes) };
    if (arrived.quota?.refuse === undefined) this.#store(route, message, arrived);
    else this.#refuseUnlessTaken(route, message, arrived, { name, attrs, body: errorBody(element.children) });
  }

  /** A sender over his rate is refused at a fraction of what storing costs: others wait for what is done for him. */
  #refuseUnlessTaken(route: Route, message: Message, arrived: Arrived, refused: Refused): void {
    const { key, bytes, quota } = arrived;
    this.#options.pipeline.push({
      request: isTaken(key),
      owner: route.from.bare,
      bytes,
      done: (isKnown) => {
        if (isKnown) this.#store(route, message, arrived);
        else this.#refuse(route, refused, quota?.refuse);
      },
      refuse: () => this.#refuse(route, refused),
    });
  }

  /** @param reason why it is not stored; by default that Redis did not take it in time */
  #refuse({ from, to, heldAs }: Route, refused: Refused, reason?: QuotaReason): void {
    const { passthrough, quotas, gate, trace } = this.#options;
    if (heldAs !== undefined) {
      gate?.give('pass', heldAs);
      gate?.notePassed(from.bare, to.inner, refused.attrs.id);
      return;
    }
    const why = reason === undefined ? 'Redis did not take it in time' : `over a limit: ${reason}`;
    trace?.('refused', { sender: from.bare, recipient: to.inner, senderId: refused.attrs.id }, { why });
    passthrough.refuse(refused, reason === undefined ? NOT_NOW : quotas.refusal(reason));
  }

  #store(route: Route, message: Message, arrived: Arrived): void {
    const { pipeline, ids, counts, notices, batches, copies, link, quotas, onStored, clock, trace, gate } =
      this.#options;
    const { from, to, heldAs } = route;
    const { id, originId, asksReceipt, acceptsBatches } = message;
    const { name, attrs, key, wireId, bytes, quota } = arrived;
    const recipient = to.inner;
    const arrivedAt = clock.now();
    const hasAlias = originId !== undefined && originId !== wireId;
    const alias = hasAlias ? recordKey(from.bare, recipient, wireId) : '';
    const target = message.target === undefined ? '' : recordKey(from.bare, recipient, message.target);
    // In one literal: this is made for every message, and an object that grows by spreading is dear to make.
    const record: StoredRecord = {
      key,
      target: undefined,
      state: 'pending',
      attempt: 1,
      copies: 0,
      copyOut: false,
      bounced: false,
      senderAway: false,
      sender: from.bare,
      senderResource: from.resource,
      recipient,
      recipientResource: to.resource,
      wireId,
      senderId: id,
      owesReceipt: asksReceipt && id !== undefined,
      type: message.writtenType,
      otherAttributes: message.otherAttributes,
      // The original has left without a request that its sender did not make: its copies are no other message.
      inner: flattened(heldAs === undefined ? withReceiptRequest(message.inner, asksReceipt) : message.inner),
      heldAs,
      firstStoredAt: arrivedAt,
      storedAt: arrivedAt,
      settledAt: undefined,
      receiptResource: '',
      condition: undefined,
      conditionType: undefined,
      conditionText: undefined,
    };
    const digest = payloadDigest(message.payload);
    const token = heldAs === undefined ? ids.next() : tokenOfHeld(heldAs);
    const request = accept({
      key,
      message: record,
      storedAt: arrivedAt,
      digest,
      token,
      // One that we have made up is nobody's to use again.
      countable: originId === undefined && id !== undefined && !isUniqueId(id),
      alias,
      originId: hasAlias ? originId : undefined,
      target,
      quota,
    });
    pipeline.push({
      request,
      owner: from.bare,
      bytes,
      done: (accepted) => {
        if (accepted.taken !== undefined) quotas.recordUsage(from.bare, recipient, accepted.taken);
        // It was late, and the server has let the message go: for its sender it is as if we had never seen it.
        if (heldAs !== undefined && gate?.isOpen(heldAs) === false) {
          if (accepted.outcome === 'stored') pipeline.push({ request: withdraw(key, token), done: () => {} });
          gate.notePassed(from.bare, recipient, id);
          return;
        }
        if (accepted.outcome === 'refused') {
          this.#refuse(route, { name, attrs, inner: record.inner }, accepted.reason);
          return;
        }
        if (accepted.outcome === 'known') {
          if (asksReceipt) batches.recordSupport(from.full, acceptsBatches);
          if (heldAs !== undefined) gate?.give('drop', heldAs);
          this.#duplicate(accepted.record, record);
          return;
        }
        const stored =
          accepted.key === key && accepted.target === undefined
            ? record
            : {
                ...record,
                key: accepted.key,
                target: accepted.target,
                wireId: wireIdOf(accepted.key, wireId, originId),
              };
        counts.accepted += 1;
        trace?.('accepted', stored);
        onStored(clock.now() - arrivedAt);
        const unheldTo = heldAs === undefined ? undefined : gate?.unheldTo(from.bare, recipient, id);
        let byGate = false;
        if (batches.stored(stored, acceptsBatches)) trace?.('acknowledged', stored, { why: 'with others, in a batch' });
        else if (heldAs !== undefined && unheldTo === undefined && gate?.acknowledges(recipient) === true) {
          byGate = notices.acknowledges(stored);
          if (byGate) trace?.('acknowledged', stored, { why: 'by the gate, with its verdict' });
        } else {
          const acknowledgement = notices.acknowledgement(stored);
          if (acknowledgement !== undefined) {
            link.send(acknowledgement, undefined, 'high', () => answerKey('stored', stored), turnOf(stored));
            trace?.('acknowledged', stored);
          }
        }
        // The first word to a session does not wait for others.
        if (asksReceipt) batches.recordSupport(from.full, acceptsBatches);
        if (heldAs !== undefined && unheldTo !== undefined) {
          // Its recipient was given it by the server: it is not sent to him again now, and may be confirmed.
          gate?.give('drop', heldAs);
          copies.recordUnheld(stored, unheldTo.sessions);
        } else copies.forward(stored, byGate);
      },
      withdraw: () => withdraw(key, token),
      refuse: () => this.#refuse(route, { name, attrs, inner: record.inner }),
    });
  }

  /** A resend: what is known is said again, to where the resend came from; nothing is forwarded. */
  #duplicate(known: StoredRecord, resend: StoredRecord): void {
    const { counts, notices, link, pipeline, copies, trace } = this.#options;
    const { senderResource, senderId, owesReceipt } = resend;
    counts.duplicates += 1;
    trace?.('duplicate', resend, { why: `it is known, and ${known.state}` });
    const about = { ...known, senderResource, senderId, owesReceipt, inner: resend.inner };
    const [stored, ended] = [notices.acknowledgement(about), notices.ending(about)];
    // A sender who is in a hurry while the server is not gets one answer, and not one for each resend.
    if (stored !== undefined) link.send(stored, undefined, 'high', answerKey('stored', about), turnOf(about));
    if (ended !== undefined && notices.isInContactsName(known)) this.#options.gate?.tell(ended);
    else if (ended !== undefined) link.send(ended, undefined, 'high', answerKey(known.state, about), turnOf(about));
    const moved = known.senderResource !== senderResource || known.senderId !== senderId;
    if (known.state === 'pending' && (moved || (owesReceipt && !known.owesReceipt))) {
      copies.readdress(known.key, senderResource, senderId, owesReceipt);
      pipeline.push({ request: readdress(known.key, senderResource, senderId, owesReceipt), done: () => {} });
    }
  }
}
