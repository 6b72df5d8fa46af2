import { type ReplyTo, type Request, UnreadableReplyError } from '../contract.ts';
import type { Entry, WaitingWork } from './waiting-work.ts';
import type { WorkRefusal } from './work-refusal.ts';

export interface WorkResultsOptions {
  readonly waiting: Pick<WaitingWork, 'bytes'>;
  readonly refusal: WorkRefusal;
  readonly log: { error(fields: object, message: string): void };
  /** An operation was set aside, since it cannot be carried out by itself. */
  readonly onSetAside: () => void;
}

/** Gives work its results: the reply, or the error for which it cannot be carried out. */
export class WorkResults {
  readonly #options: WorkResultsOptions;

  constructor(options: WorkResultsOptions) {
    this.#options = options;
  }

  /** Gives each of a call its result, in order. */
  give(entries: readonly Entry[]): void {
    const { waiting, log } = this.#options;
    for (const entry of entries) {
      waiting.bytes -= entry.work.bytes ?? 0;
      if (entry.over) continue;
      if (entry.error !== undefined) {
        this.#setAside(entry, entry.error);
        continue;
      }
      const { reply } = entry;
      if (reply instanceof UnreadableReplyError) {
        this.#unreadable(entry, reply);
        continue;
      }
      entry.over = true;
      try {
        entry.work.done(reply as ReplyTo<Request>);
      } catch (error) {
        // One stanza's fault must not take the others of its turn with it.
        log.error({ err: error, operation: entry.request?.kind }, 'A stanza could not be handled');
        entry.work.failed?.(error as Error);
      }
    }
  }

  /** It was carried out, and nobody knows how it ended: as when a reply was lost, what may have been stored is taken back. */
  #unreadable(entry: Entry, error: UnreadableReplyError): void {
    this.#options.log.error({ err: error, operation: entry.request?.kind }, 'A reply of Redis cannot be read');
    this.#giveUp(entry, error);
  }

  /** One that Redis rejects for its content would be rejected for ever, and hold up what is behind it. */
  #setAside(entry: Entry, error: Error): void {
    const { log, onSetAside } = this.#options;
    const { request } = entry;
    const key = request !== undefined && 'key' in request ? request.key : undefined;
    log.error(
      { err: error, operation: request?.kind, key },
      'Redis rejects an operation for what is in it; it is set aside',
    );
    onSetAside();
    this.#giveUp(entry, error);
  }

  /** Whoever waits for it is told. */
  #giveUp(entry: Entry, error: Error): void {
    const { failed } = entry.work;
    if (failed === undefined) this.#options.refusal.refuse(entry);
    entry.over = true;
    failed?.(error);
  }
}
