import type { Socket } from 'node:net';
import { insideCharacter, StanzaBoundaries } from './stanzas.ts';

/** What is done to one direction of a link. All of it can change while connections are open. */
export interface Conditions {
  /** ms that everything takes longer. */
  delay: number;
  /** Loses everything. The connection must be reset before it is used again. */
  hole: boolean;
  /** Stanzas a second. */
  rate: number | undefined;
  /** Ends the connection inside the next stanza, or inside the next character of several bytes. */
  cut: 'stanza' | 'character' | undefined;
  /** Keeps back whole stanzas of that kind, until it is undefined again. */
  withhold: ((stanza: string) => boolean) | undefined;
}

export const CLEAR: Readonly<Conditions> = {
  delay: 0,
  hole: false,
  rate: undefined,
  cut: undefined,
  withhold: undefined,
};

interface Piece {
  readonly bytes: Buffer;
  readonly due: number;
  /** Stanzas that end in it. */
  readonly stanzas: number;
}

/** More than this waits in the sender's socket, as it would for a slow server, bytes. */
const BACKLOG = 256 * 1024;

/** One direction of one connection. */
export class HalfConnection {
  readonly #boundaries = new StanzaBoundaries();
  #queue: Piece[] = [];
  #queued = 0;
  #timer: NodeJS.Timeout | undefined;
  #nextToken = 0;
  /** What has come of a stanza that is not whole. */
  #begun: Buffer[] = [];
  /** How much of it has been passed on already. */
  #passed = 0;
  #withheld: Buffer[] = [];
  #over = false;

  constructor(
    readonly source: Socket,
    readonly target: Socket,
    readonly conditions: Conditions,
    readonly onStanza: (stanza: string) => void,
    readonly onCut: () => void,
  ) {
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => {
      this.#over = true;
      this.#pump();
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  /** The conditions have changed. */
  changed(): void {
    if (this.conditions.withhold === undefined) {
      for (const bytes of this.#withheld.splice(0)) this.#enqueue(bytes, 1);
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#nextToken = 0;
    this.#pump();
  }

  #take(chunk: Buffer): void {
    const { cut } = this.conditions;
    if (cut !== undefined) {
      const at = cut === 'character' ? insideCharacter(chunk) : this.#insideStanza(chunk);
      if (at !== -1) {
        this.conditions.cut = undefined;
        this.target.write(chunk.subarray(0, at), this.onCut);
        this.source.pause();
        return;
      }
    }
    let from = 0;
    for (const to of this.#boundaries.ends(chunk)) {
      this.#stanza(chunk.subarray(from, to));
      from = to;
    }
    if (from < chunk.length) {
      this.#begun.push(chunk.subarray(from));
      // A stanza that may be kept back passes whole or not at all.
      if (this.conditions.withhold === undefined) this.#passBegun();
    }
  }

  /** Half of the first stanza of the chunk, if there is enough of it to break. */
  #insideStanza(chunk: Buffer): number {
    const open = chunk.indexOf('<message');
    return open === -1 || chunk.length - open < 40 ? -1 : open + 30;
  }

  #stanza(last: Buffer): void {
    const bytes = this.#begun.length === 0 ? last : Buffer.concat([...this.#begun, last]);
    const left = bytes.subarray(this.#passed);
    const untouched = this.#passed === 0;
    this.#begun = [];
    this.#passed = 0;
    const text = bytes.toString();
    this.onStanza(text);
    if (untouched && this.conditions.withhold?.(text)) this.#withheld.push(bytes);
    else this.#enqueue(left, 1);
  }

  #passBegun(): void {
    const bytes = Buffer.concat(this.#begun);
    this.#enqueue(bytes.subarray(this.#passed), 0);
    this.#begun = [bytes];
    this.#passed = bytes.length;
  }

  #enqueue(bytes: Buffer, stanzas: number): void {
    if (bytes.length === 0 || this.conditions.hole) return;
    this.#queue.push({ bytes, due: performance.now() + this.conditions.delay, stanzas });
    this.#queued += bytes.length;
    if (this.#queued > BACKLOG) this.source.pause();
    if (this.#timer === undefined) this.#pump();
  }

  #pump(): void {
    this.#timer = undefined;
    const ready: Buffer[] = [];
    for (let piece = this.#queue[0]; piece !== undefined; piece = this.#queue[0]) {
      const now = performance.now();
      const { rate } = this.conditions;
      const wait = Math.max(piece.due - now, rate === undefined ? 0 : this.#nextToken - now);
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), wait);
        break;
      }
      if (rate !== undefined) this.#nextToken = Math.max(now, this.#nextToken) + (piece.stanzas * 1000) / rate;
      this.#queue.shift();
      this.#queued -= piece.bytes.length;
      ready.push(piece.bytes);
    }
    if (ready.length > 0 && this.target.writable) this.target.write(Buffer.concat(ready));
    if (this.#queued < BACKLOG && this.source.isPaused()) this.source.resume();
    if (this.#over && this.#queue.length === 0) this.target.end();
  }
}
