import type { ReceiptsProxy } from '../../../src/app.ts';
import type { OpenfireLike } from '../openfire/openfire.ts';
import type { OpenfireUser } from '../openfire/user.ts';
import { until } from '../time/until.ts';
import { OpenfireStage } from './openfire-stage.ts';

const at = (name: string) => `${name}@receipts.example.org`;

/** A whole component with something to see in its console: what was delivered, what waits, and what was not delivered. */
export class ConsoleStage {
  private constructor(
    readonly stage: OpenfireStage,
    readonly openfire: OpenfireLike,
    readonly proxy: ReceiptsProxy,
    readonly alice: OpenfireUser,
    readonly bob: OpenfireUser,
  ) {}

  static async open(settings: Readonly<Record<string, string>> = {}): Promise<ConsoleStage> {
    const stage = await OpenfireStage.open();
    const openfire = await stage.openfire();
    const alice = openfire.user('alice', 'phone');
    const bob = openfire.user('bob', 'desk');
    const times = {
      RETRY_SCHEDULE: '30s,2m,10m',
      MESSAGE_TTL: '7d',
      DEDUP_WINDOW: '8d',
      UNCONFIRMED_RETRY_AFTER: '15m',
    };
    const proxy = await stage.attach({ ...times, ...settings });
    await alice.subscribesTo(at('bob'));
    await bob.isAskedBy(at('alice'));
    await bob.approves(at('alice'));
    await alice.seesPresence(`${at('bob')}/desk`);
    return new ConsoleStage(stage, openfire, proxy, alice, bob);
  }

  get url(): string {
    return this.proxy.url as string;
  }

  /** Alice writes to somebody. Resolves with the message's id when she was told that it is stored. */
  async stored(to: string, text: string): Promise<string> {
    const id = await this.alice.say(at(to), text);
    await this.alice.acknowledged(id);
    return id;
  }

  /** The same, and bob confirms it. */
  async delivered(text: string): Promise<string> {
    const id = await this.alice.say(at('bob'), text);
    await this.alice.delivered(id);
    return id;
  }

  /** Alice writes to somebody whose client refuses it, and is told so. */
  async failed(to: string, text: string): Promise<string> {
    const refuser = this.openfire.user(to, 'refuser', { autoReceipt: false });
    const id = await this.alice.say(at(to), text);
    await refuser.hears(text);
    const error = '<error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
    await refuser.send(`<message type="error" id="${id}" to="${at('alice')}/phone">${error}</message>`);
    refuser.offline();
    await until(async () => (await this.deadLetters()).some(({ messageId }) => messageId === id), {
      what: `the dead letter of ${text}`,
    });
    return id;
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async deadLetters(): Promise<{ id: string; messageId: string; to: string }[]> {
    return (await this.get<{ letters: { id: string; messageId: string; to: string }[] }>('/api/dead-letters')).letters;
  }

  async close(): Promise<void> {
    await this.stage.close();
  }
}
