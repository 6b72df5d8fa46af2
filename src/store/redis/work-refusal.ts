import { adds, type Request, type StoreFault, type Work } from '../contract.ts';
import type { InternalRequest } from './internal-requests.ts';
import type { Entry } from './waiting-work.ts';

export interface WorkRefusalOptions {
  /** How long work waits for Redis before it is refused, ms. */
  readonly timeout: number;
  /** Takes the work that takes back what was refused. */
  readonly push: (work: Work) => void;
}

const storesMessage = ({ kind }: Request | InternalRequest) => kind === 'accept' || kind === 'acceptKnowing';

/** Refuses work that Redis does not take, where it may be refused; the rest waits until Redis is back. */
export class WorkRefusal {
  readonly #options: WorkRefusalOptions;

  constructor(options: WorkRefusalOptions) {
    this.#options = options;
  }

  refuse(entry: Entry): void {
    if (entry.over || !entry.work.refuse) return;
    entry.over = true;
    entry.work.refuse();
    // A Redis that hangs carries out what it was given when it comes to itself: then what was refused must not be sent.
    const { withdraw, owner = '' } = entry.work;
    if (entry.tried && withdraw) this.#options.push({ request: withdraw(), done: () => {}, owner });
  }

  /**
   * At its memory limit Redis refuses a script that begins by adding: refuses those, and lets receipts free memory. Where it
   * keeps messages less safely than is demanded, it has carried the call out, and only messages are refused.
   */
  refuseAdding(entries: readonly Entry[], { code }: StoreFault): void {
    if (code !== 'OOM' && code !== 'DURABILITY') return;
    for (const entry of entries) {
      const { request } = entry;
      if (request === undefined) continue;
      if (storesMessage(request) || (code === 'OOM' && adds(request))) this.refuse(entry);
    }
  }

  /** Refuses what has waited too long; what needs no ledger goes on; the rest keeps waiting. */
  expire(entries: readonly Entry[]): void {
    const limit = performance.now() - this.#options.timeout;
    for (const entry of entries) {
      if (entry.over || entry.since > limit) continue;
      if (entry.work.refuse) this.refuse(entry);
      else if (entry.request === undefined) {
        entry.over = true;
        entry.work.done(undefined);
      }
    }
  }
}
