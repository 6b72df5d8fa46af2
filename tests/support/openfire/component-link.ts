import { createHash, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Element } from '@xmpp/xml';
import type { OpenfireLike } from './openfire.ts';
import { type Incoming, StrictStream } from './strict-stream.ts';

const NS_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams';

/** Why a link ended: a stanza's fault, our time-out, our reset, or the component's doing. */
export type LinkEnd = { readonly by: 'killer' | 'idle' | 'reset' | 'refusal' | 'component'; readonly why: string };

/** A component's connection, as Openfire keeps it. */
export class ComponentLink {
  /** What it serves. */
  domain = '';
  /** The component's header. */
  header: Record<string, string> = {};
  /** Whether the handshake is done and the link not closed. */
  isOpen = false;
  readonly ended: Promise<LinkEnd>;
  readonly #server: OpenfireLike;
  readonly #socket: Socket;
  readonly #id = randomUUID().slice(0, 8);
  readonly #queue: Incoming[] = [];
  #pumping = false;
  #idle: NodeJS.Timeout | undefined;
  #end: LinkEnd = { by: 'component', why: 'closed' };

  constructor(server: OpenfireLike, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    const stream = new StrictStream();
    socket.on('data', (data) => {
      this.#idle?.refresh();
      for (const incoming of stream.feed(data)) this.#receive(incoming);
    });
    socket.on('error', (error) => {
      this.#end = { by: 'component', why: error.message };
    });
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.#leave();
        resolve(this.#end);
      });
    });
  }

  /** How many stanzas came and are not handled yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  send(stanza: Element | string): void {
    if (this.#socket.writable) this.#socket.write(stanza.toString());
  }

  /** Breaks it with a RST. The last `lose` of what came and is not handled are lost; the others are handled first. */
  reset(lose: number): void {
    this.#queue.splice(Math.max(0, this.#queue.length - lose));
    for (const incoming of this.#queue.splice(0)) this.#handle(incoming);
    this.#end = { by: 'reset', why: 'reset by the test' };
    this.#leave();
    this.#socket.resetAndDestroy();
  }

  /** Goes on with what waits, if it is let. */
  async pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#queue.length > 0 && !this.#server.isHolding) {
      const { stanzaDelay } = this.#server;
      if (stanzaDelay > 0) {
        await new Promise((resolve) => setTimeout(resolve, stanzaDelay));
        if (this.#server.isHolding) break;
      }
      const incoming = this.#queue.shift();
      if (incoming !== undefined) this.#handle(incoming);
    }
    this.#pumping = false;
  }

  #receive(incoming: Incoming): void {
    if (!this.#socket.writable) return;
    if (incoming.kind === 'header') this.#start(incoming.attrs);
    else if (!this.isOpen) this.#authenticate(incoming);
    else {
      this.#queue.push(incoming);
      this.#server.noteWaiting();
      void this.pump();
    }
  }

  #start(header: Record<string, string>): void {
    this.header = header;
    this.domain = (header.to ?? '').toLowerCase();
    const isTaken = this.#server.linksOf(this.domain).length > 0 && header.allowMultiple === undefined;
    const id = isTaken ? '' : ` id="${this.#id}"`;
    this.send(
      `<?xml version='1.0' encoding='UTF-8'?><stream:stream xmlns:stream="http://etherx.jabber.org/streams" xmlns="jabber:component:accept" from="${this.domain}"${id}>`,
    );
    if (isTaken) this.#refuse('conflict', this.#server.version === '4.2.4');
  }

  #authenticate(incoming: Incoming): void {
    const expected = createHash('sha1')
      .update(this.#id + this.#server.secret)
      .digest('hex');
    if (incoming.kind !== 'stanza') this.#handle(incoming);
    else if (incoming.stanza.getText() !== expected) this.#refuse('not-authorized', true);
    else {
      this.isOpen = true;
      this.send('<handshake></handshake>');
      this.#idle = setTimeout(() => this.#timeOut(), this.#server.idle);
      this.#server.join(this);
    }
  }

  #handle(incoming: Incoming): void {
    if (incoming.kind === 'stanza') {
      const { from, to } = incoming.stanza.attrs;
      if (from || to) this.#server.handle(incoming.stanza, this);
      else this.#close({ by: 'killer', why: 'neither from nor to' });
    } else if (incoming.kind === 'killer') this.#close({ by: 'killer', why: incoming.why });
    else if (incoming.kind === 'end') this.#close({ by: 'component', why: 'closed' });
  }

  #refuse(condition: string, withError: boolean): void {
    this.#close({ by: 'refusal', why: condition }, withError ? condition : undefined);
  }

  #timeOut(): void {
    this.#close({ by: 'idle', why: 'idle' }, this.#server.version === '5.1.1' ? 'connection-timeout' : undefined);
  }

  #close(end: LinkEnd, condition?: string): void {
    this.#queue.length = 0;
    this.#end = end;
    const error = condition && `<stream:error><${condition} xmlns="${NS_ERRORS}"/></stream:error>`;
    this.#leave();
    // Openfire 5.1.1 refuses a taken domain without a word.
    if (end.why === 'conflict' && condition === undefined) this.#socket.end();
    else this.#socket.end(`${error ?? ''}</stream:stream>`);
  }

  #leave(): void {
    this.isOpen = false;
    clearTimeout(this.#idle);
    this.#server.leave(this);
  }
}
