import type { Element } from '@xmpp/xml';
import type { Address } from '../addressing/address-policy.ts';
import type { LinkPort } from '../delivery/ports.ts';
import { RateLimiter } from '../delivery/rate-limiter.ts';
import { MalformedAddressError } from '../xmpp/stanza/address.ts';
import { iqResult } from '../xmpp/stanza/build.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { type Refuser, RequestError } from '../xmpp/stanza/request-error.ts';
import { attribute, escapeText } from '../xmpp/stanza/xml.ts';
import { type MessageStatusOptions, messageStatus } from './message-status.ts';

/**
 * Of the registered categories (https://xmpp.org/registrar/disco-categories.html) this is "a server component other than
 * one of the registered types". Openfire's console shows category, type and name as they are, and pictures for gateways
 * only. A gateway is what the registry has for non-XMPP services: Spark, Gajim and Psi would offer to register with one,
 * and Openfire's roster plugin to manage its contacts. To all three a component is a service whose commands can be run.
 */
const IDENTITY = '<identity category="component" type="generic" name="Message receipts"/>';

/** XEP-0054: what clients show of a contact. */
const VCARD =
  `<vCard xmlns="${NS.vcard}"><FN>Message receipts</FN><NICKNAME>Message receipts</NICKNAME>` +
  '<URL>https://xmpp.org/extensions/xep-0184.html</URL><DESC>Keeps chat messages until they are confirmed. Write to ' +
  'user@this-domain; run its commands to see what was not delivered.</DESC></vCard>';

/**
 * How fast one user may take steps of commands, and ask for the status of messages: a person presses buttons, a client that
 * was away asks after all that it has in doubt.
 */
const COMMANDS = { perSecond: 1, burst: 60 };
const QUESTIONS = { perSecond: 5, burst: 300 };

/** Ad-hoc commands (XEP-0050) as they are asked for; `node` is what a disco request names. */
export interface CommandsPort {
  /** Children of an answer; undefined when there is no such node. */
  items(node: string, requester: Address): string | undefined;
  info(node: string, requester: Address): string | undefined;
  /** The answer's child. Both may throw a RequestError. */
  execute(question: Element, requester: Address): Promise<string>;
}

export interface ComponentServiceOptions extends MessageStatusOptions {
  readonly link: LinkPort;
  readonly refuser: Refuser;
  /** Somebody has removed a contact, a proxied address or the component's domain, from his roster. */
  readonly contactRemoved: (from: Address, to: Address) => void;
  readonly version: string;
  /** Ad-hoc commands, where there are any. */
  readonly commands?: CommandsPort | undefined;
  /** Whether a gate holds messages for the component (docs/gate-protocol.md); undefined where none is asked for it. */
  readonly holds?: (() => boolean) | undefined;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * What the component's own domain answers: XEP-0030, XEP-0050, XEP-0054, XEP-0092, XEP-0199, and the status of messages.
 */
export class ComponentService {
  readonly #options: ComponentServiceOptions;
  readonly #commandRates = new RateLimiter(COMMANDS);
  readonly #questionRates = new RateLimiter(QUESTIONS);

  constructor(options: ComponentServiceOptions) {
    this.#options = options;
  }

  /** Takes one IQ stanza. Never throws, whatever is in it; every request gets an answer (RFC 6120 section 8.2.3). */
  async iq(element: Element): Promise<void> {
    const { refuser, log, link } = this.#options;
    const { from, to, id, type } = element.attrs;
    if (type === 'result' || type === 'error' || !from || !to) {
      refuser.drop();
      return;
    }
    try {
      const inner = await this.#answer(element, this.#options.addresses.parse(from));
      link.send(iqResult(from, to, id, inner), undefined, 'high');
    } catch (error) {
      if (error instanceof RequestError) refuser.refuse(element, error.error);
      else if (error instanceof MalformedAddressError) refuser.refuse(element, { condition: 'jid-malformed' });
      else {
        log.warn({ err: error, from }, 'A question could not be answered');
        refuser.refuse(element, { condition: 'resource-constraint', text: 'Cannot look that up now' });
      }
    }
  }

  async #answer(element: Element, from: Address): Promise<string> {
    const { addresses, version, commands } = this.#options;
    const to = addresses.parse(element.attrs.to as string);
    const { id, type } = element.attrs;
    const [question, ...others] = element.getChildElements();
    // RFC 6120 section 8.2.3: an id, get or set, and exactly one child.
    if (!id || (type !== 'get' && type !== 'set') || question === undefined || others.length > 0) {
      throw new RequestError({ condition: 'bad-request' });
    }
    if (type === 'set' && question.getNS() === NS.roster) return this.#contactRemoved(question, from, to);
    if (!addresses.isComponent(to) || to.resource !== '') throw new RequestError({ condition: 'service-unavailable' });
    // XEP-0050 section 2.4: a command is run by a set; all other questions are gets.
    if (type === 'set') {
      if (commands === undefined || question.getNS() !== NS.commands) {
        throw new RequestError({ condition: 'service-unavailable' });
      }
      limit(this.#commandRates, from);
      return commands.execute(question, from);
    }
    switch (question.getNS()) {
      case NS.discoInfo:
        return this.#discoInfo(question, from);
      case NS.discoItems:
        return this.#discoItems(question, from);
      case NS.vcard:
        return VCARD;
      case NS.version:
        return `<query xmlns="${NS.version}"><name>openfire-receipts</name><version>${escapeText(version)}</version></query>`;
      case NS.ping:
        return '';
      case NS.own:
        limit(this.#questionRates, from);
        return messageStatus(question, from, this.#options);
      default:
        throw new RequestError({ condition: 'service-unavailable' });
    }
  }

  /** Openfire sends the removal itself on to a contact that is not its own, beside what RFC 6121 section 2.5.2 asks for. */
  #contactRemoved(question: Element, from: Address, to: Address): string {
    const { addresses } = this.#options;
    const [item, ...others] = question.getChildren('item');
    const { jid, subscription } = item?.attrs ?? {};
    const traffic = addresses.classify(from, to);
    if ((traffic !== 'between-users' && traffic !== 'to-component') || subscription !== 'remove') {
      throw new RequestError({ condition: 'service-unavailable' });
    }
    // The removed contact's address, or its owner's: Openfire writes the latter.
    const named = jid === undefined || jid === '' ? '' : addresses.parseWritten(jid).bare;
    if (others.length > 0 || (named !== to.bare && named !== from.bare)) {
      throw new RequestError({ condition: 'bad-request' });
    }
    this.#options.contactRemoved(from, to);
    return '';
  }

  #discoInfo(question: Element, from: Address): string {
    const { node } = question.attrs;
    const inner = node ? this.#options.commands?.info(node, from) : this.#own();
    // XEP-0030 section 7: there is no such node.
    if (inner === undefined) throw new RequestError({ condition: 'item-not-found' });
    return `<query xmlns="${NS.discoInfo}"${attribute('node', node)}>${inner}</query>`;
  }

  #discoItems(question: Element, from: Address): string {
    const { node } = question.attrs;
    const inner = node ? this.#options.commands?.items(node, from) : '';
    if (inner === undefined) throw new RequestError({ condition: 'item-not-found' });
    const open = `<query xmlns="${NS.discoItems}"${attribute('node', node)}`;
    return inner === '' ? `${open}/>` : `${open}>${inner}</query>`;
  }

  #own(): string {
    const features: string[] = [NS.discoInfo, NS.discoItems, NS.version, NS.ping, NS.vcard, NS.own, NS.batch];
    if (this.#options.commands !== undefined) features.push(NS.commands);
    // Only while it is so: a client library would wait for acknowledgements that do not come.
    if (this.#options.holds?.()) features.push(NS.transparent);
    return IDENTITY + features.map((feature) => `<feature var="${feature}"/>`).join('');
  }
}

/** @throws {RequestError} when he asks too fast */
function limit(rates: RateLimiter, { bare }: Address): void {
  if (rates.take(bare)) return;
  throw new RequestError({ condition: 'resource-constraint', text: 'Too many requests; try again in a few seconds' });
}
