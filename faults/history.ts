import type { Mode } from './mode.ts';

/**
 * What happened in one run, as those at its ends know it: users' clients, the wire between proxy and server, whoever
 * asked the proxy how it does, and the nemesis. All times are ms of one monotonic clock since the run began.
 */
export interface History {
  readonly messages: readonly Message[];
  /** In the order of time. */
  readonly events: readonly Event[];
  readonly terms: Terms;
}

/** What a run is judged by; it follows from the settings of the proxy. Times in ms. */
export interface Terms {
  /** `RETRY_SCHEDULE` */
  readonly schedule: readonly number[];
  readonly unconfirmedRetries: number;
  /** From the last fault, or from its acknowledgement if that is later, to a message's end. */
  readonly endsWithin: number;
  /** How soon `/readyz` and the metrics must say that nothing can be acknowledged. */
  readonly saysWithin: number;
  /** Processes of the proxy that share the work. */
  readonly processes: number;
  /** Whether the server routes the originals, and a gate holds them meanwhile. */
  readonly mode: Mode;
}

/** A message with content, which asks for a receipt. Resends have the same id. */
export interface Message {
  readonly id: string;
  /** User names. */
  readonly sender: string;
  readonly recipient: string;
  readonly body: string;
}

/** What a fault costs, which decides what a message may suffer from it. */
export interface Traits {
  readonly name: string;
  /** What cannot be while it lasts: any acknowledgement, for want of the ledger, of the link or of the process. */
  readonly blocks?: 'ledger' | 'link' | 'process';
  /** The process that it concerns; undefined for all. */
  readonly process?: string;
  /** The user that it concerns alone: his connection. */
  readonly user?: string;
  /** Whether nothing is lost by it, so that it justifies no further copy: a server that is merely slow. */
  readonly lossless?: boolean;
  /** Whether what a server has for a client may be lost on that way, so that the client has to ask. */
  readonly losesNews?: boolean;
  /** What Redis has taken while it lasts and may not have afterwards: `all`, or all but messages that were acknowledged. */
  readonly forgets?: 'all' | 'endings';
}

/** `refused`: an error that asks to send again, or says so of one attempt only. */
type NotifiedOutcome = 'delivered' | 'failed' | 'unconfirmed' | 'refused';

interface About {
  readonly at: number;
  readonly message: string;
}

/** A sender's client wrote it, to the domain of that process. */
export interface Wrote extends About {
  readonly kind: 'wrote';
  readonly process: string;
}

/** A sender's client was told that it is stored. */
export interface Acknowledged extends About {
  readonly kind: 'acknowledged';
  readonly process: string;
}

/** A sender's client was told how it ended. */
export interface Notified extends About {
  readonly kind: 'notified';
  readonly what: NotifiedOutcome;
  readonly condition?: string | undefined;
  /** Only when it asked, by the status query. */
  readonly asked?: boolean;
}

/** A recipient's client was given a copy. */
export interface Saw extends About {
  readonly kind: 'saw';
  readonly device: string;
  readonly body: string;
  /** Whether it bore a `<delay/>`, as a copy that is not a first attempt does. */
  readonly delayed: boolean;
}

/** A recipient's client wrote its receipt. */
export interface Confirmed extends About {
  readonly kind: 'confirmed';
  readonly device: string;
}

/** The gate holds it until that process has answered. */
export interface Held extends About {
  readonly kind: 'held';
  readonly process: string;
}

/** The gate saw that a recipient's client has it. */
export interface Proved extends About {
  readonly kind: 'proved';
  /** Full JID. */
  readonly device: string;
}

/** A copy left a process of the proxy, whole. */
export interface Copied extends About {
  readonly kind: 'copied';
  readonly process: string;
}

/** The nemesis spoilt its record in Redis. */
export interface Damaged extends About {
  readonly kind: 'damaged';
  readonly how: string;
}

export interface Began extends Traits {
  readonly kind: 'began';
  readonly at: number;
  readonly fault: number;
}

interface Ended {
  readonly kind: 'ended';
  readonly at: number;
  readonly fault: number;
  /** It was in force at least from here to there. */
  readonly inForce: readonly [from: number, to: number];
}

/** A process opened its link. */
export interface Connected {
  readonly kind: 'connected';
  readonly at: number;
  readonly process: string;
}

/** A process ended when nobody had told it to; or it was told to, and ended with another status than 0. */
export interface Died {
  readonly kind: 'died';
  readonly at: number;
  readonly process: string;
  readonly how: string;
}

/** What a process said of itself; what is undefined it did not say in time. */
export interface Polled {
  readonly kind: 'polled';
  readonly at: number;
  /** When the answer was there. */
  readonly until: number;
  /** By how much it was asked later than its time, ms: the machine had none for who asks. */
  readonly late?: number;
  readonly process: string;
  readonly ready: boolean | undefined;
  readonly ledgerUp: boolean | undefined;
  readonly linkUp: boolean | undefined;
  readonly problems: readonly string[];
}

export type MessageEvent = Wrote | Held | Acknowledged | Notified | Saw | Confirmed | Proved | Copied | Damaged;
export type Event = MessageEvent | Began | Ended | Connected | Died | Polled;

type Untimed<E> = E extends Event ? Omit<E, 'at'> : never;

/** Takes down a history while it happens. */
export class Recorder {
  readonly #start = performance.now();
  readonly #messages = new Map<string, Message>();
  readonly #events: Event[] = [];
  readonly #listeners = new Set<(event: Event) => void>();

  now(): number {
    return performance.now() - this.#start;
  }

  /** A time of the monotonic clock as it is recorded; by default now. */
  timeOf(at: number = performance.now()): number {
    return at - this.#start;
  }

  knows(id: string | undefined): id is string {
    return id !== undefined && this.#messages.has(id);
  }

  message(message: Message): void {
    if (this.#messages.has(message.id)) throw new Error(`Two messages have the id ${message.id}`);
    this.#messages.set(message.id, message);
  }

  add(event: Untimed<Event>, at: number = this.now()): void {
    const timed = { ...event, at } as Event;
    this.#events.push(timed);
    for (const listener of this.#listeners) listener(timed);
  }

  listen(listener: (event: Event) => void): void {
    this.#listeners.add(listener);
  }

  history(terms: Terms): History {
    const events = [...this.#events].sort((a, b) => a.at - b.at);
    return { messages: [...this.#messages.values()], events, terms };
  }
}
