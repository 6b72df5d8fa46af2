import type { Element } from '@xmpp/xml';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { LinkPort } from '../delivery/ports.ts';
import { forgetIq, type RelayedIq, type StoreQueue } from '../store/contract.ts';
import { errorStanza } from '../xmpp/stanza/build.ts';
import type { Condition } from '../xmpp/stanza/error-conditions.ts';
import { TooDeepError } from '../xmpp/stanza/xml.ts';
import { mappedIq } from './mapped-iq.ts';

export interface RequesterResponsesOptions {
  readonly link: LinkPort;
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly addresses: AddressPolicy;
  readonly counts: { queriesAnswered: number; queriesTimedOut: number };
  readonly maxStanzaBytes: number;
  readonly log: { warn(fields: object, message: string): void };
}

/** What a requester gets for a request that was taken from the store: the reply, or an error; always one of them. */
export class RequesterResponses {
  readonly #options: RequesterResponsesOptions;

  constructor(options: RequesterResponsesOptions) {
    this.#options = options;
  }

  /** Passes a reply on; one that is too large or too deep becomes an error. */
  relay(id: string, element: Element, question: RelayedIq): void {
    const { link, pipeline, counts, log, maxStanzaBytes } = this.#options;
    counts.queriesAnswered += 1;
    pipeline.push({ request: forgetIq(id), done: () => {} });
    try {
      const xml = this.#mapped(element, question);
      if (xml.length <= maxStanzaBytes) link.send(xml, undefined, 'normal', undefined, question.requester);
      else this.#error(question, 'policy-violation');
    } catch (error) {
      if (!(error instanceof TooDeepError)) log.warn({ err: error }, 'A reply could not be passed on');
      this.#error(question, error instanceof TooDeepError ? 'policy-violation' : 'internal-server-error');
    }
  }

  /** Nobody has answered in time. */
  timedOut(id: string, question: RelayedIq, condition: Condition): void {
    const { pipeline, counts } = this.#options;
    counts.queriesTimedOut += 1;
    this.#error(question, condition);
    pipeline.push({ request: forgetIq(id), done: () => {} });
  }

  #error({ from, to, id }: RelayedIq, condition: Condition): void {
    const by = this.#options.addresses.errorBy;
    this.#options.link.send(errorStanza('iq', from, to, id, { condition, by }));
  }

  #mapped(element: Element, { responder, proxied, from, to, id }: RelayedIq): string {
    const { addresses } = this.#options;
    // From the one who was asked, also when his server has answered for him.
    const route = { from: addresses.parse(responder), to: addresses.parse(proxied) };
    return mappedIq(element, route, { from: to, to: from, id }, addresses);
  }
}
