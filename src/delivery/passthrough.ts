import type { AddressPolicy, Route } from '../addressing/address-policy.ts';
import type { StoreQueue } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import { errorStanza, message as messageXml, type StanzaError } from '../xmpp/stanza/build.ts';
import { errorBody, errorBodyFrom } from '../xmpp/stanza/error-body.ts';
import type { Message } from '../xmpp/stanza/message.ts';
import type { Refused, Refuser } from '../xmpp/stanza/request-error.ts';
import type { LinkPort } from './ports.ts';

/** The body of a message that is refused, as XML. */
function bodyOf(refused: Refused): string {
  if ('children' in refused) return errorBody(refused.children);
  if ('body' in refused) return refused.body;
  return 'inner' in refused ? errorBodyFrom(refused.inner) : '';
}

export interface PassthroughOptions {
  readonly link: LinkPort;
  readonly pipeline: StoreQueue;
  readonly addresses: AddressPolicy;
  readonly counts: { passedThrough: number; dropped: number };
  /** A stanza was refused with this condition. */
  readonly onRefused: (condition: string) => void;
  readonly trace?: MessageTrace;
}

/** What happens to stanzas that are not stored: they pass with their addresses mapped, or they are refused. */
export class Passthrough implements Refuser {
  readonly #options: PassthroughOptions;

  constructor(options: PassthroughOptions) {
    this.#options = options;
  }

  /** Sends a message on untracked, as it came but for its addresses and, where given, its children. */
  pass({ from, to }: Route, message: Message, inner: string = message.inner): void {
    const { link, pipeline, counts, addresses, trace } = this.#options;
    const xml = messageXml({
      from: withResource(addresses.seenAs(from, to), from.resource),
      to: withResource(to.inner, to.resource),
      type: message.writtenType,
      id: message.id,
      otherAttributes: message.otherAttributes,
      inner,
    });
    // Through the pipeline, so that it does not overtake what came before it.
    pipeline.push({
      owner: from.bare,
      recipient: to.inner,
      bytes: xml.length,
      done: () => {
        counts.passedThrough += 1;
        trace?.('passed through', { sender: from.bare, recipient: to.inner, senderId: message.id });
        link.send(xml, undefined, 'normal', undefined, from.bare);
      },
    });
  }

  /** Answers a stanza with an error, unless it is one itself: that would begin a loop (RFC 6120 section 8.3.1). */
  refuse(refused: Refused, error: StanzaError): void {
    const { from, to, id, type } = refused.attrs;
    const { addresses, link, onRefused, trace } = this.#options;
    if (type === 'error' || type === 'result' || !from || !to) {
      this.drop();
      return;
    }
    onRefused(error.condition);
    const name = refused.name === 'iq' || refused.name === 'presence' ? refused.name : 'message';
    const body = name === 'message' ? bodyOf(refused) : '';
    if (name === 'message') {
      trace?.('answered with an error', { sender: from, recipient: to, senderId: id }, { why: whyOf(error) });
    }
    const xml = errorStanza(name, from, to, id || undefined, { by: addresses.errorBy, ...error }, body);
    link.send(xml, undefined, 'high', undefined, ownerOf(from));
  }

  /** Nobody is to be told anything about this stanza. */
  drop(): void {
    this.#options.counts.dropped += 1;
  }
}

function whyOf({ condition, text }: StanzaError): string {
  return text === undefined ? condition : `${condition}: ${text}`;
}

/** On whose account an answer is written. */
function ownerOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash === -1 ? jid : jid.slice(0, slash);
}
