import type { Recorder } from './history.ts';

/** The events and commands of docs/gate-protocol.md that tell where a message is; quotes as either side writes them. */
const HELD = /<held\b([^>]*)><message\b([^>]*)>/g;
const HAS = /<has\b([^>]*?)\/?>/g;
const DELIVER = /<deliver\b[^>]*><message\b([^>]*)>/g;

/** Reads what gate and component say to each other, and takes down what it says of the messages of a run. */
export class GateWire {
  readonly #recorder: Recorder;
  readonly #process: string;
  /** The id of each message that was held, by the number that the gate gave it. */
  readonly #ids = new Map<string, string>();

  constructor(recorder: Recorder, process: string) {
    this.#recorder = recorder;
    this.#process = process;
  }

  /** A stanza from the server. */
  fromGate(stanza: string): void {
    if (!isGates(stanza)) return;
    for (const [, held = '', message = ''] of stanza.matchAll(HELD)) {
      const [n, id] = [attributeOf(held, 'n'), attributeOf(message, 'id')];
      // A receipt is held too, under an id of its own.
      if (n === undefined || !this.#recorder.knows(id)) continue;
      this.#ids.set(n, id);
      this.#recorder.add({ kind: 'held', message: id, process: this.#process });
    }
    for (const [, has = ''] of stanza.matchAll(HAS)) {
      const [id, device] = [this.#ids.get(attributeOf(has, 'n') ?? ''), attributeOf(has, 'jid')];
      if (id !== undefined && device !== undefined) this.#recorder.add({ kind: 'proved', message: id, device });
    }
  }

  /** A stanza of the component's: what it has delivered is a further copy; the original is the server's. */
  toGate(stanza: string): void {
    if (!isGates(stanza)) return;
    for (const [, message = ''] of stanza.matchAll(DELIVER)) {
      const id = attributeOf(message, 'id');
      if (this.#recorder.knows(id)) this.#recorder.add({ kind: 'copied', message: id, process: this.#process });
    }
  }
}

function isGates(stanza: string): boolean {
  return stanza.includes('urn:openfire-receipts:gate:1');
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(`\\b${name}=["']([^"']*)["']`).exec(attributes)?.[1];
}
