import componentModule from '@xmpp/component';
import xml from '@xmpp/xml';
import { COMPONENT, SECRET, SERVED } from '../addresses.ts';
import { serve } from './child.ts';
import type { Stock } from './stock.ts';

/** What any component does behind a real server that maps addresses as the proxy does, acknowledges, and stores nothing. */
serve(async ({ port, secret = SECRET }) => {
  const stock = componentModule.component({
    service: `xmpp://127.0.0.1:${port}`,
    domain: COMPONENT,
    password: secret,
  }) as unknown as Stock;
  stock.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  stock.middleware.use(async ({ name, stanza }, next) => {
    if (name !== 'message') return next();
    const { from, to, id } = stanza.attrs as { from: string; to: string; id: string };
    if (stanza.getChild('body') !== undefined) {
      const acknowledgement = xml(
        'message',
        { type: 'chat', from: COMPONENT, to: from, id: `ack-${id}` },
        xml('stored', { xmlns: 'urn:openfire-receipts:0', id, to }),
        xml('received', { xmlns: 'urn:xmpp:receipts', id }),
        xml('no-store', { xmlns: 'urn:xmpp:hints' }),
      );
      void stock.send(acknowledgement);
    }
    Object.assign(stanza.attrs, {
      from: from.replace(`@${SERVED}`, `@${COMPONENT}`),
      to: to.replace(`@${COMPONENT}`, `@${SERVED}`),
    });
    void stock.send(stanza);
    return undefined;
  });
  await stock.start();
  stock.socket?.setNoDelay(true);
});
