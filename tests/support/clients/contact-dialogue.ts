import { randomUUID } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import type { Dialogue, Match } from './dialogue.ts';
import { isFrom, RequestDialogue } from './request-dialogue.ts';

const NS_ROSTER = 'jabber:iq:roster';

/** RFC 6121 section 4.7. */
export interface Availability {
  readonly show?: 'chat' | 'away' | 'xa' | 'dnd' | undefined;
  readonly status?: string;
  readonly priority?: number;
  /** Whether to say what the client can (XEP-0115); by default yes, if it was told so. */
  readonly caps?: boolean;
  readonly payload?: readonly Element[];
}

/** What is to be seen in a presence; what is left out does not matter. */
export type Seen = Pick<Availability, 'show' | 'status' | 'priority'> & { readonly type?: 'unavailable' };

export interface RosterEntry {
  readonly subscription: string;
  /** Whether an answer of the contact is awaited. */
  readonly asked: boolean;
}

/** Somebody with contacts, who sees and is seen. */
export abstract class ContactDialogue extends RequestDialogue {
  /** Asks to see somebody's presence (RFC 6121 section 3.1). */
  subscribesTo(jid: string, ...payload: Element[]): Promise<void> {
    return this.#presence({ to: jid, type: 'subscribe' }, payload);
  }

  unsubscribesFrom(jid: string): Promise<void> {
    return this.#presence({ to: jid, type: 'unsubscribe' });
  }

  approves(jid: string): Promise<void> {
    return this.#presence({ to: jid, type: 'subscribed' });
  }

  /** Refuses what was asked, or takes back what was granted. */
  denies(jid: string): Promise<void> {
    return this.#presence({ to: jid, type: 'unsubscribed' });
  }

  /** Takes the contact out of the roster (RFC 6121 section 2.5). Resolves with the server's answer. */
  removes(jid: string): Promise<Element> {
    const item = xml('item', { jid, subscription: 'remove' });
    return this.asks(undefined, xml('query', { xmlns: NS_ROSTER }, item), 'set');
  }

  /** As the server has it. */
  async roster(): Promise<Map<string, RosterEntry>> {
    const answer = await this.asks(undefined, xml('query', { xmlns: NS_ROSTER }));
    const items = answer.getChild('query', NS_ROSTER)?.getChildren('item') ?? [];
    return new Map(items.map((item) => [item.attrs.jid ?? '', entry(item)]));
  }

  /** Resolves when the server has handled it. */
  goesAvailable(availability: Availability = {}): Promise<void> {
    return this.#presence({}, this.said(availability));
  }

  goesUnavailable(status?: string): Promise<void> {
    return this.#presence({ type: 'unavailable' }, status === undefined ? [] : [xml('status', {}, status)]);
  }

  /** Directed presence (RFC 6121 section 4.6). */
  shows(to: string, availability: Availability = {}): Promise<void> {
    return this.#presence({ to }, this.said(availability));
  }

  hidesFrom(to: string): Promise<void> {
    return this.#presence({ to, type: 'unavailable' });
  }

  /** Somebody asks to see one's presence. */
  isAskedBy(jid: string): Promise<Element> {
    return this.#hearsPresence(jid, 'subscribe');
  }

  isApprovedBy(jid: string): Promise<Element> {
    return this.#hearsPresence(jid, 'subscribed');
  }

  /** Somebody refuses, or takes back what he had granted. */
  isDeniedBy(jid: string): Promise<Element> {
    return this.#hearsPresence(jid, 'unsubscribed');
  }

  /** The server says that the contact has that subscription now (RFC 6121 section 2.1.6). */
  hasContact(jid: string, subscription: string): Promise<Element> {
    return this.hears((el) => {
      const item = el.attrs.type === 'set' ? el.getChild('query', NS_ROSTER)?.getChild('item') : undefined;
      return item?.attrs.jid === jid && item.attrs.subscription === subscription;
    });
  }

  /** @param from with a resource that very one, without one any of his */
  seesPresence(from: string, seen: Seen = {}): Promise<Element> {
    return this.hears((el) => el.name === 'presence' && isFrom(el, from) && looksLike(el, seen));
  }

  /**
   * Proves that all came that somebody sent to that address before: something that he says after it is here.
   *
   * @param address under which he reaches us; by default our own
   */
  async hasAllFrom(other: Dialogue, address = this.jid): Promise<void> {
    const last = `that was all (${randomUUID()})`;
    // A headline is neither stored nor acknowledged on the way.
    await other.say(address, last, { type: 'headline', request: false });
    await this.hears(last);
  }

  /**
   * Fails if something that matches came and no other call has had it. Takes no time of its own.
   *
   * @param barrier what proves that it would be here by now, such as {@link hasAllFrom}
   */
  async receivesNothing(match: Match, barrier: Promise<unknown>): Promise<void> {
    await barrier;
    // What the server has written to us before its answer is here then.
    await this.handled();
    const came = this.unheard(match);
    if (came.length > 0) throw new Error(`${this.jid} was not to hear ${came.join('\n')}`);
  }

  /** A presence's children. */
  protected said({ show, status, priority, caps = true, payload = [] }: Availability): Element[] {
    const texts = { show, status, priority: priority?.toString() };
    const said = Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [xml(name, {}, text)]));
    return [...said, ...(caps ? this.caps() : []), ...payload];
  }

  async #presence(attrs: { to?: string; type?: string }, children: readonly Element[] = []): Promise<void> {
    await this.send(xml('presence', attrs, [...children]));
    await this.handled();
  }

  #hearsPresence(from: string, type: string): Promise<Element> {
    return this.hears((el) => el.name === 'presence' && el.attrs.type === type && isFrom(el, from));
  }
}

function looksLike(presence: Element, { type, show, status, priority }: Seen): boolean {
  const is = (name: string, wanted: string | undefined) =>
    wanted === undefined || presence.getChildText(name) === wanted;
  // RFC 6121 section 4.7.2.3: none is zero.
  const isPriority = priority === undefined || Number(presence.getChildText('priority') ?? 0) === priority;
  return presence.attrs.type === type && is('show', show) && is('status', status) && isPriority;
}

function entry({ attrs }: Element): RosterEntry {
  return { subscription: attrs.subscription ?? 'none', asked: attrs.ask === 'subscribe' };
}
