import xml, { type Element } from '@xmpp/xml';
import { ContactDialogue } from '../clients/contact-dialogue.ts';
import { RECEIPT_CLIENT } from '../clients/request-dialogue.ts';
import { parseStanza } from '../stanzas/xml.ts';
import { copyOf } from './stanza.ts';
import type { OpenfireUsers } from './users.ts';

export interface OpenfireUserOptions {
  readonly priority?: number;
  readonly show?: 'chat' | 'away' | 'xa' | 'dnd';
  /** XEP-0280; by default no. */
  readonly carbons?: boolean;
  /** By default yes. */
  readonly autoReceipt?: boolean;
  /** What the client says it can (XEP-0030); by default one that returns receipts says so, another says nothing. */
  readonly features?: readonly string[];
  /** Whether to be online and available from the start; by default yes. */
  readonly online?: boolean;
}

let activity = 0;

/** A user's client, inside the server. */
export class OpenfireUser extends ContactDialogue {
  readonly jid: string;
  priority: number;
  show: OpenfireUserOptions['show'];
  carbons: boolean;
  isOnline = false;
  isAvailable = false;
  lastActivity = 0;
  /** What it said of itself last. */
  presence: Element = xml('presence');
  /** To whom it showed itself by directed presence (RFC 6121 section 4.6). */
  readonly directed = new Set<string>();
  readonly #users: OpenfireUsers;
  /** What came since it stopped reading. */
  #unread: Element[] | undefined;

  constructor(users: OpenfireUsers, jid: string, options: OpenfireUserOptions) {
    super();
    this.#users = users;
    this.jid = jid;
    this.priority = options.priority ?? 0;
    this.show = options.show;
    this.carbons = options.carbons ?? false;
    this.autoReceipt = options.autoReceipt ?? true;
    this.features = options.features ?? (this.autoReceipt ? RECEIPT_CLIENT : undefined);
  }

  /** Logs in and becomes available: what is stored comes. */
  online(): void {
    this.isOnline = true;
    this.#unread = undefined;
    this.lastActivity = ++activity;
    this.available();
  }

  available(): void {
    this.#users.takeFrom(this, xml('presence', {}, this.said({ show: this.show, priority: this.priority })));
  }

  unavailable(): void {
    this.#users.takeFrom(this, xml('presence', { type: 'unavailable' }));
  }

  offline(): void {
    this.thaw();
    this.cut();
  }

  /** Its connection breaks: what it did not read is lost, and the sender is not told. Its contacts are. */
  cut(): void {
    if (this.isOnline) this.#users.leave(this);
    this.isOnline = false;
    this.#unread = undefined;
  }

  /** Reads no more; to the server it is as alive as before. */
  freeze(): void {
    this.#unread ??= [];
  }

  thaw(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    for (const stanza of unread) this.take(stanza);
  }

  /** For the server. */
  accept(stanza: Element): void {
    const own = copyOf(stanza);
    if (this.#unread === undefined) this.take(own);
    else this.#unread.push(own);
  }

  /** For the server: it is seen as it says. */
  appears(presence: Element): void {
    this.presence = presence;
    this.isAvailable = true;
    this.priority = Number(presence.getChildText('priority') ?? 0);
    this.show = (presence.getChildText('show') ?? undefined) as OpenfireUserOptions['show'];
  }

  protected override async transmit(text: string): Promise<void> {
    if (!this.isOnline) throw new Error(`${this.jid} is offline`);
    this.lastActivity = ++activity;
    this.#users.takeFrom(this, parseStanza(text));
  }
}
