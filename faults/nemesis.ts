import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorder, Traits } from './history.ts';

/** Numbers for the faults of one run. */
export class FaultIds {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/** Something that goes wrong, and comes right again. */
export interface Fault extends Traits {
  /** Resolves when it is in force. */
  begin(): Promise<void> | void;
  /** Resolves when it is over: what it stopped runs again. */
  end(): Promise<void> | void;
}

/** Lets faults happen, one at a time or together, and takes down when. */
export class Nemesis {
  readonly #recorder: Recorder;
  readonly #ids: FaultIds;

  constructor(recorder: Recorder, ids: FaultIds) {
    this.#recorder = recorder;
    this.#ids = ids;
  }

  /** Resolves when it is over, `ms` after it came into force. */
  async inflict(fault: Fault, ms = 0): Promise<void> {
    const { begin: _, end: __, ...traits } = fault;
    const id = this.#ids.next();
    this.#recorder.add({ kind: 'began', fault: id, ...traits });
    await fault.begin();
    const from = this.#recorder.now();
    await sleep(ms);
    const to = this.#recorder.now();
    await fault.end();
    this.#recorder.add({ kind: 'ended', fault: id, inForce: [from, to] });
  }
}
