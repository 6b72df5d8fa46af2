import { client } from '@xmpp/client';
import { type Element, indexedDbStore, receiptsClient } from '../../../packages/client/src/index.ts';
import { addressing } from './address.ts';
import { find } from './dom.ts';
import { History, type Shown } from './history.ts';
import { inWords, t } from './language.ts';
import { server } from './server.ts';
import { element } from './stanza.ts';
import { Talk } from './talk.ts';
import { hear, type News, send } from './wire.ts';
import type { Word } from './words.ts';

const NS_RECEIPTS = 'urn:xmpp:receipts';
const BURST = 200;
/** ms; shorter than in life, so that one need not wait. */
const TIMES = { resendAfter: 1500, resendAtMost: 2000, askAfter: 5000 } as const;
const RECONNECT_AFTER = 500;

const self = location.hash === '#bob' ? 'bob' : 'alice';
const other = self === 'bob' ? 'alice' : 'bob';

const account = await server.account(self);
const { username, password, domain, component, service, run } = account;
const to = `${other}@${addressing === 'own' ? domain : component}`;

const xmpp = client({ service, domain, username, password, resource: 'web' });
xmpp.reconnect.delay = RECONNECT_AFTER;
const receipts = receiptsClient(xmpp, { component, store: indexedDbStore(`demo-${run}-${self}`), ...TIMES });
const history = new History(`demo:${run}:${self}`);
const talk = new Talk(self, other);
let losing = false;
let lastWritten: Element | undefined;

const tell = (word: Word, values: News['values'] = {}) => send(window.parent, { news: { word, values } });

/** Shows a message in both senses: to the user, and to the memory of this window. */
function show(shown: Shown): void {
  history.add(shown);
  talk.show(shown);
}

function write(body: string): { id: string; stored: Promise<unknown> } {
  const sending = receipts.send({ to, body });
  const { id } = sending;
  const now = Date.now();
  const tracked = receipts.get(id);
  show({ id, body, mine: true, at: now, shownAt: now, ...(tracked !== undefined && { tracked }) });
  // A failure is shown by its event.
  return { id, stored: sending.catch(() => {}) };
}

/** The same stanza once more, past the library: as a client does that has lost its memory. */
async function writeTwice(): Promise<void> {
  if (lastWritten === undefined) await write(t('hello')).stored;
  const stanza = lastWritten;
  if (stanza === undefined || xmpp.status !== 'online') return;
  await xmpp.send(element(stanza));
  const shown = history.shown.find(({ mine, id }) => mine && id === stanza.attrs.id);
  if (shown !== undefined) {
    shown.copies = (shown.copies ?? 0) + 1;
    history.keep(shown);
    talk.rewrite(shown);
  }
  tell('twiceDone', { text: stanza.getChildText('body') ?? '' });
}

function burst(): void {
  for (let count = 1; count <= BURST; count += 1) write(t('burstText', { count }));
  tell('burstDone');
}

receipts.addEventListener('state', ({ detail }) => talk.update(detail));
receipts.addEventListener('resend', ({ detail }) => talk.update(detail));
receipts.receive(({ id = '', body, sentAt }) => {
  const now = Date.now();
  if (body !== null) show({ id, body, mine: false, at: sentAt?.getTime() ?? now, shownAt: now });
});

// The network loses one receipt on its way from here.
const sendStanza = xmpp.send.bind(xmpp);
xmpp.send = async (stanza: Element) => {
  if (losing && stanza.getChild('received', NS_RECEIPTS) !== undefined) {
    losing = false;
    tell(addressing === 'own' ? 'receiptLostOwn' : 'receiptLost');
    return;
  }
  await sendStanza(stanza);
};
xmpp.on('send', (stanza: Element) => {
  if (stanza.is('message') && stanza.getChildText('body') !== null) lastWritten = stanza;
});
xmpp.on('online', () => void xmpp.send(element({ name: 'presence', attrs: {}, children: [] })).catch(() => {}));
// It reconnects by itself, and says how it stands by its status.
xmpp.on('error', () => {});
xmpp.on('status', () => writePresence());
// Of a session that is resumed (XEP-0198) it says nothing, and sets its status only after this.
xmpp.streamManagement.on('resumed', () => queueMicrotask(writePresence));

hear(({ order }) => {
  if (order === 'burst') burst();
  else if (order === 'twice') void writeTwice().catch(() => {});
  else if (order !== undefined) losing = order === 'lose';
});

function writePresence(): void {
  const { status } = xmpp;
  const word = status === 'online' ? 'online' : status === 'offline' ? 'offline' : 'connecting';
  const presence = find('.presence');
  presence.textContent = t(word);
  presence.dataset.status = word;
}

document.body.dataset.name = self;
find('.face').textContent = self.slice(0, 1).toUpperCase();
inWords(() => {
  find('h1').textContent = t(self);
  document.title = t('windowOf', { name: t(self) });
  document.documentElement.lang = t('switchTo') === 'English' ? 'zh-Hans' : 'en';
  find('label').textContent = t('placeholder', { name: t(other) });
  find<HTMLInputElement>('input').placeholder = t('placeholder', { name: t(other) });
  find('form button').textContent = t('send');
  writePresence();
  find('.address').textContent = t('writesTo', { address: to });
});
find<HTMLFormElement>('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = find<HTMLInputElement>('input');
  const body = input.value.trim();
  if (body !== '') write(body);
  input.value = '';
});

await receipts.ready;
for (const shown of history.shown) {
  const tracked = shown.mine ? receipts.get(shown.id) : undefined;
  if (tracked !== undefined) shown.tracked = tracked;
  talk.show(shown);
}
// The first attempt may fail as any later one; it is tried again by itself.
xmpp.start().catch(() => {});
