import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALICE, ALICE_PROXIED, BOB, BOB_CLIENT, BOB_PROXIED, COMPONENT, SERVED } from './addresses.ts';
import { Journal } from './journal.ts';
import { PeerLink } from './peer-link.ts';
import { BYTES, type Load, messageRest } from './texts.ts';

const RECEIPT_MIDDLE = `'><received xmlns='urn:xmpp:receipts' id='`;
const RECEIPT_END = `'/></message>`;

/** Who writes to whom, by what comes for and from them. */
export interface Pair {
  readonly sender: string;
  readonly senderProxied: string;
  readonly recipient: string;
  /** What comes from the recipient's client is from here for the sender. */
  readonly client: string;
  readonly messageStart: string;
  readonly receiptStart: string;
  /** He may be refused. */
  readonly floods?: boolean;
}

const pair = (sender: string, senderProxied: string, recipient: string, proxied: string, client: string): Pair => ({
  sender,
  senderProxied,
  recipient,
  client: `${proxied}/desk`,
  messageStart: `<message from='${sender}' to='${proxied}' type='chat' id='`,
  receiptStart: `<message from='${client}' to='${senderProxied}' type='chat' id='r-`,
});

const ORDINARY = pair(ALICE, ALICE_PROXIED, BOB, BOB_PROXIED, BOB_CLIENT);

/** Two users of these names. */
const pairOf = (sender: string, recipient: string): Pair =>
  pair(
    `${sender}@${SERVED}/phone`,
    `${sender}@${COMPONENT}/phone`,
    `${recipient}@${SERVED}`,
    `${recipient}@${COMPONENT}`,
    `${recipient}@${SERVED}/desk`,
  );

/** So many pairs of users; their recipients lie in all shards. */
export const pairs = (count: number) =>
  Array.from({ length: count }, (_, number) => pairOf(`una${number}`, `bea${number}`));

/** Those who write at an ordinary pace while somebody floods. */
export const OTHERS = Array.from({ length: 10 }, (_, number) => pairOf(`ann${number}`, `ben${number}`));

/** How what one client writes at once gets into the component's stream. */
export interface FloodPlan {
  readonly count: number;
  /** Messages that the server reads from a client at once. */
  readonly piece: number;
  /** Pieces that it reads before the component has taken the first of them. */
  readonly ahead: number;
}

/** The most that others have under way at {@link Peer.paced}; a flood is over when no more is. */
const UNDER_WAY = 64;
const PIECE_ID = 'piece';
const PIECE_PING = `<iq type='get' id='${PIECE_ID}' from='${SERVED}' to='${COMPONENT}'><ping xmlns='urn:xmpp:ping'/></iq>`;

/** How long a wait may take, ms: then what has not come counts as lost. */
const DRAIN = 120_000;
/** How long the peer listens for what comes twice, ms. */
const DUPLICATE_WATCH = 200;

/** Peers so far. Each has ids of its own: one that comes again is a duplicate to whoever remembers it. */
let peers = 0;

/** An attribute as all variants write it, in double quotes; undefined when it is not there. */
function attribute(xml: string, name: string): string | undefined {
  const at = xml.indexOf(` ${name}="`);
  if (at === -1) return undefined;
  const start = at + name.length + 3;
  return xml.slice(start, xml.indexOf('"', start));
}

/**
 * A server that speaks XEP-0114 and nothing else, with alice and bob inside: alice sends, bob's client confirms. In a
 * flood there are others who write at an ordinary pace, and one who writes all at once. It scans strings instead of parsing, and writes once for all that
 * one chunk calls for, so that it outruns what it measures. It runs in the benchmark's own process.
 */
export class Peer {
  readonly journal = new Journal();
  /** ms from a message's being written until its forward arrived; collected while {@link Peer.paced} runs. */
  #latencies: number[] | undefined;
  /** When those that count were written, by their numbers. */
  readonly #sentAt = new Map<number, number>();
  /** How each flood is; of the current one, who writes it and how much of it is still to be written. */
  #flood: FloodPlan | undefined;
  #flooding: Pair | undefined;
  #floodLeft = 0;
  #floods = 0;
  /** By the addresses that come in `to`. */
  readonly #pairs = new Map<string, Pair>();
  /** Pieces of it that the proxy has not read yet. */
  #unread = 0;
  readonly #server: net.Server;
  /** What all its messages' ids begin with; a number follows. */
  readonly #ids: string;
  /** Connections for the domain, and how many are to be made. Stanzas are dealt to them in turn, as Openfire does. */
  readonly #links: PeerLink[] = [];
  readonly #expected: number;
  #dealt = 0;
  #online!: () => void;
  /** Who writes at {@link Peer.load}. */
  #loading: readonly Pair[] = [ORDINARY];
  /** How many messages are kept in flight, and how many may still be sent. */
  #window = 0;
  #quota = Number.POSITIVE_INFINITY;
  /** Bob does not confirm, and a message is out of flight when it is acknowledged and forwarded. */
  #holding = false;
  readonly #held: number[] = [];
  #onProgress: (() => void) | undefined;
  /** Resolves when all connections have shaken hands. */
  readonly online: Promise<void>;

  /** What messages say; the texts, as they stand in the stream. */
  #kind: Load;
  #texts: readonly string[];

  private constructor(server: net.Server, kind: Load, links: number) {
    this.#server = server;
    this.#expected = links;
    this.#kind = kind;
    this.#texts = BYTES[kind];
    peers += 1;
    this.#ids = `m-${peers}-`;
    for (const one of [ORDINARY, ...OTHERS]) this.#know(one);
    this.online = new Promise((resolve) => {
      this.#online = resolve;
    });
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @param links processes that connect */
  static async listen(kind: Load = 'real', links = 1): Promise<Peer> {
    const server = net.createServer({ noDelay: true });
    const peer = new Peer(server, kind, links);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Messages say this from now on; none of those before may still be in flight. */
  say(kind: Load): void {
    this.#kind = kind;
    this.#texts = BYTES[kind];
  }

  /** Keeps `window` messages in flight, until {@link Peer.drain}: of these pairs in turn. */
  load(window: number, pairs: readonly Pair[] = [ORDINARY]): void {
    for (const one of pairs) this.#know(one);
    this.#loading = pairs;
    this.#quota = Number.POSITIVE_INFINITY;
    this.#window = window;
    this.#refill();
    this.#flush();
  }

  /**
   * Waits until so many messages are complete.
   *
   * @throws when it takes too long: something is lost
   */
  reaches(count: number): Promise<void> {
    return this.#until(() => this.journal.completed >= count);
  }

  /** Sends no more, and waits until all that was sent is complete. */
  async drain(): Promise<void> {
    this.#window = 0;
    await this.#until(() => this.journal.completed >= this.journal.sent);
  }

  /**
   * Sends a message every `1000 / perSecond` ms. Gives each one's time until its forward arrived, ms.
   *
   * @param flood what somebody sends at once meanwhile, and somebody else whenever that is complete
   */
  async paced(
    perSecond: number,
    duration: number,
    flood?: FloodPlan,
    pairs: readonly Pair[] = [ORDINARY],
  ): Promise<number[]> {
    const latencies: number[] = [];
    this.#latencies = latencies;
    this.#flood = flood;
    this.#writeFlood();
    const start = performance.now();
    for (let count = 0; count < (perSecond * duration) / 1000; count += 1) {
      const wait = start + (count * 1000) / perSecond - performance.now();
      if (wait > 0) await sleep(wait);
      this.#send(pairs[count % pairs.length]);
      this.#flush();
    }
    this.#flood = undefined;
    await this.drain();
    this.#latencies = undefined;
    return latencies;
  }

  /** Has `count` messages accepted that bob does not confirm. Resolves when each is acknowledged and forwarded. */
  async accumulate(count: number, window: number): Promise<void> {
    this.#holding = true;
    this.#quota = count;
    const end = this.journal.sent + count;
    this.#window = window;
    this.#refill();
    this.#flush();
    const { journal } = this;
    await this.#until(() => Math.min(journal.acknowledged, journal.forwarded) >= end);
  }

  /** Bob's client returns and confirms what {@link Peer.accumulate} left open, a window at a time. */
  async release(window: number): Promise<void> {
    this.#holding = false;
    const numbers = this.#held.splice(0);
    for (let at = 0; at < numbers.length; at += window) {
      for (const number of numbers.slice(at, at + window)) this.#confirm(number, ORDINARY);
      this.#flush();
      const { sent } = this.journal;
      const open = Math.max(0, numbers.length - at - window);
      await this.#until(() => this.journal.completed >= sent - open);
    }
  }

  /** Waits for what comes twice, books what never came, and closes. */
  async close(): Promise<void> {
    await sleep(DUPLICATE_WATCH);
    this.journal.close();
    for (const link of this.#links) link.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: net.Socket): void {
    if (this.#links.length === this.#expected) this.journal.fault('A link was made again');
    let handshaken = false;
    const link = new PeerLink(socket, {
      onHandshake: () => {
        handshaken = true;
        this.#links.push(link);
        if (this.#links.length === this.#expected) this.#online();
      },
      onMessage: (stanza) => this.#message(stanza),
      onIq: (stanza) => this.#iq(stanza, link),
      onFault: (what) => this.journal.fault(what),
      onHandled: () => {
        if (!handshaken) return;
        this.#refill();
        this.#writeFlood();
        this.#flush();
        this.#onProgress?.();
      },
    });
  }

  #iq(stanza: string, link: PeerLink): void {
    if (stanza.includes(PIECE_ID)) {
      this.#unread -= 1;
      return;
    }
    if (!stanza.includes('urn:xmpp:ping') || attribute(stanza, 'to') !== SERVED) return;
    link.write(`<iq type='result' id='${attribute(stanza, 'id')}' from='${SERVED}' to='${COMPONENT}'/>`);
  }

  #message(stanza: string): void {
    const { journal } = this;
    const to = attribute(stanza, 'to');
    const pair = this.#pairs.get(to ?? '');
    if (pair === undefined) journal.fault(`Not for anybody here: ${stanza.slice(0, 200)}`);
    else if (to === pair.recipient) {
      const number = this.#number(attribute(stanza, 'id'));
      journal.forward(number);
      if (
        attribute(stanza, 'from') !== pair.senderProxied ||
        !stanza.includes(this.#texts[number % this.#texts.length] as string)
      )
        journal.fault(`Message ${number} was changed`);
      const sentAt = this.#latencies && this.#sentAt.get(number);
      if (sentAt !== undefined) this.#latencies?.push(performance.now() - sentAt);
      if (this.#holding) this.#held.push(number);
      else this.#confirm(number, pair);
    } else {
      if (attribute(stanza, 'type') === 'error') {
        if (pair.floods === true && stanza.includes('resource-constraint'))
          journal.refuse(this.#number(attribute(stanza, 'id')));
        else journal.fault(`Refused: ${stanza.slice(0, 300)}`);
        return;
      }
      const word = stanza.indexOf('>') + 1;
      const number = this.#number(attribute(stanza.slice(word), 'id'));
      if (stanza.startsWith('<stored', word)) journal.acknowledge(number);
      else if (attribute(stanza, 'from') === pair.client) journal.deliver(number);
      else journal.fault(`Unexpected: ${stanza.slice(0, 200)}`);
    }
  }

  /** The message that an id names; NaN for an id that is not ours, which the journal takes ill. */
  #number(id: string | undefined): number {
    return id?.startsWith(this.#ids) ? Number(id.slice(this.#ids.length)) : Number.NaN;
  }

  #confirm(number: number, { receiptStart }: Pair): void {
    this.journal.confirm(number);
    this.#deal(receiptStart + number + RECEIPT_MIDDLE + this.#ids + number + RECEIPT_END);
  }

  #refill(): void {
    const { journal } = this;
    const over = this.#holding ? Math.min(journal.acknowledged, journal.forwarded) : journal.completed;
    for (let room = this.#window - (journal.sent - over); room > 0 && this.#quota > 0; room -= 1) {
      this.#quota -= 1;
      this.#send(this.#loading[this.journal.sent % this.#loading.length]);
    }
  }

  #know(one: Pair): void {
    this.#pairs.set(one.recipient, one);
    this.#pairs.set(one.sender, one);
  }

  #send({ messageStart } = ORDINARY): void {
    const number = this.journal.send();
    if (this.#latencies !== undefined) this.#sentAt.set(number, performance.now());
    this.#deal(messageStart + this.#ids + number + messageRest(this.#kind, this.#ids, number));
  }

  /**
   * Writes the flood as a server does that reads its clients' sockets in turn, a piece of each, and reads on from a client
   * when the component has taken what was written (it answers the ping behind each piece): TCP holds the client back
   * meanwhile. The kernel alone would take all of it at once, and what others write would wait in the server's queue, which
   * is none of the component's.
   */
  #writeFlood(): void {
    if (this.#flood === undefined) return;
    const { count, piece, ahead } = this.#flood;
    if (this.#floodLeft === 0 && this.journal.sent - this.journal.completed < UNDER_WAY) {
      // Each has the whole of his burst.
      this.#floods += 1;
      this.#flooding = { ...pairOf(`mallory${this.#floods}`, `eve${this.#floods}`), floods: true };
      this.#know(this.#flooding);
      this.#floodLeft = count;
    }
    for (; this.#unread < ahead && this.#floodLeft > 0; this.#unread += 1) {
      for (let room = piece; room > 0 && this.#floodLeft > 0; room -= 1) {
        this.#floodLeft -= 1;
        const number = this.journal.send();
        this.#deal(this.#flooding?.messageStart + this.#ids + number + messageRest(this.#kind, this.#ids, number));
      }
      this.#deal(PIECE_PING);
    }
  }

  #deal(xml: string): void {
    const { length } = this.#links;
    if (length > 1) this.#dealt = (this.#dealt + 1) % length;
    this.#links[this.#dealt]?.write(xml);
  }

  #flush(): void {
    for (const link of this.#links) link.flush();
  }

  /** @throws when it takes too long: something is lost */
  #until(reached: () => boolean): Promise<void> {
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const { journal } = this;
      const timer = setTimeout(() => {
        journal.close();
        const counts = `${journal.sent} sent, ${journal.completed} complete, ${journal.faultCount} faults`;
        reject(new Error(`Waited in vain: ${counts}\n  ${journal.faults.join('\n  ')}`));
      }, DRAIN);
      this.#onProgress = () => {
        if (!reached()) return;
        clearTimeout(timer);
        this.#onProgress = undefined;
        resolve();
      };
    });
  }
}
