import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Element } from '@xmpp/xml';
import { STORED } from '../../packages/protocol/elements.ts';
import type { Config } from '../config/config.ts';
import { recordKey } from '../xmpp/stanza/message-key.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { patient } from './patience.ts';
import { type Account, type UserClient, userClient } from './user-client.ts';

/** For what takes no longer than the server and Redis do, ms. */
const SOON = 15_000;
/** For a copy that is sent on evidence, ms; by the clock it takes as much longer as RETRY_SCHEDULE says. */
const COPY = 60_000;
/** How much longer than PROOF_GRACE a session lives on after its receipt, ms: that was heard later than it was sent. */
const SPARE = 250;

/** Something did not come about; what to look at is in the message. */
export class TrialError extends Error {}

export interface Trial {
  /** Of the message that was sent again: its key in the console, and its id. */
  readonly key: string;
  readonly id: string;
}

/**
 * Has two users of the server write to each other through the component: a message that arrives, and one whose recipient loses
 * his connection before he has confirmed it, and is sent it again at his next login. They log in as clients without stream
 * management; what waits for the recipient comes to this client.
 *
 * @param say is given what happens, a line each
 * @throws {TrialError} when something does not come about
 */
export async function carryOut(
  config: Config,
  { sender, recipient }: { readonly sender: Account; readonly recipient: Account },
  say: (line: string) => void,
): Promise<Trial> {
  const clients: UserClient[] = [];
  const begin = async (account: Account) => {
    const client = userClient(account, config, false);
    clients.push(client);
    const user = new TrialUser(client);
    await user.begin(account.jid);
    return user;
  };
  try {
    const alice = await begin(sender);
    const bob = await begin(recipient);
    // What waits in offline storage for the sender stays there.
    await alice.send('presence', {}, ['priority', {}, '-1']);
    await bob.send('presence', {});
    const to = config.gate.mode === 'subdomain' ? `${localOf(bob.bare)}@${config.xmpp.componentDomain}` : bob.bare;
    say(`${alice.bare} and ${bob.bare} are logged in; the first writes to ${to}.`);

    const first = await alice.writes(to, 'A trial of openfire-receipts: a message that arrives.');
    await bob.confirms(await bob.gets(first));
    await alice.isTold('stored', first);
    await alice.isTold('delivered', first);
    say('A message: stored, and delivered.');

    const id = await alice.writes(to, 'A trial of openfire-receipts: a message that is sent again.');
    await bob.gets(id, () => bob.breaksOff());
    await alice.isTold('stored', id);
    say(`A second one: stored. ${bob.bare} was sent it, and lost his connection before he had confirmed it.`);
    const again = await begin(recipient);
    const since = Date.now();
    const within = COPY + (config.retry.schedule[0] ?? 0);
    const [copy] = await Promise.all([again.gets(id, undefined, within), again.send('presence', {})]);
    await again.confirms(copy);
    await alice.isTold('delivered', id);
    const seconds = ((Date.now() - since) / 1000).toFixed(1);
    say(`He is back, and was sent it again ${seconds === '0.0' ? 'at once' : `after ${seconds} s`}: delivered.`);
    // A session that ends right after its receipt leaves that in doubt: the message would come once more at his next login.
    const { mode, proofGrace } = config.gate;
    if (mode !== 'subdomain' && proofGrace > 0) await sleep(proofGrace + SPARE);
    return { key: recordKey(alice.bare, bob.bare, id), id };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

const localOf = (jid: string) => jid.slice(0, jid.indexOf('@'));

type Child = readonly [name: string, attributes: Record<string, string>, text?: string];

class TrialUser {
  readonly #client: UserClient;
  readonly #stanzas: Element[] = [];
  readonly #listeners = new Set<(stanza: Element) => void>();
  bare = '';

  constructor(client: UserClient) {
    this.#client = client;
    client.xmpp.on('stanza', (stanza) => {
      this.#stanzas.push(stanza);
      for (const listener of this.#listeners) listener(stanza);
    });
  }

  async begin(jid: string): Promise<void> {
    try {
      const address = await this.#client.login();
      this.bare = address.slice(0, address.indexOf('/'));
    } catch (error) {
      const { message, condition } = error as Error & { condition?: string };
      const hint = /certificate/i.test(message)
        ? 'Name a file with its issuer in NODE_EXTRA_CA_CERTS'
        : 'See the password, and --client-address';
      throw new TrialError(`${jid} could not log in: ${condition ?? message}. ${hint}`);
    }
  }

  async send(name: string, attributes: Record<string, string>, ...children: Child[]): Promise<void> {
    const { default: xml } = await import('@xmpp/xml');
    const elements = children.map(([child, own, text]) => xml(child, own, ...(text === undefined ? [] : [text])));
    await this.#client.xmpp.send(xml(name, attributes, ...elements));
  }

  /** Resolves with the id. */
  async writes(to: string, text: string): Promise<string> {
    const id = `trial-${randomUUID()}`;
    await this.send('message', { to, id, type: 'chat' }, ['body', {}, text], ['request', { xmlns: NS.receipts }]);
    return id;
  }

  /** @param at is called in the moment in which it comes */
  gets(id: string, at: () => void = () => {}, within = SOON): Promise<Element> {
    const isIt = (stanza: Element) => stanza.attrs.id === id && stanza.getChild('body') !== undefined;
    const what = 'The message did not come. Is the recipient logged in elsewhere too? Then it may have come there';
    return this.#hears(isIt, what, within, at);
  }

  async confirms({ attrs: { from = '', id = '' } }: Element): Promise<void> {
    await this.send('message', { to: from, type: 'chat' }, ['received', { xmlns: NS.receipts, id }]);
  }

  async isTold(what: 'stored' | 'delivered', id: string): Promise<void> {
    const isIt = (stanza: Element) => {
      const stored = stanza.getChild(STORED, NS.own)?.attrs.id === id;
      return what === 'stored' ? stored : !stored && stanza.getChild('received', NS.receipts)?.attrs.id === id;
    };
    const why =
      what === 'stored'
        ? 'The message was not acknowledged. Does the component run, and is it ready (/readyz)? With ACK_FORMAT=none nobody is told'
        : 'No receipt came';
    const isError = ({ attrs }: Element) => attrs.id === id && attrs.type === 'error';
    const heard = await this.#hears((stanza) => isIt(stanza) || isError(stanza), why);
    if (isError(heard)) throw new TrialError(`The message came back: ${heard.getChild('error')}`);
  }

  /** As when his network goes: without a word. */
  breaksOff(): void {
    const { socket } = this.#client.xmpp;
    if (socket?.socket !== undefined) socket.socket.destroy();
    else socket?.destroy?.();
  }

  async #hears(isIt: (stanza: Element) => boolean, why: string, within = SOON, at = () => {}): Promise<Element> {
    const had = this.#stanzas.find(isIt);
    if (had !== undefined) return had;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new TrialError(why));
      }, patient(within));
      const listener = (stanza: Element) => {
        if (!isIt(stanza)) return;
        at();
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(stanza);
      };
      this.#listeners.add(listener);
    });
  }
}
