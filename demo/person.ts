import type { Element } from '@xmpp/xml';
import { type LoginOptions, TestUser } from '../tests/support/clients/test-user.ts';

/** Something that came, and when: ms since the epoch. */
export interface Heard {
  readonly stanza: Element;
  readonly at: number;
}

const TIMEOUT = { within: 20_000 };

/** Somebody with a stock client, who confirms what he gets; and whose network may fail. */
export class Person {
  readonly #sessions: TestUser[] = [];
  readonly #arrivals = new WeakMap<Element, number>();

  constructor(
    readonly options: LoginOptions,
    /** Where others write to him. */
    readonly address: string,
  ) {}

  async comesOnline(): Promise<void> {
    const session = new TestUser(this.options);
    session.listen((stanza) => this.#arrivals.set(stanza, Date.now()));
    this.#sessions.push(session);
    await session.start();
  }

  /** Nothing arrives any more, and nobody tells the server, which goes on sending. */
  losesNetwork(): void {
    this.#session.freeze();
  }

  /** The connection of before is gone with all that was on it, and there is a new one. */
  async comesBack(): Promise<void> {
    this.#session.cut();
    await this.comesOnline();
  }

  async leaves(): Promise<void> {
    await Promise.allSettled(this.#sessions.map((session) => session.offline()));
  }

  say(to: Person, text: string, id?: string): Promise<string> {
    return this.#session.say(to.address, text, id === undefined ? {} : { id });
  }

  async hears(text: string): Promise<Heard> {
    return this.#heard(await this.#session.hears(text, TIMEOUT));
  }

  /** The proxy has the message with that id. */
  async acknowledged(id: string): Promise<Heard> {
    return this.#heard(await this.#session.acknowledged(id, TIMEOUT));
  }

  async delivered(id: string): Promise<Heard> {
    return this.#heard(await this.#session.delivered(id, TIMEOUT));
  }

  async failed(id: string): Promise<Heard> {
    return this.#heard(await this.#session.failed(id, TIMEOUT));
  }

  /** How often this text came, on whichever connection. */
  count(text: string): number {
    return this.#sessions.reduce((sum, session) => sum + session.count(text), 0);
  }

  /** The next text that comes, however long it takes. */
  hearsAnything(): Promise<string> {
    const session = this.#session;
    return new Promise((resolve) => {
      session.listen((stanza) => {
        const text = stanza.attrs.type === 'error' ? null : stanza.getChildText('body');
        if (text) resolve(text);
      });
    });
  }

  get #session(): TestUser {
    const session = this.#sessions.at(-1);
    if (session === undefined) throw new Error(`${this.options.username} was never online`);
    return session;
  }

  #heard(stanza: Element): Heard {
    return { stanza, at: this.#arrivals.get(stanza) ?? Date.now() };
  }
}
