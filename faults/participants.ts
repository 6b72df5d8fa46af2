import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { OWN_SERVER } from '../tests/support/stages/world.ts';
import type { Message, Recorder } from './history.ts';
import { LibrarySender } from './library-sender.ts';
import type { Mode } from './mode.ts';
import { FaultIds, Nemesis } from './nemesis.ts';
import { Conversations } from './outstanding.ts';
import { Owed } from './owed.ts';
import type { Random } from './random.ts';
import { HABITS, Recipient } from './recipients.ts';
import type { RedisKind } from './redis-kind.ts';
import type { Scenario } from './scenario.ts';
import { type Sender, StockSender, TEMPERS, type Temper } from './senders.ts';
import { Stage } from './stage.ts';
import { text } from './texts.ts';

/** The library takes answers from the domain that it wrote to, and each process has a domain here: see Stage. */
const STOCK_TEMPERS = TEMPERS.filter((temper) => temper !== 'library');
/** ms between two messages of one sender. */
const PACE = [100, 400] as const;
/** ms; how long the conversation goes on after the last fault. */
const CODA = 2000;
/** ms; how long a message may take to whom nothing stands in the way. */
const PROMPT = 30_000;
/** ms; how long what comes after the end is watched for. */
const DUPLICATE_WATCH = 3000;
/**
 * At a rate: seconds' worth of messages that one conversation may have out without an answer. Beyond it nothing is written there.
 * Otherwise a server that is slower than the rate would never come to an end with what the impatient ones send again and again.
 */
const OUTSTANDING_SECONDS = 2;

export interface CastOptions {
  readonly scenario: Scenario;
  readonly mode: Mode;
  readonly redis: RedisKind;
  /** Messages a second of all senders together. */
  readonly rate?: number | undefined;
  readonly settings: Record<string, string>;
  /** ms */
  readonly endsWithin: number;
  readonly recorder: Recorder;
  readonly random: Random;
}

/** All who take part in one run of a scenario: who writes, who reads, and who does harm. */
export class Participants {
  readonly #options: CastOptions;
  readonly #faults = new FaultIds();
  readonly #messages: Message[] = [];
  readonly #owed = new Owed();
  /** At a rate. */
  #conversations: Conversations | undefined;
  /** Those of whose delivery nobody is told, as the recipient's client returns no receipts and a gate sees that it has them. */
  readonly #awaitsNoWord = new Set<string>();
  #stage: Stage | undefined;
  #senders: Sender[] = [];
  #recipients: Recipient[] = [];
  #writing = true;
  /** The one user that all senders are, where that is so. */
  #account: string | undefined;

  constructor(options: CastOptions) {
    this.#options = options;
    options.recorder.listen((event) => {
      this.#owed.note(event);
      if (event.kind === 'acknowledged' || event.kind === 'notified') {
        this.#conversations?.answered(event.message);
      }
      if (event.kind === 'proved' && this.#awaitsNoWord.has(event.message)) this.#owed.settled(event.message);
    });
  }

  /** What the processes of the proxy printed. */
  get output(): string {
    return this.#stage?.proxies.map(({ output }) => output).join('\n') ?? '';
  }

  /** Resolves when all has ended, or had the time to. */
  async play(): Promise<void> {
    const { scenario, recorder, random, endsWithin } = this.#options;
    const stage = await this.#enter();
    await this.#greet();
    for (const recipient of this.#recipients) recipient.start();
    const talks = this.#senders.map((sender) => this.#talk(sender));
    await scenario.run({
      stage,
      nemesis: new Nemesis(recorder, this.#faults),
      random: random.fork('nemesis'),
      recorder,
      account: (name) => (this.#senders.some((sender) => sender.name === name) ? (this.#account ?? name) : name),
      messagesTo: (habit) => {
        const names = this.#recipients.filter((one) => one.habit === habit).map(({ name }) => name);
        return this.#messages.filter(({ recipient }) => names.includes(recipient));
      },
      burst: (count) => this.#burst(count),
      calm: (ms) => sleep(ms),
    });
    await sleep(CODA);
    this.#writing = false;
    await Promise.all([...talks, ...this.#recipients.map((recipient) => recipient.settle())]);
    // What is sent again only now must have time for its end as well.
    const unanswered = this.#senders.flatMap((sender) => sender.unanswered);
    await this.#owed.allTaken(unanswered, PROMPT);
    await this.#owed.nothing(endsWithin);
    await this.#lastWord();
    await sleep(DUPLICATE_WATCH);
    for (const sender of this.#senders) {
      const unanswered = this.#messages.filter(
        (message) => message.sender === sender.name && this.#owed.has(message.id),
      );
      if (unanswered.length > 0) await Promise.race([sender.ask(unanswered), sleep(PROMPT)]);
    }
  }

  async close(): Promise<void> {
    this.#writing = false;
    // Who is to say goodbye to a server that stands still waits in vain.
    await Promise.race([
      Promise.allSettled([...this.#senders, ...this.#recipients].map((it) => it.close())),
      sleep(3000),
    ]);
    await this.#stage?.close();
  }

  async #enter(): Promise<Stage> {
    const { scenario, mode, redis, rate, settings, recorder, random } = this.#options;
    const tempers = scenario.senders ?? (scenario.processes === 2 ? STOCK_TEMPERS : TEMPERS);
    const habits = scenario.recipients ?? HABITS;
    const senders = tempers.map((_, i) => `sender${i + 1}`);
    const recipients = habits.map((_, i) => `recipient${i + 1}`);
    const stage = await Stage.open({
      mode,
      redis,
      recorder,
      settings,
      processes: scenario.processes ?? 1,
      hurried: rate !== undefined,
      replica: scenario.replica ?? false,
      clocks: scenario.clocks ?? false,
      users: [...senders, ...recipients],
    });
    this.#stage = stage;
    // A server that is not ours has the users that it has: one is all the senders, and there are as many recipients as others.
    const [first, ...others] = OWN_SERVER ? [] : [...stage.world.xmpp.passwords.keys()];
    this.#account = first;
    const ranked = scenario.recipients ?? random.fork('habits').shuffle(HABITS);
    const here = first === undefined ? habits : ranked.slice(0, others.length);
    const domains = stage.proxies.map(({ domain }) => domain);
    // What a sender may have out.
    const outstanding = rate && (rate / senders.length) * OUTSTANDING_SECONDS;
    if (outstanding !== undefined) this.#conversations = new Conversations(outstanding / here.length);
    this.#senders = senders.map((name, i) => {
      const temper = tempers[i] as Temper;
      const own = random.fork(name);
      return temper === 'library'
        ? new LibrarySender(
            stage.world,
            name,
            first ?? name,
            domains,
            mode,
            recorder,
            outstanding && Math.ceil(outstanding),
          )
        : new StockSender(stage.world, name, first ?? name, temper, domains, mode, recorder, own);
    });
    this.#recipients = here.map((habit, i) => {
      const name = others[i] ?? (recipients[i] as string);
      return new Recipient(stage.world, name, habit, recorder, random.fork(name), this.#faults);
    });
    await Promise.all([...this.#senders, ...this.#recipients].map((one) => one.open()));
    return stage;
  }

  /** Everybody writes to everybody once while all is well, so that who confirms is known to. */
  async #greet(): Promise<void> {
    const greetings: string[] = [];
    for (const sender of this.#senders) {
      for (const recipient of this.#recipients) {
        const id = await this.#write(sender, recipient);
        if (recipient.habit !== 'never') greetings.push(id);
      }
    }
    await this.#owed.allEnded(greetings, PROMPT);
    const missing = greetings.filter((id) => !this.#owed.hasEnded(id));
    if (missing.length > 0) throw new Error(`Before any fault, ${missing.length} messages were not delivered`);
  }

  #talk(sender: Sender): Promise<void> {
    const { rate } = this.#options;
    const conversations = this.#conversations;
    if (rate === undefined || conversations === undefined) return this.#talkAsTyped(sender);
    return this.#talkAt(rate / this.#senders.length, sender, conversations);
  }

  /** @param rate messages a second, as far as there may be messages out */
  async #talkAt(rate: number, sender: Sender, conversations: Conversations): Promise<void> {
    const random = this.#options.random.fork(`${sender.name} talks`);
    const between = ({ name }: Recipient) => `${sender.name} ${name}`;
    const began = performance.now();
    for (let count = 0; this.#writing; await sleep(5)) {
      const now = performance.now();
      const due = ((now - began) * rate) / 1000;
      for (; count < due && this.#writing; count += 1) {
        const drawn = random.pick(this.#recipients);
        // Where a fault holds up what some recipients are written, the others are written more: the rate stays what it is.
        const recipient = [drawn, ...this.#recipients].find((one) => conversations.hasRoom(between(one), now));
        if (recipient === undefined) continue;
        const message = this.#compose(sender, recipient);
        conversations.wrote(between(recipient), message.id, now);
        await sender.write(message);
      }
    }
  }

  async #talkAsTyped(sender: Sender): Promise<void> {
    const [low, high] = PACE;
    const random = this.#options.random.fork(`${sender.name} talks`);
    while (this.#writing) {
      await sleep(random.between(low, high));
      if (this.#writing) await this.#write(sender, random.pick(this.#recipients));
    }
  }

  async #burst(count: number): Promise<void> {
    const [sender] = this.#senders;
    const recipient = this.#recipients[0];
    if (sender === undefined || recipient === undefined) return;
    for (let i = 0; i < count; i += 1) {
      await this.#write(sender, recipient);
      // The clients live in this process as well.
      if (i % 50 === 49) await sleep(1);
    }
  }

  /** Whether it works at the end, whatever came before. */
  async #lastWord(): Promise<void> {
    const recipient = this.#recipients.find(({ habit }) => habit !== 'never' && habit !== 'flaps');
    if (recipient === undefined) return;
    const words = await Promise.all(this.#senders.map((sender) => this.#write(sender, recipient)));
    await this.#owed.allAnswered(words, PROMPT);
    await this.#owed.allEnded(words, PROMPT);
  }

  async #write(sender: Sender, recipient: Recipient): Promise<string> {
    const message = this.#compose(sender, recipient);
    await sender.write(message);
    return message.id;
  }

  #compose(sender: Sender, recipient: Recipient): Message {
    const { mode, recorder, random } = this.#options;
    const n = this.#messages.length + 1;
    const message: Message = {
      // An id that nobody counts: what comes again under it is the same message, however late. And a server that is not ours
      // may still have something of an earlier run, and delivers it.
      id: `m${n}-${randomUUID()}`,
      sender: sender.name,
      recipient: recipient.name,
      body: text(n, random.fork(`text ${n}`)),
    };
    this.#messages.push(message);
    if (mode === 'transparent' && recipient.habit === 'never') this.#awaitsNoWord.add(message.id);
    recorder.message(message);
    return message;
  }
}
