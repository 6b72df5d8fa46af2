import type { Element } from '@xmpp/xml';
import type { Address, AddressPolicy } from '../addressing/address-policy.ts';
import type { LinkPort } from '../delivery/ports.ts';
import type { Quotas } from '../delivery/quotas.ts';
import type { Clock, StoreQueue } from '../store/contract.ts';
import { MalformedAddressError } from '../xmpp/stanza/address.ts';
import { IdSource } from '../xmpp/stanza/ids.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { namespaceOf, TooDeepError } from '../xmpp/stanza/xml.ts';
import { Capabilities } from './capabilities.ts';
import { approximateSize, type IqCounts, RequestRelay } from './request-relay.ts';
import { Requester, sessionEvidence } from './requester.ts';

/** A roster push or removal that the server sends on a user's behalf (RFC 6121 section 2.1.6). */
type OnRosterSet = (from: Address, to: Address, element: Element) => void;

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
  readonly addresses: AddressPolicy;
  readonly pipeline: StoreQueue;
  readonly refuser: Refuser;
  readonly clock: Clock;
  readonly quotas: Quotas;
  /** Answers what is asked of the component itself. */
  readonly toComponent: (element: Element) => void;
  readonly link: LinkPort;
  readonly counts: IqCounts;
  readonly maxStanzaBytes: number;
  readonly log: { warn(fields: object, message: string): void };
  /**
   * An answer came to the component that this process does not wait for, or not any more: its sender is there.
   * `doubtful`: unless his server has answered in a gone session's stead.
   */
  readonly onUnmatchedReply?: (from: Address, doubtful: boolean) => void;
  /** Answers them; without it they are refused. */
  readonly onRosterSet?: OnRosterSet;
}

/**
 * A request counts by so much less than a message of its size: files go through them (XEP-0047), a block of some KiB each,
 * and one that is refused ends the file. How many of one user wait at a time is bounded apart from that.
 */
const FILES = 16;
const OVERDUE_EVERY = 5_000;
const SILENT_EVERY = 1_000;

/** Where every IQ stanza comes in: between users, to the component, and in reply to either. */
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
    this.requester = new Requester(base);
    this.capabilities = new Capabilities({ requester: this.requester, pipeline });
    this.#timers = [
      setInterval(() => void this.#sweep('sweep'), overdueEvery).unref(),
      setInterval(() => void this.#sweep('sweepAccounts'), silentEvery).unref(),
    ];
  }

  /** Takes one IQ stanza. Never throws, whatever is in it; every request gets an answer (RFC 6120 section 8.2.3). */
  stanza(element: Element): void {
    const { refuser } = this.#options;
    try {
      this.#take(element);
    } catch (error) {
      if (error instanceof MalformedAddressError) {
        refuser.refuse(element, { condition: 'jid-malformed', text: error.message });
      } else if (error instanceof TooDeepError) {
        refuser.refuse(element, { condition: 'policy-violation', text: error.message });
      } else {
        this.#options.log.warn({ err: error, from: element.attrs.from }, 'A request could not be handled');
        refuser.refuse(element, { condition: 'internal-server-error' });
      }
    }
  }

  /** Asks nothing more, and ends what waits in this process. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.requester.stop();
  }

  #take(element: Element): void {
    const { addresses, refuser, quotas, toComponent } = this.#options;
    const { from: fromText, to: toText, type } = element.attrs;
    if (!fromText || !toText) {
      refuser.drop();
      return;
    }
    const from = addresses.parse(fromText);
    const to = addresses.parse(toText);
    if (type === 'result' || type === 'error') this.#reply(element, to);
    else if (addresses.isComponent(to) && !isRosterSet(element)) {
      if (!addresses.isServed(from) || quotas.isWithinRate(from.bare, approximateSize(element))) {
        toComponent(element);
      } else refuser.refuse(element, quotas.refusal('rate'));
    } else this.#request(element, from, to);
  }

  #request(element: Element, from: Address, to: Address): void {
    const { refuser, addresses, quotas } = this.#options;
    const { id, type } = element.attrs;
    const { onRosterSet } = this.#options;
    const children = element.getChildElements();
    const traffic = addresses.classify(from, to);
    if (traffic === 'own') refuser.drop();
    else if (traffic === 'foreign') {
      refuser.refuse(element, {
        condition: 'forbidden',
        text: `Only users of ${addresses.servedDomain} are served`,
      });
    } else if (!id || (type !== 'get' && type !== 'set') || children.length !== 1) {
      // RFC 6120 section 8.2.3: an id, get or set, and exactly one child.
      refuser.refuse(element, { condition: 'bad-request' });
    } else if (isRosterSet(element) && onRosterSet) onRosterSet(from, to, element);
    else if (traffic !== 'between-users' || namespaceOf(children[0] as Element) === NS.roster) {
      // A roster is its owner's alone: to a client, this would look like a push from its own server.
      refuser.refuse(element, { condition: 'service-unavailable' });
    } else if (!quotas.isWithinRate(from.bare, approximateSize(element) / FILES))
      refuser.refuse(element, quotas.refusal('rate'));
    else this.#relay.request(element, { from, to });
  }

  #reply(element: Element, to: Address): void {
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

  async #sweep(which: 'sweep' | 'sweepAccounts'): Promise<void> {
    if (this.#sweeping.has(which)) return;
    this.#sweeping.add(which);
    // Should Redis not answer, the next `sweep` finds the same, and those to accounts in the end as well.
    await this.#relay[which]().catch(() => {});
    this.#sweeping.delete(which);
  }
}

function isRosterSet(element: Element): boolean {
  const [child] = element.getChildElements();
  return element.attrs.type === 'set' && child !== undefined && namespaceOf(child) === NS.roster;
}
