import type { Element } from '@xmpp/xml';
import type { Address, AddressPolicy } from '../addressing/address-policy.ts';
import type { LinkPort } from '../delivery/ports.ts';
import type { Quotas } from '../delivery/quotas.ts';
import type { Passage } from '../routing/passthrough.ts';
import type { Clock, StoreQueue } from '../store/contract.ts';
import { MalformedAddressError } from '../xmpp/stanza/address.ts';
import { IdSource } from '../xmpp/stanza/ids.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { namespaceOf, TooDeepError } from '../xmpp/stanza/xml.ts';
import { Capabilities } from './capabilities.ts';
import { type QueryCounts, Relay, weight } from './relay.ts';
import { Asker, saysOfSession } from './requester.ts';

/** A roster push or removal that the server sends on a user's behalf (RFC 6121 section 2.1.6). */
type OnRosterSet = (from: Address, to: Address, element: Element) => void;

/** Times that tests shorten, ms. */
export interface QueryTiming {
  /** How long an answer may take. */
  readonly timeLimit?: number;
  /** How often it is looked for those who have waited in vain. */
  readonly overdueEvery?: number;
  /** For how long the server may say nothing for an account when it has handled a request to it. */
  readonly silence?: number;
  /** How often it is looked for such requests, in this process' memory. */
  readonly silentEvery?: number;
}

export interface QueriesOptions extends QueryTiming {
  readonly receipts: {
    readonly addresses: AddressPolicy;
    readonly pipeline: StoreQueue;
    readonly passage: Passage;
    readonly clock: Clock;
    readonly quotas: Quotas;
    /** Answers what is asked of the component itself. */
    stanza(element: Element): void;
  };
  readonly link: LinkPort;
  readonly counts: QueryCounts;
  readonly maxStanzaBytes: number;
  readonly log: { warn(fields: object, message: string): void };
  /**
   * An answer came to the component that this process does not wait for, or not any more: its sender is there.
   * `doubtful`: unless his server has answered in a gone session's stead.
   */
  readonly onStrayReply?: (from: Address, doubtful: boolean) => void;
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
export class Queries {
  readonly asker: Asker;
  readonly capabilities: Capabilities;
  readonly #options: QueriesOptions;
  readonly #relay: Relay;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #sweeping = new Set<string>();

  constructor(options: QueriesOptions) {
    this.#options = options;
    const { receipts, link, counts, maxStanzaBytes, log, timeLimit, silence } = options;
    const { overdueEvery = OVERDUE_EVERY, silentEvery = SILENT_EVERY } = options;
    const { addresses, pipeline, passage, clock } = receipts;
    const base = {
      link,
      addresses,
      pipeline,
      passage,
      clock,
      ids: new IdSource(),
      counts,
      maxStanzaBytes,
      log,
      ...(timeLimit !== undefined && { timeLimit }),
      ...(silence !== undefined && { silence }),
    };
    this.#relay = new Relay(base);
    this.asker = new Asker(base);
    this.capabilities = new Capabilities({ asker: this.asker, pipeline });
    this.#timers = [
      setInterval(() => void this.#sweep('sweep'), overdueEvery).unref(),
      setInterval(() => void this.#sweep('sweepAccounts'), silentEvery).unref(),
    ];
  }

  /** Takes one IQ stanza. Never throws, whatever is in it; every request gets an answer (RFC 6120 section 8.2.3). */
  stanza(element: Element): void {
    const { passage } = this.#options.receipts;
    try {
      this.#take(element);
    } catch (error) {
      if (error instanceof MalformedAddressError) {
        passage.refuse(element, { condition: 'jid-malformed', text: error.message });
      } else if (error instanceof TooDeepError) {
        passage.refuse(element, { condition: 'policy-violation', text: error.message });
      } else {
        this.#options.log.warn({ err: error, from: element.attrs.from }, 'A request could not be handled');
        passage.refuse(element, { condition: 'internal-server-error' });
      }
    }
  }

  /** Asks nothing more, and ends what waits in this process. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.asker.stop();
  }

  #take(element: Element): void {
    const { addresses, passage, quotas, stanza } = this.#options.receipts;
    const { from: fromText, to: toText, type } = element.attrs;
    if (!fromText || !toText) {
      passage.drop();
      return;
    }
    const from = addresses.parse(fromText);
    const to = addresses.parse(toText);
    if (type === 'result' || type === 'error') this.#reply(element, to);
    else if (addresses.isComponent(to) && !isRosterSet(element)) {
      if (!addresses.isServed(from) || quotas.isWithinRate(from.bare, weight(element))) {
        stanza.call(this.#options.receipts, element);
      } else passage.refuse(element, quotas.refusal('rate'));
    } else this.#request(element, from, to);
  }

  #request(element: Element, from: Address, to: Address): void {
    const { passage, addresses, quotas } = this.#options.receipts;
    const { id, type } = element.attrs;
    const { onRosterSet } = this.#options;
    const children = element.getChildElements();
    const traffic = addresses.classify(from, to);
    if (traffic === 'own') passage.drop();
    else if (traffic === 'foreign') {
      passage.refuse(element, { condition: 'forbidden', text: `Only users of ${addresses.servedDomain} are served` });
    } else if (!id || (type !== 'get' && type !== 'set') || children.length !== 1) {
      // RFC 6120 section 8.2.3: an id, get or set, and exactly one child.
      passage.refuse(element, { condition: 'bad-request' });
    } else if (isRosterSet(element) && onRosterSet) onRosterSet(from, to, element);
    else if (traffic !== 'between-users' || namespaceOf(children[0] as Element) === NS.roster) {
      // A roster is its owner's alone: to a client, this would look like a push from its own server.
      passage.refuse(element, { condition: 'service-unavailable' });
    } else if (!quotas.isWithinRate(from.bare, weight(element) / FILES))
      passage.refuse(element, quotas.refusal('rate'));
    else this.#relay.request(element, { from, to });
  }

  #reply(element: Element, to: Address): void {
    const { counts, receipts, onStrayReply } = this.#options;
    const { addresses } = receipts;
    if (addresses.isOuter(to) && !this.asker.awaits(element.attrs.id)) this.#relay.reply(element);
    else if (!addresses.isComponent(to) && !addresses.isOuter(to)) receipts.passage.drop();
    else {
      const outcome = this.asker.reply(element);
      if (outcome === 'forged') counts.repliesForged += 1;
      else if (outcome === 'late') {
        counts.repliesLate += 1;
        this.capabilities.overhear(element);
        const says = saysOfSession(element);
        if (says === 'answered' || says === 'refused') {
          const replier = addresses.parse(element.attrs.from as string);
          if (addresses.isServed(replier)) onStrayReply?.(replier, says === 'refused');
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
