import xml, { type Element } from '@xmpp/xml';
import fc from 'fast-check';
import { memoryStore, type ReceiptsClient, receiptsClient } from '../../packages/client/src/index.ts';
import { type FakeServer, FakeXmpp } from '../support/client-library/fake-xmpp.ts';

// In a module it is no global.
const { jest } = import.meta;

const DOMAIN = 'example.org';
const COMPONENT = 'receipts.example.org';
const NS_OWN = 'urn:openfire-receipts:0';
const NS_RECEIPTS = 'urn:xmpp:receipts';
/** ms that a stanza takes from one end to the other. */
const WAY = 10;
/** ms after which a client whose stream was cut comes back. */
const RECONNECT = 40;

type Step =
  | { readonly do: 'send'; readonly who: 0 | 1; readonly count: number }
  | { readonly do: 'cut' | 'reload'; readonly who: 0 | 1 }
  | { readonly do: 'loseNext' | 'loseReceipt'; readonly who: 0 | 1 }
  | { readonly do: 'twice'; readonly who: 0 | 1 }
  | { readonly do: 'wait'; readonly ms: number };

const who = fc.constantFrom<0 | 1>(0, 1);
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('send' as const), who, count: fc.integer({ min: 1, max: 5 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'reload' as const), who }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('loseNext' as const, 'loseReceipt' as const, 'twice' as const), who }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 9, 25, 60, 90_000) }),
    },
  ),
  { maxLength: 40 },
);

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('whatever is cut, lost, doubled and reloaded: each message is delivered, shown once, in its order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script: Step[]) => {
      const world = new Model();
      try {
        await world.play(script);
        await world.heal();
        for (const user of world.users) expect(user.unsettled()).toEqual([]);
        for (const user of world.users) expect(user.shown).toEqual(world.other(user).said);
      } finally {
        await world.close();
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 60) },
  );
});

interface Kept {
  readonly stanza: Element;
  readonly to: User;
  state: 'pending' | 'delivered';
}

/** The server and the proxy behind it: it stores, acknowledges, hands over, and hands over again at a login. */
class Model implements FakeServer {
  readonly users = [new User('alice', this), new User('bob', this)] as const;
  readonly #kept = new Map<string, Kept>();

  other(user: User): User {
    return this.users[0] === user ? this.users[1] : this.users[0];
  }

  async play(script: readonly Step[]): Promise<void> {
    for (const user of this.users) user.comes();
    for (const step of script) {
      if (step.do === 'wait') await jest.advanceTimersByTimeAsync(step.ms);
      else await this.users[step.who].does(step);
    }
  }

  /** Nothing goes wrong any more. */
  async heal(): Promise<void> {
    for (const user of this.users) user.heal();
    for (const user of this.users) user.comes();
    // Longer than the longest wait between two attempts, and than stream management may take.
    for (let i = 0; i < 3; i++) {
      await jest.advanceTimersByTimeAsync(700_000);
      // By now the proxy sees that receipts are missing.
      for (const user of this.users) this.redeliver(user);
    }
    await jest.advanceTimersByTimeAsync(700_000);
  }

  async close(): Promise<void> {
    for (const user of this.users) await user.client.close();
  }

  take(stanza: Element, from: FakeXmpp): void {
    // What the cut takes is what is on its way when it comes.
    const { session } = from as UserXmpp;
    const sender = this.users.find(({ account }) => account === from.account);
    if (stanza.getChild('received', NS_RECEIPTS) !== undefined && sender?.losesReceipt()) return;
    setTimeout(() => session === (from as UserXmpp).session && this.#arrived(stanza, from), WAY);
  }

  answer(request: Element, from: FakeXmpp): Element | Error {
    const status = request.getChild('status', NS_OWN);
    if (status === undefined) return new Error('service-unavailable');
    const answers = status.getChildren('message').map(({ attrs: { id, to } }) => {
      const state = this.#kept.get(`${from.account} ${id}`)?.state ?? 'unknown';
      return xml('message', { id, to, state });
    });
    return xml('iq', { type: 'result' }, xml('status', { xmlns: NS_OWN }, ...answers));
  }

  /** All that is pending for somebody, oldest first. */
  redeliver(user: User): void {
    for (const { stanza, to, state } of this.#kept.values()) if (to === user && state === 'pending') to.gets(stanza);
  }

  #arrived(stanza: Element, from: FakeXmpp): void {
    const sender = this.users.find(({ account }) => account === from.account) as User;
    const to = this.other(sender);
    const received = stanza.getChild('received', NS_RECEIPTS)?.attrs.id;
    if (received !== undefined) {
      const kept = this.#kept.get(`${to.account} ${received}`);
      if (kept === undefined) throw new Error('A receipt for what was never sent');
      kept.state = 'delivered';
      to.gets(this.#receipt(received, sender));
      return;
    }
    const id = stanza.attrs.id as string;
    const key = `${sender.account} ${id}`;
    const known = this.#kept.get(key);
    sender.gets(
      xml(
        'message',
        { from: COMPONENT, type: 'chat' },
        xml('stored', { xmlns: NS_OWN, id, to: to.proxied }),
        received_(id),
      ),
    );
    if (known?.state === 'delivered') sender.gets(this.#receipt(id, to));
    if (known !== undefined) return;
    const forwarded = xml('message', { from: `${sender.proxied}/r`, type: 'chat', id }, ...stanza.getChildElements());
    this.#kept.set(key, { stanza: forwarded, to, state: 'pending' });
    to.gets(forwarded);
  }

  #receipt(id: string, by: User): Element {
    return xml('message', { from: `${by.proxied}/r`, type: 'chat' }, received_(id));
  }
}

function received_(id: string): Element {
  return xml('received', { xmlns: NS_RECEIPTS, id });
}

class UserXmpp extends FakeXmpp {
  /** Counts streams. */
  session = 0;
}

class User {
  readonly account: string;
  readonly proxied: string;
  readonly said: string[] = [];
  /** What the application has shown, in a database of its own. */
  readonly shown: string[] = [];
  readonly #store = memoryStore();
  readonly #model: Model;
  readonly #ids: string[] = [];
  xmpp: UserXmpp;
  client: ReceiptsClient;
  #loseNext = false;
  #loseReceipt = false;
  #twice = false;

  constructor(name: string, model: Model) {
    this.account = `${name}@${DOMAIN}`;
    this.proxied = `${name}@${COMPONENT}`;
    this.#model = model;
    [this.xmpp, this.client] = this.#load();
  }

  async does(step: Exclude<Step, { do: 'wait' }>): Promise<void> {
    switch (step.do) {
      case 'send':
        for (let i = 0; i < step.count; i++) this.#say();
        break;
      case 'cut':
        this.#cut();
        break;
      case 'reload':
        // What is in the store is there; what is on its way to it comes to it, or not, with the next steps.
        await jest.advanceTimersByTimeAsync(0);
        this.#cut();
        await this.client.close();
        [this.xmpp, this.client] = this.#load();
        break;
      case 'loseNext':
        this.#loseNext = true;
        break;
      case 'loseReceipt':
        this.#loseReceipt = true;
        break;
      case 'twice':
        this.#twice = true;
        break;
    }
  }

  comes(): void {
    if (this.xmpp.status === 'online') return;
    this.xmpp.session += 1;
    this.xmpp.online();
    this.#model.redeliver(this);
  }

  heal(): void {
    this.#loseNext = false;
    this.#twice = false;
    this.#loseReceipt = false;
  }

  losesReceipt(): boolean {
    const lost = this.#loseReceipt;
    this.#loseReceipt = false;
    return lost;
  }

  /** A stanza is on its way to this user. */
  gets(stanza: Element): void {
    const { session } = this.xmpp;
    const { xmpp } = this;
    const isWord = stanza.getChild('received', NS_RECEIPTS) !== undefined;
    const lost = this.#loseNext && isWord;
    const copies = this.#twice ? 2 : 1;
    if (lost) this.#loseNext = false;
    if (copies > 1) this.#twice = false;
    if (lost || xmpp.status !== 'online') return;
    for (let i = 0; i < copies; i++) {
      setTimeout(() => {
        if (this.xmpp === xmpp && xmpp.session === session && xmpp.status === 'online') xmpp.receives(stanza);
      }, WAY);
    }
  }

  unsettled(): unknown[] {
    const states = this.#ids.map((id) => this.client.get(id));
    return states.filter((tracked) => tracked?.state !== 'delivered');
  }

  #say(): void {
    const body = `${this.account} ${this.said.length}`;
    this.said.push(body);
    const { id } = this.client.send({ to: this.#model.other(this).proxied, body });
    this.#ids.push(id);
  }

  #cut(): void {
    this.xmpp.session += 1;
    this.xmpp.cut();
    // As @xmpp/client does.
    setTimeout(() => this.comes(), RECONNECT);
  }

  #load(): [UserXmpp, ReceiptsClient] {
    const xmpp = new UserXmpp(this.account, this.#model);
    const client = receiptsClient(xmpp, { component: COMPONENT, store: this.#store });
    client.receive(async ({ body }) => {
      // A database takes its time; a tab that is closed meanwhile has not shown it.
      await new Promise((resolve) => setTimeout(resolve, 15));
      if (this.client === client) this.shown.push(body ?? '');
    });
    return [xmpp, client];
  }
}
