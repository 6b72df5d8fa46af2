import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import type { Config } from '../config/config.ts';
import { LinkProblem } from '../xmpp/connection/link-problem.ts';
import { Stream } from '../xmpp/connection/stream.ts';
import { errorStanza, iq, iqResult } from '../xmpp/stanza/build.ts';
import { errorBody } from '../xmpp/stanza/error-body.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { patient } from './patience.ts';

/** How long the server may take, ms: to connect, for the header and the handshake each, and for an answer. */
const TIMES = { connect: 5000, handshake: 5000, answer: 3000 };

const IDENTITY = `<query xmlns="${NS.discoInfo}"><identity category="component" type="generic" name="Set-up check"/><feature var="${NS.discoInfo}"/></query>`;
const BUSY = { condition: 'recipient-unavailable', type: 'wait', text: 'Only a check of the set-up is here' } as const;

/** A component's connection for a few questions. What is sent to it meanwhile is answered with an error, never swallowed. */
export class Questions {
  readonly domain: string;
  readonly #stream: Stream;
  readonly #waiting = new Map<string, (answer: Element | 'itself') => void>();

  private constructor(domain: string, xmpp: Config['xmpp']) {
    this.domain = domain;
    const { service, tlsCa, componentSecret, servedDomain } = xmpp;
    this.#stream = new Stream(
      {
        service,
        tlsCa,
        domain,
        secret: componentSecret,
        serverDomain: servedDomain,
        connectTimeout: patient(TIMES.connect),
        handshakeTimeout: patient(TIMES.handshake),
        limits: { maxBytes: 10 << 20, maxDepth: 200 },
        alone: true,
      },
      { stanza: (element) => this.#stanza(element), oversized: () => {}, drain: () => {} },
    );
  }

  /** Connects as the component `domain`, unless somebody else does already: gives why not. */
  static async open(domain: string, xmpp: Config['xmpp']): Promise<Questions | LinkProblem> {
    const questions = new Questions(domain, xmpp);
    try {
      await questions.#stream.connect();
      return questions;
    } catch (error) {
      if (error instanceof LinkProblem) return error;
      throw error;
    }
  }

  /**
   * Asks by an IQ get.
   *
   * @returns the answer, a result or an error; `itself` when the question has come here; undefined when nothing came in time
   */
  ask(to: string, inner: string): Promise<Element | 'itself' | undefined> {
    const id = `check-${randomBytes(9).toString('base64url')}`;
    return new Promise((resolve) => {
      const timer = setTimeout(settle, patient(TIMES.answer), undefined);
      const waiting = this.#waiting;
      function settle(answer: Element | 'itself' | undefined) {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(answer);
      }
      waiting.set(id, settle);
      this.#stream.write(iq({ from: this.domain, to, type: 'get', id, otherAttributes: '', inner }));
    });
  }

  async close(): Promise<void> {
    await this.#stream.close(1000);
  }

  #stanza(element: Element): void {
    const { id = '', type, from, to } = element.attrs;
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined && element.name === 'iq') {
      waiting(type === 'get' ? 'itself' : element);
      return;
    }
    if (!from || !to || type === 'error' || type === 'result' || element.name === 'presence') return;
    if (element.name === 'iq' && element.getChild('query', NS.discoInfo)) {
      this.#stream.write(iqResult(from, to, id, IDENTITY));
      return;
    }
    const name = element.name === 'iq' ? 'iq' : 'message';
    const body = name === 'message' ? errorBody(element.children) : '';
    this.#stream.write(errorStanza(name, from, to, id === '' ? undefined : id, BUSY, body));
  }
}
