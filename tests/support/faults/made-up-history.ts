import type { Event, History, Message, Polled, Terms, Traits } from '../../../faults/history.ts';

export const TERMS: Terms = {
  schedule: [2000, 4000],
  unconfirmedRetries: 1,
  endsWithin: 60_000,
  saysWithin: 5000,
  processes: 1,
  mode: 'subdomain',
};

const P = 'receipts.localhost';

/** A history that nobody lived through: what a checker is tried on. Times in ms. */
export class MadeUp {
  readonly #messages: Message[] = [];
  readonly #events: Event[] = [];
  readonly #terms: Terms;
  #faults = 0;

  constructor(terms: Partial<Terms> = {}) {
    this.#terms = { ...TERMS, ...terms };
  }

  message(id: string, recipient = 'bob', sender = 'alice'): this {
    this.#messages.push({ id, sender, recipient, body: `text of ${id}` });
    return this;
  }

  wrote(at: number, message: string, process = P): this {
    return this.#add({ kind: 'wrote', at, message, process });
  }

  held(at: number, message: string, process = P): this {
    return this.#add({ kind: 'held', at, message, process });
  }

  acknowledged(at: number, message: string, process = P): this {
    return this.#add({ kind: 'acknowledged', at, message, process });
  }

  notified(at: number, message: string, what: 'delivered' | 'failed' | 'unconfirmed' | 'refused', asked = false): this {
    return this.#add({ kind: 'notified', at, message, what, ...(asked && { asked }) });
  }

  saw(at: number, message: string, { device = 'bob/phone', body = `text of ${message}`, delayed = false } = {}): this {
    return this.#add({ kind: 'saw', at, message, device, body, delayed });
  }

  confirmed(at: number, message: string, device = 'bob/phone'): this {
    return this.#add({ kind: 'confirmed', at, message, device });
  }

  proved(at: number, message: string, device = 'bob/phone'): this {
    return this.#add({ kind: 'proved', at, message, device });
  }

  copied(at: number, message: string, process = P): this {
    return this.#add({ kind: 'copied', at, message, process });
  }

  damaged(at: number, message: string): this {
    return this.#add({ kind: 'damaged', at, message, how: 'cut short' });
  }

  connected(at: number, process = P): this {
    return this.#add({ kind: 'connected', at, process });
  }

  died(at: number, process = P): this {
    return this.#add({ kind: 'died', at, process, how: 'status 1' });
  }

  polled(at: number, said: Partial<Pick<Polled, 'ready' | 'ledgerUp' | 'linkUp' | 'process' | 'late'>>): this {
    const all = { ready: true, ledgerUp: true, linkUp: true, process: P };
    return this.#add({ kind: 'polled', at, until: at + 10, problems: [], ...all, ...said });
  }

  fault(from: number, to: number, traits: Partial<Traits> = {}): this {
    this.#faults += 1;
    const fault = this.#faults;
    this.#add({ kind: 'began', at: from, fault, name: 'a fault', ...traits });
    return this.#add({ kind: 'ended', at: to, fault, inForce: [from, to] });
  }

  /** One that goes as it should, from `at` to 400 ms later. */
  well(at: number, id: string, recipient = 'bob'): this {
    return this.message(id, recipient)
      .wrote(at, id)
      .copied(at + 90, id)
      .acknowledged(at + 100, id)
      .saw(at + 200, id)
      .confirmed(at + 210, id)
      .notified(at + 300, id, 'delivered');
  }

  end(at: number): this {
    return this.polled(at, {});
  }

  history(): History {
    return { messages: this.#messages, events: [...this.#events].sort((a, b) => a.at - b.at), terms: this.#terms };
  }

  #add(event: Event): this {
    this.#events.push(event);
    return this;
  }
}
