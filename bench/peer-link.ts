import type net from 'node:net';
import { COMPONENT } from './addresses.ts';

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='bench' from='${COMPONENT}'>`;
const MESSAGE_CLOSES = '</message>';
const IQ_CLOSES = '</iq>';

export interface PeerLinkOptions {
  readonly onHandshake: () => void;
  readonly onMessage: (stanza: string) => void;
  readonly onIq: (stanza: string) => void;
  readonly onFault: (what: string) => void;
  /** All of what came at once is handled. */
  readonly onHandled: () => void;
}

/**
 * A component's stream, as a server sees it: lets in whoever knows the way (what is measured is not the secret), cuts what comes
 * into stanzas, without their end tags, and writes at once what was gathered.
 */
export class PeerLink {
  readonly #socket: net.Socket;
  readonly #options: PeerLinkOptions;
  #rest = '';
  #out = '';
  #handshaken = false;

  constructor(socket: net.Socket, options: PeerLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => this.#data(chunk as unknown as string));
    socket.on('error', () => {});
  }

  /** Goes out with the next {@link flush}. */
  write(xml: string): void {
    this.#out += xml;
  }

  flush(): void {
    if (this.#out === '') return;
    const out = this.#out;
    this.#out = '';
    this.#socket.write(out, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #data(chunk: string): void {
    const text = this.#rest + chunk;
    this.#rest = this.#handshaken ? this.#stanzas(text) : this.#handshake(text);
    this.#options.onHandled();
    this.flush();
  }

  #handshake(text: string): string {
    if (text.includes('</handshake>')) {
      this.#out += '<handshake/>';
      this.#handshaken = true;
      this.#options.onHandshake();
      return '';
    }
    if (text.includes('<stream:stream') && text.trimEnd().endsWith('>')) {
      this.#out += HEADER;
      return '';
    }
    return text;
  }

  /** Hands on whole stanzas, and gives back what is left. */
  #stanzas(text: string): string {
    const { onIq, onMessage, onFault } = this.#options;
    let at = 0;
    while (at < text.length) {
      const iq = text.startsWith('<iq', at);
      if (!iq && !text.startsWith('<message', at)) {
        if (text.length - at >= '<message'.length) onFault(`Not a stanza: ${text.slice(at, at + 80)}`);
        break;
      }
      const closes = iq ? IQ_CLOSES : MESSAGE_CLOSES;
      const end = text.indexOf(closes, at);
      if (end === -1) break;
      const stanza = text.slice(at, end);
      if (iq) onIq(stanza);
      else onMessage(stanza);
      at = end + closes.length;
    }
    return text.slice(at);
  }
}
