import { noteReceipts, type Seen } from '../ledger/presence.ts';
import { withResource } from '../stanza/address.ts';
import type { Caps } from '../stanza/caps.ts';
import { capsKey } from '../stanza/presence.ts';
import type { Pipe, PresenceLog, ReceiptsOf, SessionObserver } from './ports.ts';

export interface SessionsOptions {
  readonly pipeline: Pipe;
  readonly observer?: SessionObserver | undefined;
  readonly receiptsOf?: ReceiptsOf | undefined;
  readonly log: PresenceLog;
}

/** Tells of sessions that begin and end, and has it found out whether they return receipts. */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  seen(user: string, resource: string, caps: Caps | undefined, { what, asks, ended }: Seen): void {
    const { observer } = this.#options;
    if (what === 'began') observer?.began(user, resource);
    else if (what === 'updated') observer?.updated(user);
    for (const one of ended) observer?.ended(user, one);
    if (asks) void this.#lookAt(user, resource, caps);
  }

  replaced(user: string, resource: string): void {
    this.#options.observer?.ended(user, resource);
    this.#options.observer?.began(user, resource);
  }

  ended(user: string, resource: string): void {
    this.#options.observer?.ended(user, resource);
  }

  async #lookAt(user: string, resource: string, caps: Caps | undefined): Promise<void> {
    const { pipeline, receiptsOf, log } = this.#options;
    if (receiptsOf === undefined) return;
    try {
      const answer = await receiptsOf(withResource(user, resource), caps);
      if (answer === 'u') return;
      pipeline.push({ operation: noteReceipts(user, resource, capsKey(caps), answer), done: () => {} });
    } catch (error) {
      log.warn({ err: error, user }, 'What a client can do could not be found out');
    }
  }
}
