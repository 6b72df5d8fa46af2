import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import { RECEIPT_CLIENT } from '../tests/support/clients/request-dialogue.ts';
import type { TestUser } from '../tests/support/clients/test-user.ts';
import type { World } from '../tests/support/stages/world.ts';

const NS_OWN = 'urn:openfire-receipts:0';

interface Early {
  readonly stanza: Element;
  readonly at: number;
}

export interface ConnectionOptions {
  /** Whether its client says that it returns receipts; by default yes. */
  readonly confirms?: boolean;
  /** Whether it takes up the session that its stream was of (XEP-0198); by default each stream is a session. */
  readonly resumes?: boolean;
}

/** A stock client on one resource that logs in again whenever its stream has ended, until it is closed. */
export class Connection {
  #user: TestUser | undefined;
  #closed = false;
  #away = false;
  #waiting: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly name: string,
    readonly resource: string,
    /** `at`: when it came, of those that came while it logged in (monotonic, ms). */
    readonly onStanza: (stanza: Element, at?: number) => void,
    readonly options: ConnectionOptions = {},
  ) {}

  /** Resolves when it is online. */
  async open(): Promise<void> {
    void this.#stay();
    await this.online();
  }

  /** Resolves when it is online, or never will be again. */
  async online(): Promise<void> {
    while (!this.#closed && !this.#user?.online) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  get isOnline(): boolean {
    return this.#user?.online === true;
  }

  get jid(): string {
    return `${this.name}@${this.world.xmpp.domain}/${this.resource}`;
  }

  /** Lost without a word when it is not online: who must know looks first. */
  async send(stanza: Element): Promise<void> {
    await this.#user?.send(stanza).catch(() => {});
  }

  /** The status of messages (`urn:openfire-receipts:0`), by id. */
  async status(component: string, about: readonly { id: string; to: string }[]): Promise<Map<string, string>> {
    const messages = about.map(({ id, to }) => xml('message', { id, to }));
    const answer = await this.#user?.asks(component, xml('status', { xmlns: NS_OWN }, messages));
    const found = answer?.getChild('status', NS_OWN)?.getChildren('message') ?? [];
    return new Map(found.map(({ attrs }) => [attrs.id ?? '', attrs.state ?? 'unknown']));
  }

  /** Goes away for a while, in order or by a reset. */
  async leave(how: 'logout' | 'reset', ms: number): Promise<void> {
    this.#away = true;
    if (how === 'reset') this.#user?.cut();
    else await this.#user?.offline();
    await sleep(ms);
    this.#away = false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#user?.offline().catch(() => {});
  }

  async #stay(): Promise<void> {
    while (!this.#closed) {
      if (this.#away) {
        await sleep(20);
        continue;
      }
      if (this.#user !== undefined && this.options.resumes) {
        await this.#resume(this.#user);
        continue;
      }
      const early: Early[] = [];
      let note = (stanza: Element): void => void early.push({ stanza, at: performance.now() });
      const user = await this.#login((stanza) => note(stanza)).catch(() => undefined);
      note = (stanza) => this.onStanza(stanza);
      if (user === undefined) await sleep(200);
      else await this.#stayWith(user, early);
    }
  }

  /** Each on the same resource, so that one that comes to nothing gives way to the next. */
  #login(onStanza: (stanza: Element) => void): Promise<TestUser> {
    const { name, resource } = this;
    const { confirms = true, resumes: streamManagement = false } = this.options;
    const features = confirms && { features: RECEIPT_CLIENT };
    const own = { resource, autoReceipt: false, keepsMessages: false, streamManagement };
    return this.world.user(name, { ...own, onStanza, ...features });
  }

  /** Where that comes to nothing, the next login takes the session's place. */
  async #resume(user: TestUser): Promise<void> {
    try {
      await user.resume();
      await this.#stayWith(user, []);
    } catch {
      user.cut();
      this.#user = undefined;
    }
  }

  /** Resolves when its connection is gone. */
  async #stayWith(user: TestUser, early: readonly Early[]): Promise<void> {
    const gone = new Promise<void>((resolve) => user.onGone(resolve));
    this.#user = user;
    for (const { stanza, at } of early) this.onStanza(stanza, at);
    if (this.#closed || this.#away) await user.offline();
    this.#wake();
    if (user.online) await gone;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
