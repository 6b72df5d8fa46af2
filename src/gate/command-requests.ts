import { randomBytes } from 'node:crypto';
import { request } from './commands.ts';
import type { Failed } from './events.ts';

/** What becomes of a command: `failed` with why it was not carried out, `lost` when nobody can tell. */
export type CommandOutcome = 'done' | 'lost' | Failed;

interface Command {
  readonly xml: string;
  readonly name: string;
  readonly n: string;
  readonly done: ((outcome: CommandOutcome) => void) | undefined;
}

interface Pending {
  readonly commands: readonly Command[];
  readonly held: { done: boolean };
  /** Of the monotonic clock, ms. */
  readonly sentAt: number;
}

export interface CommandRequestsOptions {
  readonly link: { send(xml: string, tag: undefined, priority: 'high'): { done: boolean } };
  readonly componentDomain: string;
  readonly servedDomain: string;
}

/** One request has so many commands and characters at most: servers bound what they parse at once. */
const MOST_COMMANDS = 200;
const MOST_CHARACTERS = 60_000;

/**
 * So long (ms) a command that nobody waits for may wait for others to go with. A request of its own costs a server as much as the verdict
 * did, and its answer; a gate that tells of a message again meanwhile is told once more.
 */
const LATER = 250;

/** The requests to a gate: the commands that go in each, all of a turn of the event loop in one, and those that have no answer yet. */
export class CommandRequests {
  readonly #options: CommandRequestsOptions;
  /** Of the ids of all requests; it cannot be guessed. */
  readonly idBase = randomBytes(12).toString('base64url');
  #ids = 0;
  readonly #pending = new Map<string, Pending>();
  /** Requests for a lease without an answer, oldest first. */
  readonly #asks = new Map<string, { done: boolean }>();
  /** Of the lease that the gate has granted; undefined without one. */
  #token: string | undefined;
  /** Commands that go with the next {@link flush}. */
  #waiting: Command[] = [];
  #flushing = false;
  /** Goes when commands that wait for others are to go by themselves. */
  #later: NodeJS.Timeout | undefined;
  /** When the gate was last given commands (monotonic, ms). */
  lastSentAt = 0;

  constructor(options: CommandRequestsOptions) {
    this.#options = options;
  }

  /** When the oldest request without an answer was sent (monotonic, ms). */
  get oldestSentAt(): number | undefined {
    const [oldest] = this.#pending.values();
    return oldest?.sentAt;
  }

  /** A lease is granted: commands go under it. */
  begin(token: string): void {
    this.#token = token;
    this.lastSentAt = performance.now();
  }

  /** Takes a command, after those before. Without a lease it is lost at once. */
  command(command: Command): void {
    if (this.#token === undefined) {
      command.done?.('lost');
      return;
    }
    this.#waiting.push(command);
    this.#flushSoon();
  }

  /** Takes a command that goes with the next, or soon: nobody waits for it. Those that follow do not overtake it. */
  commandLater(command: Command): void {
    if (this.#token === undefined) return;
    this.#waiting.push(command);
    if (this.#waiting.length >= MOST_COMMANDS) this.#flushSoon();
    else this.#later ??= setTimeout(() => this.flush(), LATER).unref();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  /** Sends the commands that wait. */
  flush(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    const waiting = this.#waiting;
    const token = this.#token;
    if (token === undefined || waiting.length === 0) return;
    this.#waiting = [];
    for (let first = 0; first < waiting.length; ) {
      let xml = '';
      let next = first;
      while (next < waiting.length && next - first < MOST_COMMANDS) {
        const command = (waiting[next] as Command).xml;
        if (next > first && xml.length + command.length > MOST_CHARACTERS) break;
        xml += command;
        next += 1;
      }
      this.send(xml, token, waiting.slice(first, next));
      first = next;
    }
    this.lastSentAt = performance.now();
  }

  /** Sends commands under the lease of this token. */
  send(xml: string, token: string, commands: readonly Command[] = []): void {
    const { id, held } = this.#write(xml, token);
    this.#pending.set(id, { commands, held, sentAt: performance.now() });
  }

  /** Sends a request for a lease. Its answer counts whenever it comes: the gate has granted it by then. */
  ask(xml: string): void {
    const { id, held } = this.#write(xml);
    this.#asks.set(id, held);
  }

  /** Whether a request for a lease has no answer yet. */
  get isAsking(): boolean {
    return this.#asks.size > 0;
  }

  #write(xml: string, token?: string): { id: string; held: { done: boolean } } {
    const { link, componentDomain, servedDomain } = this.#options;
    this.#ids += 1;
    const id = `${this.idBase}-${this.#ids.toString(36)}`;
    return { id, held: link.send(request(id, componentDomain, servedDomain, xml, token), undefined, 'high') };
  }

  /** A request has its answer; gives its commands, or undefined where none waits for this answer. */
  answered(id: string): readonly Command[] | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    // The server has had it: it is not written again after a reconnect.
    pending.held.done = true;
    this.#pending.delete(id);
    return pending.commands;
  }

  /** Whether this answers a request for a lease. Those before it have no answer any more: the stream keeps their order. */
  answersAsk(id: string): boolean {
    if (!this.#asks.has(id)) return false;
    for (const [asked, held] of this.#asks) {
      held.done = true;
      this.#asks.delete(asked);
      if (asked === id) break;
    }
    return true;
  }

  /** The link is down: no request for a lease is answered any more, nor written to the next stream. */
  clearAsks(): void {
    for (const held of this.#asks.values()) held.done = true;
    this.#asks.clear();
  }

  /**
   * The lease has ended; gives the commands that are lost.
   *
   * @param writes whether the link still writes what it was given; not after a reconnect, when the token means nothing
   */
  clear(writes: boolean): Command[] {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#token = undefined;
    const lost = [...[...this.#pending.values()].flatMap(({ commands }) => commands), ...this.#waiting];
    if (!writes) for (const { held } of this.#pending.values()) held.done = true;
    this.#pending.clear();
    this.#waiting = [];
    return lost;
  }
}
