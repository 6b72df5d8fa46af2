import type { Element } from '@xmpp/xml';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { LinkPort } from '../delivery/ports.ts';
import { iq } from '../xmpp/stanza/build.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { readError } from '../xmpp/stanza/stanza-error.ts';

export interface RequesterOptions {
  readonly link: LinkPort;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  /** How long an answer may take, ms. */
  readonly timeLimit?: number;
}

const TIME_LIMIT = 15_000;
const MOST = 1000;

/** A question of ours that got no answer. */
export class UnansweredError extends Error {
  /** @param reason the condition of the error that came instead, `timeout`, `unhandled` (by the server, in that time), `busy` or `stopped` */
  constructor(readonly reason: string) {
    super(`No answer: ${reason}`);
    this.name = 'UnansweredError';
  }
}

/** Of an unanswered ping: clients make other errors only, servers the first for a session that is gone (RFC 6121 8.5.3.2.3). */
const MEANING: Readonly<Record<string, 'refused' | 'gone' | 'silent' | 'unknown'>> = {
  'service-unavailable': 'refused',
  'recipient-unavailable': 'gone',
  'item-not-found': 'gone',
  gone: 'gone',
  'remote-server-not-found': 'gone',
  'remote-server-timeout': 'gone',
  timeout: 'silent',
  // The server has not had it yet, so that its session has not either.
  unhandled: 'unknown',
  busy: 'unknown',
  stopped: 'unknown',
};

const UNANSWERED: ReadonlySet<string> = new Set(['timeout', 'unhandled']);

interface Waiting {
  readonly from: string;
  readonly to: string;
  readonly settle: (outcome: Element | UnansweredError) => void;
}

/** What a reply, to whatever question, says of a session: see {@link Requester.ping}. */
export function sessionEvidence(reply: Element): 'answered' | 'refused' | 'gone' | 'silent' | 'unknown' {
  return reply.attrs.type === 'result' ? 'answered' : (MEANING[readError(reply).condition] ?? 'answered');
}

/** The proxy's own questions, from the component's domain. They live and end with the process. */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: RequesterOptions) {
    this.#options = options;
  }

  /**
   * Asks a client, or tells it something that it has to answer for. The reply may come to another process that shares the domain: then this one has none.
   *
   * @param to a served JID
   * @param payload the request's one child, as XML
   * @param from the component's domain, or a proxied address
   * @returns the whole result
   * @throws {UnansweredError}
   */
  async request(
    to: string,
    payload: string,
    type: 'get' | 'set' = 'get',
    priority: 'high' | 'normal' = 'normal',
    from: string = this.#options.addresses.componentDomain,
  ): Promise<Element> {
    const { link, addresses, ids, timeLimit = TIME_LIMIT } = this.#options;
    if (this.#waiting.size >= MOST) throw new UnansweredError('busy');
    const id = ids.next();
    const { full, bare } = addresses.parse(to);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle(new UnansweredError(held.done ? 'timeout' : 'unhandled')),
        timeLimit,
      ).unref();
      const settle = (outcome: Element | UnansweredError) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        // Should it still wait in the link, nobody waits for it.
        held.done = true;
        if (outcome instanceof UnansweredError) reject(outcome);
        else resolve(outcome);
      };
      this.#waiting.set(id, { from, to: full, settle });
      const held = link.send(
        iq({ from, to: full, type, id, otherAttributes: '', inner: payload }),
        undefined,
        priority,
        undefined,
        bare,
      );
      // The link holds as much as it may, and has dropped it.
      if (held.done) settle(new UnansweredError('busy'));
    });
  }

  /** Tells a client something that is urgent, and whether it took it. Never rejects. */
  notify(to: string, payload: string): Promise<'taken' | 'refused' | 'silent'> {
    return this.request(to, payload, 'set', 'high').then(
      () => 'taken',
      (error: unknown) => (error instanceof UnansweredError && UNANSWERED.has(error.reason) ? 'silent' : 'refused'),
    );
  }

  /**
   * Asks a session whether it is there (XEP-0199): `answered`, whatever it said, by an error too; `refused` is an error that
   * a server may have made for a session that is gone, or a client that knows no pings. `unknown`: it was not asked.
   */
  ping(to: string): Promise<'answered' | 'refused' | 'gone' | 'silent' | 'unknown'> {
    return this.request(to, `<ping xmlns="${NS.ping}"/>`, 'get', 'high').then(
      () => 'answered',
      (error: unknown) => {
        if (!(error instanceof UnansweredError)) return 'unknown';
        return MEANING[error.reason] ?? 'answered';
      },
    );
  }

  /** See Refusals: whether a server lets a request from an address of ours through to its user, in whose place it answers. */
  reaches(from: string, to: string): Promise<'answered' | 'refused' | 'unknown'> {
    return this.request(to, `<ping xmlns="${NS.ping}"/>`, 'get', 'normal', from).then(
      () => 'answered',
      (error: unknown) =>
        error instanceof UnansweredError && error.reason === 'service-unavailable' ? 'refused' : 'unknown',
    );
  }

  /** Whether a reply is to a question of ours, whatever address that came from. */
  awaits(id: string | undefined): boolean {
    return id !== undefined && this.#waiting.has(id);
  }

  /** Takes a reply that came to the component, or to a proxied address that it asked from; gives what it met. */
  reply(element: Element): 'answers' | 'forged' | 'late' {
    const { id = '', from, to, type } = element.attrs;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return 'late';
    const { addresses } = this.#options;
    if (addresses.parse(from as string).full !== waiting.to || addresses.parse(to as string).full !== waiting.from) {
      return 'forged';
    }
    waiting.settle(type === 'result' ? element : new UnansweredError(readError(element).condition));
    return 'answers';
  }

  /** Ends all that wait. */
  stop(): void {
    for (const { settle } of [...this.#waiting.values()]) settle(new UnansweredError('stopped'));
  }
}
