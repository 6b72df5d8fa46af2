import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession } from './client.ts';

/** How many messages of each pair are under way at once: fewer than a gate holds of one sender. */
const WINDOW = 20;
/** us in a tick of /proc. */
const TICK = 10_000;
const DRAIN = 120_000;

/** As bytes, each a character: sessions write no other. */
const TEXTS = [
  'All work and no play makes the relay a dull box; it carries on. Déjà vu, said the café.',
  '我们明天下午三点在老地方见面，好吗？记得带上那本书。',
].map((text) => Buffer.from(text).toString('latin1'));

/** As Gajim, Dino and Conversations write: a chat state, a request, a marker, an id of its own. */
const message = (to: string, id: string, text: string) =>
  `<message to='${to}' type='chat' id='${id}'><body>${text}</body><active xmlns='http://jabber.org/protocol/chatstates'/>` +
  `<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>` +
  `<origin-id xmlns='urn:xmpp:sid:0' id='${id}'/></message>`;
const receipt = (to: string, id: string) =>
  `<message to='${to}' type='chat' id='r-${id}'><received xmlns='urn:xmpp:receipts' id='${id}'/>` +
  `<store xmlns='urn:xmpp:hints'/></message>`;

const PROBE = 'probe-';

/** An attribute of a start tag, whichever quotes the server writes. */
function attribute(xml: string, name: string): string {
  const start = xml.indexOf(` ${name}=`) + name.length + 3;
  return xml.slice(start, xml.indexOf(xml.charAt(start - 1), start));
}

/** Somebody who writes, and somebody whose client confirms. */
export class SessionPair {
  readonly #sentAt = new Map<string, number>();
  latencies: number[] = [];
  confirmed = 0;
  stored = 0;
  /** Whether a {@link probe} was acknowledged. */
  answered = false;
  /** Shown to bob once more. */
  twice = 0;
  #count = 0;
  #flows = false;

  constructor(
    readonly name: string,
    readonly alice: ClientSession,
    readonly bob: ClientSession,
    readonly to: string,
  ) {
    alice.onMessage = (stanza) => {
      if (stanza.includes(PROBE)) {
        if (stanza.includes('<stored ')) this.answered = true;
      } else if (stanza.includes('<stored ')) this.stored += 1;
      else if (stanza.includes('<received ')) {
        this.confirmed += 1;
        if (this.#flows) this.write();
      }
    };
    bob.onMessage = (stanza) => {
      if (!stanza.includes('<body>')) return;
      const tag = stanza.slice(0, stanza.indexOf('>'));
      const id = attribute(tag, 'id');
      const sentAt = this.#sentAt.get(id);
      if (id.startsWith(PROBE)) return;
      if (sentAt === undefined) this.twice += 1;
      else this.latencies.push(performance.now() - sentAt);
      this.#sentAt.delete(id);
      bob.send(receipt(attribute(tag, 'from'), id));
    };
  }

  get written(): number {
    return this.#count;
  }

  write(): void {
    this.#count += 1;
    // Of a length that no client counts to, so that it is no countable id.
    const id = `${this.name}-0d5c2b9e-7a41-4e0f-${String(this.#count).padStart(12, '0')}`;
    this.#sentAt.set(id, performance.now());
    this.alice.send(message(this.to, id, TEXTS[this.#count % TEXTS.length] as string));
  }

  /** Writes something that does not count, and may be lost: is a component there? */
  probe(): void {
    this.alice.send(message(this.to, `${PROBE}${crypto.randomUUID()}`, 'Is anybody there?'));
  }

  flow(): void {
    this.#flows = true;
    for (let i = 0; i < WINDOW; i += 1) this.write();
  }

  stop(): void {
    this.#flows = false;
  }

  close(): void {
    this.alice.close();
    this.bob.close();
  }
}

export async function until(reached: () => boolean, what: () => string): Promise<void> {
  const limit = performance.now() + DRAIN;
  while (!reached()) {
    if (performance.now() > limit) throw new Error(`Waited in vain: ${what()}`);
    await sleep(5);
  }
}

/** us that a process has computed so far. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return TICK * (Number(fields[11]) + Number(fields[12]));
}

export async function drained(pairs: readonly SessionPair[]): Promise<void> {
  for (const pair of pairs) pair.stop();
  const missing = () => pairs.reduce((sum, { written, confirmed }) => sum + written - confirmed, 0);
  await until(
    () => missing() === 0,
    () => `${missing()} messages without a receipt, ${pairs.reduce((sum, { twice }) => sum + twice, 0)} shown twice`,
  );
}

/** So many messages a second, of the pairs in turn; their latencies are then of these alone. */
export async function paced(pairs: readonly SessionPair[], perSecond: number, duration: number): Promise<void> {
  await sleep(500);
  for (const pair of pairs) pair.latencies = [];
  const start = performance.now();
  for (let i = 0; performance.now() - start < duration; i += 1) {
    const wait = start + (i * 1000) / perSecond - performance.now();
    if (wait > 0) await sleep(wait);
    (pairs[i % pairs.length] as SessionPair).write();
  }
  await drained(pairs);
}
