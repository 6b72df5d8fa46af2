import type { Element } from '@xmpp/xml';
import { MAX_RECEIPTS } from '../../packages/protocol/elements.ts';
import type { AddressPolicy, Route } from '../addressing/address-policy.ts';
import { type Message, readMessage } from '../xmpp/stanza/message.ts';
import { escapeAttribute } from '../xmpp/stanza/xml.ts';
import type { Acceptance } from './acceptance.ts';
import type { Bounces } from './bounces.ts';
import type { HeldVerdicts } from './gate/held-verdicts.ts';
import type { Passthrough } from './passthrough.ts';
import type { Quotas } from './quotas.ts';
import type { Settlement } from './settlement.ts';

export interface MessageHandlerOptions {
  readonly addresses: AddressPolicy;
  readonly acceptance: Acceptance;
  readonly settlement: Settlement;
  readonly bounces: Bounces;
  readonly passthrough: Passthrough;
  readonly quotas: Quotas;
  readonly gate?: HeldVerdicts | undefined;
  readonly maxStanzaBytes: number;
}

/**
 * What one stanza may bring about: what it is answered with, settles and leads to is in proportion to it. A client that
 * takes batches returns up to a hundred receipts at once; nobody marks or quotes more than one message in one.
 */
const MAX_IMPLIED_RECEIPTS = 8;
/** Bytes of an id: it comes back in all that is made of a message. */
const LONGEST_ID = 8192;
/** UTF-16 units of a message's attributes beside its id and addresses: they are kept with the record, which is read for a list without its payload. */
const LONGEST_ATTRIBUTES = 8192;

/** Messages between users: it tells what each is, and hands it on. */
export class MessageHandler {
  readonly #options: MessageHandlerOptions;

  constructor(options: MessageHandlerOptions) {
    this.#options = options;
  }

  /**
   * Takes one message from a user to another.
   *
   * @throws {TooDeepError} when it is nested too deeply to be carried
   */
  take(route: Route, element: Element): void {
    this.#sort(route, readMessage(element, this.#options.addresses.embedded(route)), element);
  }

  /**
   * Takes one message that a gate holds. It gets one verdict, whatever it is: what is not stored passes, as it would without
   * us, but for receipts that we tell ourselves.
   *
   * @throws {TooDeepError} when it is nested too deeply to be stored
   */
  takeHeld(route: Route & { readonly heldAs: string }, element: Element): void {
    const { acceptance, settlement, maxStanzaBytes, gate } = this.#options;
    const message = readMessage(element, { from: route.from, to: route.to });
    const give = (word: 'pass' | 'drop') => gate?.give(word, route.heldAs);
    const { type, tracked, receipts, impliedReceipts, isInformative } = message;
    const isChat = type === 'chat' || type === 'normal';
    if (!isChat || isLarger(message, maxStanzaBytes) || excessOf(message) !== undefined) {
      give('pass');
      return;
    }
    const isReceipt = !tracked && receipts.length > 0 && !isInformative;
    settlement.receipts(route, message, isReceipt ? (notified) => give(notified ? 'drop' : 'pass') : undefined);
    for (const proof of impliedReceipts) settlement.proof(route, proof);
    if (tracked) acceptance.take(route, message, element);
    else if (!isReceipt) give('pass');
  }

  /** Takes what proves that messages arrived from one that goes no further itself. */
  takeProofs(route: Route, element: Element): void {
    const { settlement } = this.#options;
    const message = readMessage(element);
    const receipts = message.receipts.slice(0, MAX_RECEIPTS);
    settlement.receipts(route, { ...message, receipts }, () => {});
    for (const proof of message.impliedReceipts.slice(0, MAX_IMPLIED_RECEIPTS)) settlement.proof(route, proof);
  }

  #sort(route: Route, message: Message, element: Element): void {
    const { acceptance, settlement, bounces, passthrough, maxStanzaBytes } = this.#options;
    if (isLarger(message, maxStanzaBytes)) {
      // An answer has the id too, and must not be larger than what it refuses.
      if (idBytes(message) > maxStanzaBytes) passthrough.drop();
      else
        passthrough.refuse(element, {
          condition: 'policy-violation',
          text: `A stanza may have ${maxStanzaBytes} bytes`,
        });
    } else if (message.type === 'error') {
      bounces.take(route, message, element);
    } else if (message.type === 'groupchat') {
      passthrough.refuse(element, { condition: 'not-acceptable', text: 'Group chats do not pass through here' });
    } else {
      const excess = excessOf(message);
      if (excess !== undefined) {
        // What is within bounds counts all the same: a receipt is not lost for the company that it is in.
        settlement.receipts(route, { ...message, receipts: message.receipts.slice(0, MAX_RECEIPTS) });
        passthrough.refuse(element, { condition: 'policy-violation', text: excess });
        return;
      }
      settlement.receipts(route, message);
      for (const proof of message.impliedReceipts) settlement.proof(route, proof);
      if (message.tracked) acceptance.take(route, message, element);
      // What only went with a receipt would go on as an empty message, which servers store for who is away.
      else if (message.isInformative || message.receipts.length === 0) this.#pass(route, message, element);
    }
  }

  /** What is not stored passes as fast as its sender may send; what came with a receipt is no reason to say anything. */
  #pass(route: Route, message: Message, element: Element): void {
    const { passthrough, quotas } = this.#options;
    if (quotas.isWithinRate(route.from.bare, message.inner.length)) passthrough.pass(route, message);
    else if (message.receipts.length > 0) passthrough.drop();
    else passthrough.refuse(element, quotas.refusal('rate'));
  }
}

/** In which way one stanza would bring about too much, if it would. */
function excessOf(message: Message): string | undefined {
  const { id = '', originId = '', receipts, impliedReceipts, writtenType = '', otherAttributes } = message;
  if (receipts.length > MAX_RECEIPTS) return `At most ${MAX_RECEIPTS} receipts in a message`;
  if (impliedReceipts.length > MAX_IMPLIED_RECEIPTS)
    return `At most ${MAX_IMPLIED_RECEIPTS} markers, replies and reactions in a message`;
  const isLong = (one: string) => one.length > LONGEST_ID / 6 && escapeAttribute(one).length > LONGEST_ID;
  if (isLong(id) || isLong(originId) || receipts.some(isLong)) return `An id may have ${LONGEST_ID} bytes`;
  if (writtenType.length + otherAttributes.length > LONGEST_ATTRIBUTES)
    return `The attributes of a message may have ${LONGEST_ATTRIBUTES} bytes`;
  return undefined;
}

/** What its ids take on the wire, escaped: they come back in what the proxy makes of them. */
function idBytes({ id = '', receipts }: Message): number {
  if (id.length < 64 && receipts.length === 0) return 0;
  let bytes = escapeAttribute(id).length;
  for (const one of receipts) bytes += 40 + escapeAttribute(one).length;
  return bytes;
}

function isLarger(message: Message, limit: number): boolean {
  const { inner, otherAttributes } = message;
  return idBytes(message) + inner.length + otherAttributes.length > limit;
}
