// Answers each message once, also when it is killed in between: its two lists are in a file.
//   SERVICE=xmpp://127.0.0.1:5222 DOMAIN=example.org USERNAME=echo PASSWORD=secret node --import tsx examples/node/echo.ts
import { client, xml } from '@xmpp/client';
import { receiptsClient } from 'openfire-receipts-client';
import { fileStore } from 'openfire-receipts-client/file-store';

const { SERVICE = '', DOMAIN = '', USERNAME = '', PASSWORD = '', STORE = 'echo.receipts' } = process.env;
const xmpp = client({ service: SERVICE, domain: DOMAIN, username: USERNAME, password: PASSWORD });
const receipts = receiptsClient(xmpp, { store: fileStore(STORE) });

receipts.receive(async (message) => {
  if (message.body === null || message.id === undefined) return;
  const [to = ''] = message.from.split('/');
  // One id for one question: if the process is killed now, the question comes again, and this answer is refused as known.
  const id = `answer-to-${message.id}`;
  if (receipts.get(id) === undefined) await receipts.send({ to, body: `You said: ${message.body}`, id });
});
receipts.addEventListener('delivered', ({ detail }) => console.log(`${detail.id} delivered`));
receipts.addEventListener('problem', ({ detail }) => console.error(detail.what, detail.error.message));
xmpp.on('error', (error) => console.error(error.message));
xmpp.on('online', () => xmpp.send(xml('presence')));
await xmpp.start();
console.log('online');
