import { until } from '../tests/support/time/until.ts';
import type { Heard, Person } from './person.ts';
import { COMPONENT_DOMAIN, FIRST_RETRY, type Stage, TTL } from './stage.ts';
import type { Terminal } from './terminal.ts';

export interface Cast {
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
}

const TRANSPARENT = [
  '',
  '   alice ──▶ XMPP server ──▶ bob',
  '         holds it │ ▲ until it is stored',
  '                  ▼ │',
  '           openfire-receipts ──▶ Redis: each message, until confirmed',
];
const SUBDOMAIN = [
  '',
  '   alice ──▶ XMPP server ──▶ openfire-receipts ──▶ XMPP server ──▶ bob',
  '                                     │',
  '                     Redis: each message, until confirmed',
];

/** The story: each line is told when what it tells was observed, and what does not come about ends it with an error. */
export class Story {
  readonly #stage: Stage;
  readonly #terminal: Terminal;
  /** What the proxy must have counted in the end. */
  readonly #told = { accepted: 0, delivered: 0, redelivered: 0, duplicates: 0, expired: 0, gate_unheld: 0 };

  constructor(stage: Stage, terminal: Terminal) {
    this.#stage = stage;
    this.#terminal = terminal;
  }

  async tell(): Promise<Cast> {
    const { alice, bob } = await this.#beginning();
    await this.#healthy(alice, bob);
    const { id, text } = await this.#lost(alice, bob);
    await this.#duplicate(alice, bob, id, text);
    const carol = await this.#expired(alice);
    await this.#killed(alice, bob);
    await this.#summary();
    return { alice, bob, carol };
  }

  async #beginning(): Promise<{ alice: Person; bob: Person }> {
    const { line, chapter, block } = this.#voice;
    await chapter('1  The servers start');
    const [redis, server] = await Promise.all([this.#stage.startRedis(), this.#stage.startXmppServer()]);
    await line('redis', `Runs on port ${redis.port}.`);
    await line('server', `Prosody, a real XMPP server, runs on port ${server.c2sPort}.`);
    const proxy = await this.#stage.startProxy();
    await line('proxy', 'Starts.');
    await proxy.linked();
    await line('proxy', `Is attached to the server as ${COMPONENT_DOMAIN}.`);
    if (this.#stage.transparent) await line('server', 'Its plugin holds each message until the proxy has stored it.');
    await line(
      'proxy',
      `Sends again after ${FIRST_RETRY} s and gives up after ${TTL} s: for this demo, in place of 30 s and 7 days.`,
    );
    await line('proxy', `Dashboard, to watch along: ${this.#stage.url}/queues`);
    const alice = await this.#stage.person('alice');
    const bob = await this.#stage.person('bob');
    await line('alice', `Signs in, and writes to ${bob.address}${this.#stage.transparent ? ', as ever' : ''}:`);
    await block(this.#stage.transparent ? TRANSPARENT : SUBDOMAIN);
    return { alice, bob };
  }

  async #healthy(alice: Person, bob: Person): Promise<void> {
    const { line, chapter } = this.#voice;
    await chapter('2  A message arrives');
    const text = 'Lunch at one?';
    const id = await alice.say(bob, text, 'lunch-1');
    await line('alice', `“${text}”`);
    await this.#acknowledged(alice, bob, id);
    await line('bob', `Gets “${text}”, and his client confirms it.`, { at: (await bob.hears(text)).at });
    await this.#delivered(alice, id, "Delivered: bob's client has confirmed it.");
  }

  async #lost(alice: Person, bob: Person): Promise<{ id: string; text: string }> {
    const { line, chapter } = this.#voice;
    await chapter('3  A message is lost, and arrives all the same');
    bob.losesNetwork();
    await line('bob', 'Loses his network. The server still takes him for online.', { mark: 'failed' });
    const text = 'Make it half past one, please.';
    const id = await alice.say(bob, text, 'lunch-2');
    await line('alice', `“${text}”`);
    await this.#acknowledged(alice, bob, id);
    await this.#stage.handedOver(alice, bob, id);
    await line('server', 'Sends it into the dead connection, and forgets it.', { mark: 'failed' });
    await bob.comesBack();
    const heard = bob.hears(text);
    if (this.#stage.transparent) {
      await line('bob', 'Is back online, with a new session.');
      await this.#sentAgain(id, 'His old session ended without it: it sends the message again.', heard);
    } else {
      const lost = bob.count(text) === 0;
      await line('bob', lost ? 'Is back online, and there is nothing for him. Lost!' : 'Is back online.');
      await this.#sentAgain(id, `No receipt for ${FIRST_RETRY} seconds: it sends the message again.`, heard);
    }
    await line('bob', `Gets “${text}”`, { at: (await heard).at });
    await this.#delivered(alice, id, 'Delivered.');
    return { id, text };
  }

  async #duplicate(alice: Person, bob: Person, id: string, text: string): Promise<void> {
    const { line, chapter } = this.#voice;
    await chapter('4  The same message twice');
    await alice.say(bob, text, id);
    await line('alice', `Sends “${text}” again, as after a lost acknowledgement.`);
    await line('alice', 'Acknowledged, again.', { mark: 'stored', at: (await alice.acknowledged(id)).at });
    await line('alice', 'Delivered: she is told that again, too.', {
      mark: 'delivered',
      at: (await alice.delivered(id)).at,
    });
    this.#told.duplicates += 1;
    // Messages of one conversation keep their order: a second copy would have come before this.
    const question = 'Did that come twice?';
    const asked = await alice.say(bob, question, 'lunch-3');
    await line('alice', `“${question}”`);
    const { at } = await bob.hears(question);
    const copies = bob.count(text);
    if (copies !== 1) throw new Error(`bob got “${text}” ${copies} times`);
    await this.#confirmed(alice, asked);
    await line('bob', 'Has seen it once: the duplicate went no further.', { at });
    const answer = 'No, only once.';
    const answered = await bob.say(alice, answer, 'lunch-4');
    await line('bob', `“${answer}”`);
    await line('alice', `Gets “${answer}”`, { at: (await alice.hears(answer)).at });
    await this.#confirmed(bob, answered);
  }

  async #expired(alice: Person): Promise<Person> {
    const { line, chapter } = this.#voice;
    await chapter('5  A recipient who does not come back');
    const carol = await this.#stage.person('carol');
    const greeting = 'Join us for lunch, carol?';
    const greeted = await alice.say(carol, greeting, 'carol-1');
    await line('alice', `“${greeting}”`);
    await line('carol', `Gets “${greeting}”`, { at: (await carol.hears(greeting)).at });
    await line('alice', 'Delivered.', { mark: 'delivered', at: (await this.#confirmed(alice, greeted)).at });
    carol.losesNetwork();
    await line('carol', 'Drops her phone into the lake.', { mark: 'failed' });
    const text = 'Half past one, carol!';
    const id = await alice.say(carol, text, 'carol-2');
    await line('alice', `“${text}”`);
    await this.#acknowledged(alice, carol, id);
    await this.#untilFailed(alice, id);
    this.#told.expired += 1;
    await until(() => this.#stage.showsUndelivered(id), { what: 'the dead letter in the dashboard' });
    await line('proxy', 'Keeps it for an operator, in the queue “undelivered”:');
    await line('proxy', `${this.#stage.url}/queues/queue/undelivered`);
    return carol;
  }

  async #killed(alice: Person, bob: Person): Promise<void> {
    const { line, chapter } = this.#voice;
    await chapter('6  The proxy is killed');
    bob.losesNetwork();
    await line('bob', 'Loses his network again.', { mark: 'failed' });
    const text = 'I am by the window.';
    const id = await alice.say(bob, text, 'lunch-5');
    await line('alice', `“${text}”`);
    await this.#acknowledged(alice, bob, id);
    await this.#stage.handedOver(alice, bob, id);
    await this.#stage.killProxy();
    await line('proxy', 'Is killed (kill -9), before the message was delivered.', { mark: 'failed' });
    await bob.comesBack();
    const lost = bob.count(text) === 0;
    await line('bob', lost ? 'Is back online, and there is nothing for him.' : 'Is back online.');
    if (this.#stage.transparent) await this.#unheld(alice, bob);
    // On a slow machine it takes long to start, and the message is not to end meanwhile.
    const proxy = await this.#stage.startProxy({ MESSAGE_TTL: '1m' });
    await line('proxy', 'Is started again.');
    await proxy.linked();
    await line('proxy', 'Is up again, and knows only what Redis knows.');
    const heard = bob.hears(text);
    await this.#sentAgain(id, 'Finds the unconfirmed message there, and sends it again.', heard);
    await line('bob', `Gets “${text}”`, { at: (await heard).at });
    await this.#delivered(alice, id, 'Delivered.');
  }

  /** Without the proxy the server does what it always did. */
  async #unheld(alice: Person, bob: Person): Promise<void> {
    const { line } = this.#voice;
    const text = 'Hello? Where are you?';
    const id = await alice.say(bob, text, 'lunch-6');
    await line('alice', `“${text}”`);
    await line('bob', `Gets “${text}”: without the proxy, messages pass.`, { at: (await bob.hears(text)).at });
    await alice.delivered(id);
    // Her message, and his receipt.
    this.#told.gate_unheld += 2;
  }

  async #summary(): Promise<void> {
    const { chapter, block } = this.#voice;
    const figures = await this.#stage.figures();
    const { accepted, delivered, redelivered, duplicates, expired, unconfirmed, rejected } = figures;
    const lost = accepted - delivered - expired - unconfirmed - rejected;
    await chapter('What the proxy has counted (/metrics, both processes together)');
    await block(['']);
    await this.#terminal.table([
      ['accepted', accepted, 'stored, then acknowledged'],
      ['delivered', delivered, "confirmed by the recipient's own client"],
      ['redelivered', redelivered, 'copies sent again'],
      ['duplicates', duplicates, 'sent again by the sender, and not shown twice'],
      ['expired', expired, `without a receipt for ${TTL} seconds; the sender was told`],
      ...(this.#stage.transparent
        ? ([['unheld', figures.gate_unheld, 'passed while the proxy was down: a message and its receipt']] as const)
        : []),
      ['lost', lost, 'acknowledged, and then neither delivered nor reported'],
    ]);
    for (const name of ['accepted', 'delivered', 'redelivered', 'duplicates', 'expired', 'gate_unheld'] as const) {
      // On a slow machine a message is sent again once more than was told of.
      const least = this.#told[name];
      if (name === 'redelivered' ? figures[name] >= least : figures[name] === least) continue;
      throw new Error(`/metrics counts ${figures[name]} ${name}, and the story told of ${least}`);
    }
    if (lost !== 0) throw new Error(`${lost} messages were lost`);
  }

  async #acknowledged(from: Person, to: Person, id: string): Promise<void> {
    const { at } = await from.acknowledged(id);
    if ((await this.#stage.stored(from, to, id)) === undefined) throw new Error(`Redis does not have ${id}`);
    this.#told.accepted += 1;
    await this.#terminal.line('alice', 'Acknowledged: the proxy has stored it in Redis.', { mark: 'stored', at });
  }

  async #delivered(from: Person, id: string, text: string): Promise<void> {
    const { at } = await from.delivered(id);
    this.#told.delivered += 1;
    await this.#terminal.line('alice', text, { mark: 'delivered', at });
  }

  /** Acknowledged and delivered, which by now need not be told one by one. */
  async #confirmed(from: Person, id: string): Promise<Heard> {
    await from.acknowledged(id);
    this.#told.accepted += 1;
    const receipt = await from.delivered(id);
    this.#told.delivered += 1;
    return receipt;
  }

  /** @param heard when the copy comes: at an end of a session it goes at once, and no job is logged */
  async #sentAgain(id: string, text: string, heard: Promise<Heard>): Promise<void> {
    const timeout = { within: 20_000, what: `${id} to be sent again` };
    let at: number;
    if (this.#stage.transparent) {
      at = (await heard).at;
      await until(async () => (await this.#stage.figures()).redelivered > this.#told.redelivered, timeout);
    } else at = (await until(() => this.#stage.redeliveries(id)[0], timeout)) as number;
    await this.#terminal.line('proxy', text, { mark: 'again', at });
    this.#told.redelivered += 1;
  }

  async #untilFailed(alice: Person, id: string): Promise<void> {
    const { line } = this.#voice;
    let failed: Heard | undefined;
    const failing = alice.failed(id).then((heard) => {
      failed = heard;
    });
    let copies = 0;
    const watching = until(
      async () => {
        for (const at of this.#stage.redeliveries(id).slice(copies)) {
          copies += 1;
          const text = copies === 1 ? 'No receipt: it sends the message again.' : 'And again.';
          await line('proxy', text, { mark: 'again', at });
        }
        return failed;
      },
      { within: 30_000 },
    );
    await Promise.all([failing, watching]);
    this.#told.redelivered += copies;
    const { stanza, at } = failed as unknown as Heard;
    const text = stanza.getChild('error')?.getChildText('text');
    await line('alice', `Is told it failed: “${text}”.`, { mark: 'failed', at });
  }

  get #voice() {
    const terminal = this.#terminal;
    return {
      line: terminal.line.bind(terminal),
      chapter: terminal.chapter.bind(terminal),
      block: terminal.block.bind(terminal),
    };
  }
}
