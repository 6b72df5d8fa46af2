import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import xml from '@xmpp/xml';
import { Redis } from 'ioredis';
import { killOpenfire, startOpenfire } from '../../tests/support/gate/openfire-process.ts';
import { ProxyProcess } from '../../tests/support/stages/proxy-process.ts';
import { OWN_SERVER, World } from '../../tests/support/stages/world.ts';
import { KeptShards } from '../../tests/support/store/kept-shards.ts';
import { until } from '../../tests/support/time/until.ts';
import { type Kind, type Person, person } from './people.ts';
import { RESUME_WINDOW, type Row, type Scene } from './rows.ts';

/** A column of the table. */
export interface Column extends Kind {
  readonly name: string;
  readonly proxy: boolean;
  /** Users write to each other's own addresses, and a gate in the server holds what they write (MODE=transparent). */
  readonly gate?: boolean;
  /** How the proxy is set up beside the mode. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const COLUMNS: readonly Column[] = [
  { name: '(a) plain chat', proxy: false, streamManagement: false, receipts: false, library: false },
  { name: '(b) XEP-0184 alone', proxy: false, streamManagement: false, receipts: true, library: false },
  { name: '(c) XEP-0198 alone', proxy: false, streamManagement: true, receipts: false, library: false },
  { name: '(d) proxy, stock clients', proxy: true, streamManagement: false, receipts: true, library: false },
  { name: '(e) proxy and library', proxy: true, streamManagement: true, receipts: true, library: true },
  {
    name: '(f) transparent, stock clients',
    proxy: true,
    gate: true,
    streamManagement: true,
    receipts: true,
    library: false,
  },
];

const TRANSPARENT = COLUMNS.find(({ gate }) => gate) as Column;

/** Those of an Openfire that somebody else has set up: (f), what its clients have there without us, and what (f) is without rule 18. */
export const SERVER_COLUMNS: readonly Column[] = [
  { name: 'the clients of (f), unheld', proxy: false, streamManagement: true, receipts: true, library: false },
  TRANSPARENT,
  { ...TRANSPARENT, name: '(f) with `PROOF_GRACE=0s`', settings: { PROOF_GRACE: '0s' } },
];

/** What became of the messages of one cell. */
export interface Outcome {
  readonly lost: number;
  readonly once: number;
  /** Seen twice or more by the application. */
  readonly twice: number;
  /** Lost, and the sender believes that somebody has it. */
  readonly unnoticed: number;
  /** Copies that came to an application that had shown the message. */
  readonly needless: number;
  /** The most of them of one message. */
  readonly mostNeedless: number;
  /** Of the needless ones, those that the proxy may have sent; the server, or the sender's client, made the others. */
  readonly ours: number;
  /** Of ours, those of messages that the recipient's client had confirmed just before its session ended (PROOF_GRACE). */
  readonly doubted: number;
  /** Of ours, those of messages that a session had not confirmed when it ended: the server, unheld, routes such ones anew itself. */
  readonly unconfirmed: number;
}

const { OPENFIRE_HOME = '', OPENFIRE_START = '', E2E_RESUME_WINDOW } = process.env;

function serverCan(need: Row['needs']): boolean {
  if (need === undefined || OWN_SERVER) return true;
  return need === 'restart' ? OPENFIRE_START !== '' : E2E_RESUME_WINDOW !== undefined;
}

/** ms; longer than any cell takes when all is well. */
const TIMEOUT = 90_000;

/** A server, a Redis and a proxy, on which one cell after the other is measured. */
export class Stage {
  readonly #world: World;
  readonly #gate: boolean;
  readonly #redis: Redis;
  #process: ProxyProcess | undefined;
  #inProcess = false;
  #settings: Column['settings'];
  #cells = 0;

  private constructor(world: World, gate: boolean) {
    this.#world = world;
    this.#gate = gate;
    this.#redis = new Redis(world.redis.url);
    // One of the rows stops it.
    this.#redis.on('error', () => {});
  }

  /** @param gate for the columns with a gate; without, for all others */
  static async open(gate = false): Promise<Stage> {
    const config = `smacks_hibernation_time = ${RESUME_WINDOW / 1000}`;
    // Two users a cell, so that none finds what another has left behind.
    const users: Record<string, string> = {};
    for (let i = 1; i <= 100; i += 1) for (const name of ['alice', 'bob']) users[`${name}${i}`] = 'pw';
    return new Stage(await World.open({ config, users, gate }), gate);
  }

  /** @returns undefined where the row means nothing for this column, or cannot be done on this server */
  async measure(row: Row, column: Column, messages: number): Promise<Outcome | undefined> {
    if (column.proxy && (column.gate ?? false) !== this.#gate)
      throw new Error(`${column.name} is measured on another stage`);
    if (!serverCan(row.needs) || (row.ofProxy && !column.proxy)) return undefined;
    // Otherwise it would hold, with a gate.
    if (!column.proxy ? this.#gate : this.#settings !== column.settings) await this.#stopProxy();
    this.#settings = column.settings;
    if (column.proxy) await this.#proxy(row.ownProcess === true);
    this.#cells += 1;
    const world = this.#world;
    const names = OWN_SERVER
      ? [`alice${this.#cells}`, `bob${this.#cells}`]
      : ([...world.xmpp.passwords.keys()].slice(0, 2) as string[]);
    const [first = '', second = ''] = names;
    // Of a resource, a server may remember what was on it before: each cell has its own.
    if (!OWN_SERVER) for (const name of names) await this.#drain(name);
    const alice = await person(world, first, `desk${this.#cells}`, column);
    const bob = await person(world, second, `phone${this.#cells}`, column);
    const cell = new Cell(world, column, alice, bob, messages, this.#cells, {
      killProxy: column.proxy ? () => this.#killProxy() : undefined,
      restartServer: (killed) => this.#restartServer(killed),
      stopRedis: column.proxy ? () => this.#world.redis.kill() : undefined,
      startRedis: () => this.#startRedis(),
      sent: () => this.#sent(),
      owed: () => new KeptShards(this.#redis).dueCount(),
    });
    try {
      await cell.begin();
      await row.act(cell);
      return await cell.outcome();
    } finally {
      await Promise.all([alice.close(), cell.bob.close()]);
    }
  }

  /** What the server says that it is (XEP-0092). */
  async serverName(): Promise<string> {
    const [name = ''] = this.#world.xmpp.passwords.keys();
    const user = await this.#world.user(name);
    const request = xml(
      'iq',
      { type: 'get', to: this.#world.xmpp.domain },
      xml('query', { xmlns: 'jabber:iq:version' }),
    );
    const answer = (await user.iq(request)).getChild('query');
    await user.offline();
    return `${answer?.getChildText('name')} ${answer?.getChildText('version')}`;
  }

  async close(): Promise<void> {
    await this.#process?.signal('SIGKILL');
    this.#redis.disconnect();
    await this.#world.close();
  }

  /** What waits for somebody, be it from an earlier run, comes, and is confirmed. */
  async #drain(name: string): Promise<void> {
    const kind = { streamManagement: false, receipts: true, library: false };
    const one = await person(this.#world, name, `drain${this.#cells}`, kind);
    await one.close();
  }

  /** Has the proxy run in this process, or in one of its own. */
  async #proxy(own: boolean): Promise<void> {
    if (own && this.#process === undefined) {
      await this.#stopProxy();
      await this.#startProcess();
    } else if (!own && !this.#inProcess) {
      await this.#stopProxy();
      await this.#world.startProxy(this.#mode);
      this.#inProcess = true;
      await this.#ready();
    }
  }

  async #stopProxy(): Promise<void> {
    if (this.#inProcess) await this.#world.stopProxy();
    this.#inProcess = false;
    await this.#process?.signal('SIGTERM');
    this.#process = undefined;
  }

  /** Resolves when the proxy, if it runs in this process, is linked to it again. */
  async #restartServer(killed: () => void): Promise<void> {
    const { prosody } = this.#world.xmpp;
    await (prosody === undefined ? killOpenfire(OPENFIRE_HOME) : prosody.kill());
    killed();
    await (prosody === undefined ? startOpenfire(OPENFIRE_START) : prosody.restart());
    await this.#ready();
  }

  async #killProxy(): Promise<void> {
    await this.#process?.signal('SIGKILL');
    await this.#startProcess();
  }

  async #startProcess(): Promise<void> {
    this.#process = new ProxyProcess(this.#world.environment({ LOG_LEVEL: 'info', ...this.#mode }));
    await this.#process.prints(this.#gate ? 'The gate holds messages for us' : 'The link is up');
  }

  get #mode(): Record<string, string> {
    return { ...(this.#gate && { MODE: 'transparent' }), ...this.#settings };
  }

  async #startRedis(): Promise<void> {
    await this.#world.redis.restart();
    await this.#ready();
  }

  /** Resolves when the proxy, if it runs in this process, takes messages. */
  async #ready(): Promise<void> {
    const ready = () => !this.#inProcess || this.#world.proxy.readiness.ready;
    await until(ready, { within: TIMEOUT, what: 'the proxy to be ready' });
  }

  /** What the proxy has sent beside the first copies; one in a process of its own does not say. */
  #sent(): Sent {
    if (!this.#inProcess) return { copies: Number.POSITIVE_INFINITY, doubted: 0, unconfirmed: 0 };
    const { redelivered, proofsDoubted, evidenceSessionEnded } = this.#world.proxy.metrics.counts;
    return { copies: redelivered, doubted: proofsDoubted, unconfirmed: evidenceSessionEnded };
  }
}

/** Copies beside the first, and how many for a confirmation that was in doubt, or none before the end of the session. */
interface Sent {
  readonly copies: number;
  readonly doubted: number;
  readonly unconfirmed: number;
}

class Cell implements Scene {
  readonly texts: readonly string[];
  /** As the clients of today name what they write. */
  readonly #ids: readonly string[];
  readonly #words: string[] = [];
  #before: Sent = { copies: 0, doubted: 0, unconfirmed: 0 };

  constructor(
    readonly world: World,
    readonly column: Column,
    readonly alice: Person,
    public bob: Person,
    readonly messages: number,
    readonly number: number,
    readonly place: {
      readonly killProxy: (() => Promise<void>) | undefined;
      readonly restartServer: (killed: () => void) => Promise<void>;
      readonly stopRedis: (() => Promise<void>) | undefined;
      readonly startRedis: () => Promise<void>;
      /** What the proxy has sent so far. */
      readonly sent: () => Sent;
      /** How much the proxy has to deliver or to tell. */
      readonly owed: () => Promise<number>;
    },
  ) {
    this.texts = Array.from({ length: messages }, (_, i) => `${number}: text ${i}`);
    this.#ids = this.texts.map(() => randomUUID());
  }

  get killProxy(): (() => Promise<void>) | undefined {
    return this.place.killProxy;
  }

  get streamManagement(): boolean {
    return this.column.streamManagement;
  }

  get #to(): string {
    const { componentDomain, domain } = this.world.xmpp;
    return `${this.bob.name}@${this.column.proxy && !this.column.gate ? componentDomain : domain}`;
  }

  async says(from: number, to: number, pause = 0): Promise<void> {
    for (const i of this.#share(from, to)) {
      await this.alice.write(this.#to, this.#id(i), this.texts[i] as string);
      if (pause > 0) await sleep(pause);
    }
  }

  async taken(to: number): Promise<void> {
    const { alice, column } = this;
    if (!column.proxy) return alice.back();
    const all = () => this.#share(0, to).every((i) => alice.believes(this.#id(i)));
    await until(all, { within: TIMEOUT, what: 'the proxy to take all' });
  }

  restartServer(killed: () => void): Promise<void> {
    return this.place.restartServer(killed);
  }

  get stopRedis(): (() => Promise<void>) | undefined {
    return this.place.stopRedis;
  }

  startRedis(): Promise<void> {
    return this.place.startRedis();
  }

  async begin(): Promise<void> {
    await this.word('before');
    this.#before = this.place.sent();
  }

  /** A word between the two that is not counted; resolves when bob has it. */
  async word(text: string): Promise<void> {
    const whole = `${this.number}: ${text}`;
    const id = randomUUID();
    this.#words.push(id);
    await this.alice.write(this.#to, id, whole);
    await until(() => this.bob.seen.includes(whole), { within: TIMEOUT, what: `“${text}”` });
    if (!this.column.receipts) return;
    await until(() => this.alice.settled(id), { within: TIMEOUT, what: `the receipt for “${text}”` });
  }

  /** Waits until nothing more is to come, and counts. */
  async outcome(): Promise<Outcome> {
    const { alice, bob, column, texts } = this;
    await Promise.all([alice.back(), bob.back()]);
    await this.#nothingOwed();
    // The server keeps their order, so that what was on its way before this has come.
    await this.word('after');
    await this.#nothingOwed();
    await this.word('the end');
    const counts = new Map<string, number>();
    for (const text of bob.seen) counts.set(text, (counts.get(text) ?? 0) + 1);
    const copies = texts.map((text) => counts.get(text) ?? 0);
    if (column.library) {
      const known = copies.filter((count, i) => count === 0 && alice.settled(this.#id(i))).length;
      if (known > 0) throw new Error(`${known} messages ended that nobody saw`);
    }
    const needless = copies.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
    const [sent, before] = [this.place.sent(), this.#before];
    const of = (copies: number, most: number) => (column.proxy ? Math.min(copies, most) : 0);
    const ours = of(needless, Number.isFinite(sent.copies) ? sent.copies - before.copies : needless);
    // Who had confirmed it had shown it.
    const doubted = of(ours, sent.doubted - before.doubted);
    const unconfirmed = of(ours - doubted, sent.unconfirmed - before.unconfirmed);
    return {
      lost: copies.filter((count) => count === 0).length,
      once: copies.filter((count) => count === 1).length,
      twice: copies.filter((count) => count > 1).length,
      unnoticed: copies.filter((count, i) => count === 0 && alice.believes(this.#id(i))).length,
      needless,
      ours,
      doubted,
      unconfirmed,
      mostNeedless: Math.max(0, ...copies.map((count) => count - 1)),
    };
  }

  async #nothingOwed(): Promise<void> {
    const { alice, column, place } = this;
    const sent = this.#share(0, 1);
    if (column.library) {
      const ended = () => sent.every((i) => alice.settled(this.#id(i)));
      await until(ended, { within: TIMEOUT, what: 'the library to be done with all' });
    }
    if (!column.proxy) return;
    await until(async () => (await place.owed()) === 0, { within: TIMEOUT, what: 'the proxy to owe nothing' });
  }

  #id(i: number): string {
    return this.#ids[i] as string;
  }

  #share(from: number, to: number): number[] {
    const [first, last] = [Math.floor(from * this.messages), Math.floor(to * this.messages)];
    return Array.from({ length: last - first }, (_, i) => first + i);
  }
}
