import type { Element } from '@xmpp/xml';
import type { Address, AddressPolicy, Route } from '../addressing/address-policy.ts';
import type { LinkPort } from '../delivery/ports.ts';
import type { Quotas } from '../delivery/quotas.ts';
import type { Clock, StoreQueue } from '../store/contract.ts';
import { IdSource } from '../xmpp/stanza/ids.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { approximateSize } from '../xmpp/stanza/xml.ts';
import type { Capabilities } from './capabilities.ts';
import { type IqCounts, RequestRelay } from './request-relay.ts';
import { type Requester, sessionEvidence } from './requester.ts';

/** Times that tests shorten, ms. */
export interface IqTiming {
  /** How long an answer may take. */
  readonly timeLimit?: number;
  /** How often it is looked for those who have waited in vain. */
  readonly overdueEvery?: number;
  /** For how long the server may say nothing for an account when it has handled a request to it. */
  readonly silence?: number;
  /** How often it is looked for such requests, in this process' memory. */
  readonly silentEvery?: number;
}

export interface IqServiceOptions extends IqTiming {
  readonly requester: Requester;
  readonly capabilities: Capabilities;
  readonly addresses: AddressPolicy;
  readonly pipeline: StoreQueue;
  readonly refuser: Refuser;
  readonly clock: Clock;
  readonly quotas: Quotas;
  readonly link: LinkPort;
  readonly counts: IqCounts;
  readonly maxStanzaBytes: number;
  readonly log: { warn(fields: object, message: string): void };
  /**
   * An answer came to the component that this process does not wait for, or not any more: its sender is there.
   * `doubtful`: unless his server has answered in a gone session's stead.
   */
  readonly onUnmatchedReply?: (from: Address, doubtful: boolean) => void;
}

/**
 * A request counts by so much less than a message of its size: files go through them (XEP-0047), a block of some KiB each,
 * and one that is refused ends the file. How many of one user wait at a time is bounded apart from that.
 */
const FILES = 16;
const OVERDUE_EVERY = 5_000;
const SILENT_EVERY = 1_000;

/** IQ stanzas between users, and replies to those and to the component's own requests. */
export class IqService {
  readonly requester: Requester;
  readonly capabilities: Capabilities;
  readonly #options: IqServiceOptions;
  readonly #relay: RequestRelay;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #sweeping = new Set<string>();

  constructor(options: IqServiceOptions) {
    this.#options = options;
    const { link, addresses, pipeline, refuser, clock, counts, maxStanzaBytes, log, timeLimit, silence } = options;
    const { overdueEvery = OVERDUE_EVERY, silentEvery = SILENT_EVERY } = options;
    const base = {
      link,
      addresses,
      pipeline,
      refuser,
      clock,
      ids: new IdSource(),
      counts,
      maxStanzaBytes,
      log,
      ...(timeLimit !== undefined && { timeLimit }),
      ...(silence !== undefined && { silence }),
    };
    this.#relay = new RequestRelay(base);
    this.requester = options.requester;
    this.capabilities = options.capabilities;
    this.#timers = [
      setInterval(() => void this.#sweep('sweep'), overdueEvery).unref(),
      setInterval(() => void this.#sweep('sweepAccounts'), silentEvery).unref(),
    ];
  }

  /**
   * Takes a well-formed request from a user to another.
   *
   * @throws {TooDeepError} when it is nested too deeply to be carried
   */
  request(route: Route, element: Element): void {
    const { quotas, refuser } = this.#options;
    if (quotas.isWithinRate(route.from.bare, approximateSize(element) / FILES)) this.#relay.request(element, route);
    else refuser.refuse(element, quotas.refusal('rate'));
  }

  /** Takes a result or an error, to whomever. */
  reply(element: Element, to: Address): void {
    const { counts, addresses, refuser, onUnmatchedReply } = this.#options;
    if (addresses.isOuter(to) && !this.requester.awaits(element.attrs.id)) this.#relay.reply(element);
    else if (!addresses.isComponent(to) && !addresses.isOuter(to)) refuser.drop();
    else {
      const outcome = this.requester.reply(element);
      if (outcome === 'forged') counts.repliesForged += 1;
      else if (outcome === 'late') {
        counts.repliesLate += 1;
        this.capabilities.learnFrom(element);
        const says = sessionEvidence(element);
        if (says === 'answered' || says === 'refused') {
          const replier = addresses.parse(element.attrs.from as string);
          if (addresses.isServed(replier)) onUnmatchedReply?.(replier, says === 'refused');
        }
      }
    }
  }

  /** Asks nothing more, and ends what waits in this process. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.requester.stop();
  }

  async #sweep(which: 'sweep' | 'sweepAccounts'): Promise<void> {
    if (this.#sweeping.has(which)) return;
    this.#sweeping.add(which);
    // Should Redis not answer, the next `sweep` finds the same, and those to accounts in the end as well.
    await this.#relay[which]().catch(() => {});
    this.#sweeping.delete(which);
  }
}
