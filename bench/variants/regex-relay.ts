import { createHash } from 'node:crypto';
import net from 'node:net';
import { COMPONENT, SECRET, SERVED } from '../addresses.ts';
import { serve } from './child.ts';

const STANZA = /<message ([^>]*)>(.*?)<\/message>/gs;
const FROM = / ?\bfrom=["']([^"']*)["']/;
const TO = / ?\bto=["']([^"']*)["']/;
const ID = /\bid=["']([^"']*)["']/;
const END = '</message>';

/**
 * The least that a component can do that maps addresses as the proxy does and acknowledges: no parser, nothing stored, regular
 * expressions over what came, one write for all that a chunk calls for.
 */
serve(async ({ port, secret = SECRET }) => {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setEncoding('latin1');
  socket.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  let rest = '';
  let phase: 'header' | 'handshake' | 'up' = 'header';
  const relayed = (text: string): string => {
    let out = '';
    for (const [, attributes = '', inner = ''] of text.matchAll(STANZA)) {
      const from = FROM.exec(attributes)?.[1] ?? '';
      const to = TO.exec(attributes)?.[1] ?? '';
      if (inner.includes('<body')) {
        const id = ID.exec(attributes)?.[1] ?? '';
        out += `<message type="chat" from="${COMPONENT}" to="${from}" id="ack-${id}"><stored xmlns="urn:openfire-receipts:0" id="${id}" to="${to}"/><received xmlns="urn:xmpp:receipts" id="${id}"/><no-store xmlns="urn:xmpp:hints"/></message>`;
      }
      const others = attributes.replace(FROM, '').replace(TO, '');
      const [sender, recipient] = [
        from.replace(`@${SERVED}`, `@${COMPONENT}`),
        to.replace(`@${COMPONENT}`, `@${SERVED}`),
      ];
      out += `<message from="${sender}" to="${recipient}" ${others}>${inner}</message>`;
    }
    return out;
  };
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
      phase = 'up';
    } else {
      const end = text.lastIndexOf(END);
      if (end === -1) return;
      rest = text.slice(end + END.length);
      const out = relayed(text.slice(0, end + END.length));
      if (out !== '') socket.write(out, 'latin1');
    }
  });
  socket.once('connect', () => {
    socket.write(
      `<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams" to="${COMPONENT}" allowMultiple="true">`,
    );
  });
});
