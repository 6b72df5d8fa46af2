import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import type { Route } from '../addressing/address-policy.ts';
import {
  type Clock,
  endIq,
  forgetIq,
  overdueIqs,
  type RelayedIq,
  recordIq,
  type StoreQueue,
  takeIqResponse,
} from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import { type IdSource, isOwnId } from '../xmpp/stanza/ids.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { approximateSize } from '../xmpp/stanza/xml.ts';
import { AccountRequests } from './account-requests.ts';
import { mappedIq } from './mapped-iq.ts';
import { RequesterResponses, type RequesterResponsesOptions } from './requester-responses.ts';

/** What this room counts. */
export interface IqCounts {
  queries: number;
  queriesAnswered: number;
  queriesTimedOut: number;
  repliesLate: number;
  repliesForged: number;
  repliesUnknown: number;
}

export interface RequestRelayOptions extends RequesterResponsesOptions {
  readonly pipeline: StoreQueue;
  readonly refuser: Refuser;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly counts: IqCounts;
  /** How long an answer may take, ms. */
  readonly timeLimit?: number;
  /** For how long the server may say nothing for an account when it has handled a request to it, ms. */
  readonly silence?: number;
}

const TIME_LIMIT = 60_000;
const SILENCE = 8_000;
/** For a process to tell an requester that his time is over, ms; then another does. */
const LEASE = 10_000;
/** How long a taken reply is remembered, ms: longer than a call to Redis is repeated. */
const REMEMBERED = 30_000;
/** A client that has logged in asks for the pictures of all its contacts at once. */
const BOUNDS = { all: 20_000, each: 1000 };
const AT_A_TIME = 200;
/** Bytes of an id: it is kept until the reply comes. Addresses are bounded by their form. */
const LONGEST_ID = 1024;

/**
 * Requests between users (RFC 6120 section 8.2.3) and their replies. The server maps replies by id alone, for all
 * components together, so each goes out under an id of ours; the reply is known by it again, in whichever process.
 */
export class RequestRelay {
  readonly #options: RequestRelayOptions;
  // Names a reply that this process has taken.
  readonly #token = randomBytes(6).toString('base64url');
  #taken = 0;
  readonly #toAccounts = new AccountRequests();
  readonly #responses: RequesterResponses;

  constructor(options: RequestRelayOptions) {
    this.#options = options;
    this.#responses = new RequesterResponses(options);
  }

  /**
   * Sends a user's request on.
   *
   * @throws {TooDeepError} when it is nested too deeply to be carried
   */
  request(element: Element, { from, to }: Route): void {
    const { link, pipeline, refuser, addresses, ids, counts, maxStanzaBytes, timeLimit = TIME_LIMIT } = this.#options;
    const { attrs } = element;
    if (Buffer.byteLength(attrs.id as string) > LONGEST_ID) {
      refuser.refuse(element, { condition: 'policy-violation', text: `An id may have ${LONGEST_ID} bytes` });
      return;
    }
    const id = ids.next();
    const question: RelayedIq = {
      requester: from.bare,
      responder: withResource(to.inner, to.resource),
      // RFC 6120 section 10.3.3: a server answers for its users' bare JIDs, and some do so in their own name.
      substitute: to.resource === '' ? domainOf(to.inner) : undefined,
      proxied: withResource(addresses.seenAs(from, to), from.resource),
      from: attrs.from as string,
      to: attrs.to as string,
      id: attrs.id as string,
    };
    const xml = mappedIq(element, { from, to }, { from: question.proxied, to: question.responder, id }, addresses);
    if (xml.length > maxStanzaBytes) {
      refuser.refuse(element, { condition: 'policy-violation', text: `A stanza may have ${maxStanzaBytes} bytes` });
      return;
    }
    const request = recordIq(id, question, this.#options.clock.now() + timeLimit, BOUNDS);
    const refuse = (text: string) => refuser.refuse({ name: 'iq', attrs }, { condition: 'resource-constraint', text });
    pipeline.push({
      request,
      owner: from.bare,
      bytes: xml.length,
      done: (recorded) => {
        if (!recorded) {
          refuse('Too many requests wait for an answer');
          return;
        }
        counts.queries += 1;
        const held = link.send(xml, undefined, 'normal', undefined, from.bare);
        if (question.substitute === addresses.servedDomain) this.#toAccounts.note(id, question.responder, held);
      },
      withdraw: () => forgetIq(id),
      refuse: () => refuse('Cannot pass requests on now'),
    });
  }

  /** Takes a reply that came to a proxied address. */
  reply(element: Element): void {
    const { pipeline, addresses, refuser, counts } = this.#options;
    const { id = '', from, to } = element.attrs;
    if (!isOwnId(id)) {
      counts.repliesUnknown += 1;
      return;
    }
    const replier = addresses.parse(from as string);
    this.#toAccounts.answered(id);
    this.#taken += 1;
    const token = `${this.#token}${this.#taken.toString(36)}`;
    const asked = addresses.parse(to as string).full;
    const request = takeIqResponse(id, token, replier.full, asked, this.#options.clock.now() + REMEMBERED);
    pipeline.push({
      request,
      owner: replier.returnsKey,
      bytes: approximateSize(element),
      done: (reply) => {
        if (reply.outcome === 'answers') this.#responses.relay(id, element, reply.iq);
        else if (reply.outcome === 'late') counts.repliesLate += 1;
        else counts.repliesForged += 1;
      },
      // Its requester is told when his time is over.
      refuse: () => refuser.drop(),
    });
  }

  /** Tells those whom nobody answered in time. */
  async sweep(): Promise<void> {
    const { pipeline } = this.#options;
    for (;;) {
      const now = this.#options.clock.now();
      const overdue = await pipeline.perform(overdueIqs(now, now + LEASE, AT_A_TIME));
      for (const { id, iq: question } of overdue) this.#responses.timedOut(id, question, 'remote-server-timeout');
      if (overdue.length < AT_A_TIME) return;
    }
  }

  /** Tells those who asked an account for which the server, though it has handled the request, says nothing. */
  async sweepAccounts(): Promise<void> {
    const { pipeline, silence = SILENCE } = this.#options;
    for (const { id, account } of this.#toAccounts.silent(performance.now(), silence)) {
      const question = await pipeline.perform(endIq(id, account, this.#options.clock.now() + LEASE));
      if (question !== undefined) this.#responses.timedOut(id, question, 'service-unavailable');
    }
  }
}

function domainOf(bare: string): string {
  return bare.slice(bare.indexOf('@') + 1);
}
