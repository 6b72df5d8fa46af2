import type { Element } from '@xmpp/xml';
import type { StanzaError } from './build.ts';

/** Thrown for a question that gets an error instead of an answer; whoever took the question sends it. */
export class RequestError extends Error {
  constructor(readonly error: StanzaError) {
    super(error.text ?? error.condition);
    this.name = 'RequestError';
  }
}

/** What an answer to a stanza needs of it; of a message, its children too, what is left of them as XML, or its errorBody(). */
export type Refused = Pick<Element, 'attrs'> &
  (
    | { readonly name: string; readonly children: Element['children'] }
    | { readonly name: string; readonly inner: string }
    | { readonly name: string; readonly body: string }
    | { readonly name: 'iq' | 'presence' }
  );

/** What happens to stanzas that go no further. */
export interface Refuser {
  /** Answers a stanza with an error, unless it is one itself: that would begin a loop (RFC 6120 section 8.3.1). */
  refuse(refused: Refused, error: StanzaError): void;
  /** Nobody is to be told anything about this stanza. */
  drop(): void;
}
