import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { COMPONENT, SECRET, SERVED } from '../addresses.ts';
import { serve } from './child.ts';

const NS_GATE = 'urn:openfire-receipts:gate:1';
const EVENT = /<held [^>]*>|<has [^>]*>/g;
const NUMBER = / n=["']([^"']+)/;
const BY_RECEIPT = / by=["']receipt/;
const EVENTS_END = '</gate></message>';
/** ms; as the product is measured with. */
const LEASE = 60_000;

/**
 * The least that a component can do for a gate: it parses nothing, stores nothing, and answers at once that all is stored. What
 * chat loses with it is what the server itself takes to hand messages to any component.
 */
serve(async ({ port, secret = SECRET }) => {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setEncoding('latin1');
  socket.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  let token = '';
  let ids = 0;
  const command = (inner: string, attributes = '') => {
    ids += 1;
    const gate = `<gate xmlns="${NS_GATE}"${attributes}>${inner}</gate>`;
    socket.write(`<iq type="set" id="a-${ids}" from="${COMPONENT}" to="${SERVED}">${gate}</iq>`, 'latin1');
  };
  const enable = () => {
    const process = randomBytes(12).toString('hex');
    command(
      `<enable version="1" process="${process}" timeout="${LEASE}" lease="${LEASE}" receipts="routed" acks="memory"/>`,
    );
  };
  let rest = '';
  let phase: 'header' | 'handshake' | 'enabling' | 'up' = 'header';
  socket.on('data', (chunk: unknown) => {
    const text = rest + (chunk as string);
    rest = text;
    if (phase === 'header') {
      const id = / id=["']([^"']+)/.exec(text)?.[1];
      if (id === undefined) return;
      rest = '';
      phase = 'handshake';
      socket.write(`<handshake>${createHash('sha1').update(`${id}${secret}`).digest('hex')}</handshake>`);
    } else if (phase === 'handshake') {
      if (!text.includes('<handshake')) return;
      rest = '';
      phase = 'enabling';
      enable();
    } else if (phase === 'enabling') {
      const found = /<enabled [^>]*token=["']([^"']+)/.exec(text)?.[1];
      if (found === undefined) return;
      token = ` token="${found}"`;
      rest = '';
      phase = 'up';
      setInterval(() => command('<renew/>', token), LEASE / 4);
    } else {
      const end = text.lastIndexOf(EVENTS_END);
      if (end === -1) return;
      rest = text.slice(end + EVENTS_END.length);
      let commands = '';
      for (const [event] of text.slice(0, end).matchAll(EVENT)) {
        const n = NUMBER.exec(event)?.[1];
        if (event.startsWith('<held ')) commands += `<stored n="${n}" ack="true"/>`;
        else if (BY_RECEIPT.test(event)) commands += `<forget n="${n}"/>`;
      }
      if (commands !== '') command(commands, token);
    }
  });
  socket.once('connect', () => {
    socket.write(
      `<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams" to="${COMPONENT}" allowMultiple="true">`,
    );
  });
});
