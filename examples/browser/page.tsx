import { client, xml } from '@xmpp/client';
import { receiptsClient } from 'openfire-receipts-client';
import { createRoot } from 'react-dom/client';
import { Conversation } from './conversation.ts';
import { inOneTab } from './one-tab.ts';
import { Chat } from './react.tsx';

// In a real page: from a form.
const account = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const { service = '', domain = '', username = '', password = '', contact = '' } = account;
const root = createRoot(document.body.appendChild(document.createElement('main')));
root.render(<p>Open in another tab</p>);

await inOneTab(async () => {
  const xmpp = client({ service, domain, username, password });
  const receipts = receiptsClient(xmpp);
  const conversation = new Conversation(receipts, contact);
  // One handler for all conversations, and not in a component: it must outlive what is on the screen.
  receipts.receive((message) => {
    if (message.from.startsWith(`${contact}/`)) conversation.take(message);
  });
  receipts.addEventListener('problem', ({ detail }) => console.warn(detail.what, detail.error));
  xmpp.on('error', (error) => console.warn(error.message));
  xmpp.on('online', () => xmpp.send(xml('presence')));
  root.render(<Chat conversation={conversation} />);
  await xmpp.start();
  return async () => {
    await receipts.close();
    await xmpp.stop();
  };
}, new AbortController().signal);
