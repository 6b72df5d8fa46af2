import net from 'node:net';

/** Of a session of a real server: who it is, and where. */
export interface Account {
  readonly port: number;
  readonly domain: string;
  readonly name: string;
  readonly password: string;
  readonly resource?: string;
}

const MESSAGE_CLOSES = '</message>';

/**
 * A client session of a real server (RFC 6120, without TLS), which scans strings instead of parsing, so that it takes little
 * of the cores that it shares with what is measured. Of what comes it hands on messages alone.
 */
export class ClientSession {
  /** Called with each message, without its end tag. */
  onMessage: (stanza: string) => void = () => {};
  readonly #socket: net.Socket;
  #rest = '';
  #steps: ((text: string) => boolean) | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => this.#data(chunk as unknown as string));
    socket.on('error', () => {});
  }

  /** Logs in and becomes available. */
  static async login({ port, domain, name, password, resource = 'bench' }: Account): Promise<ClientSession> {
    const session = new ClientSession(net.connect({ port, host: '127.0.0.1', noDelay: true }));
    const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' version='1.0'>`;
    const credentials = Buffer.from(`\0${name}\0${password}`).toString('base64');
    await session.#ask(header, '</stream:features>');
    await session.#ask(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`,
      '<success',
    );
    await session.#ask(header, '</stream:features>');
    await session.#ask(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
      '</jid>',
    );
    // Not every server tells a client of its own presence: the answer to what follows it says that it is known.
    await session.#ask(
      `<presence/><iq type='get' id='present' to='${domain}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
      '</iq>',
    );
    session.#rest = '';
    return session;
  }

  send(xml: string): void {
    this.#socket.write(xml, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves when this text has come. */
  #ask(xml: string, answer: string): Promise<void> {
    return new Promise((resolve) => {
      this.#steps = (text) => {
        if (!text.includes(answer)) return false;
        this.#steps = undefined;
        this.#rest = '';
        resolve();
        return true;
      };
      this.send(xml);
    });
  }

  #data(chunk: string): void {
    const text = this.#rest + chunk;
    if (this.#steps !== undefined) {
      if (!this.#steps(text)) this.#rest = text;
      return;
    }
    let at = 0;
    for (;;) {
      const start = text.indexOf('<message', at);
      if (start === -1) {
        // The beginning of one may be the end of this.
        this.#rest = text.slice(Math.max(at, text.length - '<message'.length + 1));
        return;
      }
      const end = text.indexOf(MESSAGE_CLOSES, start);
      if (end === -1) {
        this.#rest = text.slice(start);
        return;
      }
      this.onMessage(text.slice(start, end));
      at = end + MESSAGE_CLOSES.length;
    }
  }
}
