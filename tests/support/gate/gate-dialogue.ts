import xml, { type Element } from '@xmpp/xml';
import type { LoginOptions, TestUser } from '../clients/test-user.ts';
import type { BareComponent } from '../openfire/bare-component.ts';
import { Transcript } from './transcript.ts';

/** Where the dialogue is held: on any server, with or without a gate. */
export interface DialogueServer {
  readonly domain: string;
  /** A multi-user chat service. */
  readonly muc: string;
  login(username: string, resource: string, options: Partial<LoginOptions>): Promise<TestUser>;
  /** A component that has nothing to do with the gate. */
  readonly other: BareComponent;
  /** Resolves when what the server has taken from its clients by now has gone its way. */
  settled(): Promise<void>;
}

/** What each client was sent, by step and by client: see {@link Transcript}. */
export type Comparison = Record<string, Record<string, string[]>>;

const NS_TUNE = 'http://jabber.org/protocol/tune';
const NS_MUC = 'http://jabber.org/protocol/muc';
const NS_HINTS = 'urn:xmpp:hints';
const NS_BLOCKING = 'urn:xmpp:blocking';
const FEATURES = ['http://jabber.org/protocol/caps', 'http://jabber.org/protocol/disco#info', `${NS_TUNE}+notify`];

/** The ids of the messages that a gate shows to its component. */
export const SHOWN = [
  ...['languages', 'thread', 'oob', 'omemo', 'full', 'dead-resource', 'normal', 'no-type', 'forged', 'correction'],
  ...['receipt-request', 'receipt', 'private', 'no-copy', 'to-phone', 'to-tablet', 'blocked-bare', 'blocked-full'],
  ...['own-block', 'offline-1', 'offline-2', 'live'],
].sort();

/**
 * Everything that a gate must leave as it is, once each: alice (phone, and a tablet with carbons) and bob (desk, and a phone with
 * carbons, stream management and a lower priority) are contacts, carol is not.
 */
export async function gateDialogue(server: DialogueServer): Promise<Comparison> {
  const { domain, muc } = server;
  const [ALICE, BOB, CAROL] = ['alice', 'bob', 'carol'].map((name) => `${name}@${domain}`) as [string, string, string];
  const transcript = new Transcript(domain, () => server.settled());
  const join = async (name: string, username: string, resource: string, options: Partial<LoginOptions> = {}) =>
    transcript.add(
      name,
      await server.login(username, resource, { autoReceipt: false, features: FEATURES, ...options }),
    );
  const step = (name: string, act: () => unknown) => transcript.step(name, act);
  const body = (text: string) => xml('body', {}, text);
  const message = (id: string, to: string, ...children: Element[]) =>
    xml('message', { to, type: 'chat', id }, children);
  // Openfire copies to her other device what alice has sent when its recipient has it already: an answer may overtake the copy.
  const copied = () => transcript.barrier();
  const carbons = (user: TestUser) => user.asks(undefined, xml('enable', { xmlns: 'urn:xmpp:carbons:2' }), 'set');

  const alice = await join('alice/phone', 'alice', 'phone');
  const bob = await join('bob/desk', 'bob', 'desk');
  const carol = await join('carol/web', 'carol', 'web');
  await step('contacts', async () => {
    await alice.subscribesTo(BOB);
    await bob.isAskedBy(ALICE);
    await bob.approves(ALICE);
    await bob.subscribesTo(ALICE);
    await alice.isAskedBy(BOB);
    await alice.approves(BOB);
    await bob.isApprovedBy(ALICE);
  });
  const tablet = await join('alice/tablet', 'alice', 'tablet');
  const phone = await join('bob/phone', 'bob', 'phone', { streamManagement: true, presence: false });
  await step('second devices', async () => {
    await carbons(tablet);
    await carbons(phone);
    await bob.goesAvailable({ priority: 5 });
    await phone.goesAvailable({ priority: 1 });
  });

  await step('two languages', () =>
    alice.send(message('languages', BOB, body('Hello'), xml('body', { 'xml:lang': 'de' }, 'Hallo'))),
  );
  await step('thread and subject', () =>
    alice.send(message('thread', BOB, xml('subject', {}, 'Tea'), body('At five'), xml('thread', {}, 't1'))),
  );
  await step('a link out of band', () =>
    alice.send(
      message('oob', BOB, body('https://x/y'), xml('x', { xmlns: 'jabber:x:oob' }, xml('url', {}, 'https://x/y'))),
    ),
  );
  await step('OMEMO without a body', () => {
    const header = xml('header', { sid: '1' }, xml('iv', {}, 'AAAA'));
    const encrypted = xml('encrypted', { xmlns: 'eu.siacs.conversations.axolotl' }, header, xml('payload', {}, 'BBBB'));
    return alice.send(message('omemo', BOB, encrypted, xml('store', { xmlns: NS_HINTS })));
  });
  await step('a chat state', () =>
    alice.send(message('state', BOB, xml('composing', { xmlns: 'http://jabber.org/protocol/chatstates' }))),
  );
  await step('to a full JID', () => alice.send(message('full', bob.jid, body('To the desk'))));
  await step('to a resource that is not there', () =>
    alice.send(message('dead-resource', `${BOB}/gone`, body('To nowhere'))),
  );
  await step('headlines', async () => {
    await alice.send(xml('message', { to: BOB, type: 'headline', id: 'headline-1' }, body('News')));
    await alice.send(xml('message', { to: phone.jid, type: 'headline', id: 'headline-2' }, body('News')));
  });
  await step('to herself', async () => {
    await alice.send(message('self-1', ALICE, body('A note')));
    await alice.send(message('self-2', tablet.jid, body('A note for the tablet')));
    await alice.send(xml('message', { type: 'chat', id: 'self-3' }, body('To nobody named')));
  });
  await step('to an unknown user, and to no address', async () => {
    await alice.send(message('unknown', `nobody@${domain}`, body('Anybody?')));
    await alice.send(message('malformed', `@@${domain}`, body('Where?')));
  });
  await step('normal, and without a type', async () => {
    await alice.send(xml('message', { to: BOB, type: 'normal', id: 'normal' }, body('A letter')));
    await alice.send(xml('message', { to: BOB, id: 'no-type' }, body('Another')));
  });
  await step('an error', () =>
    alice.send(
      xml(
        'message',
        { to: bob.jid, type: 'error', id: 'error' },
        xml('error', { type: 'cancel' }, xml('service-unavailable', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' })),
      ),
    ),
  );
  // Removed where there is a gate, so the transcript leaves it out.
  await step('forged elements of the gate', async () => {
    const forged = () => xml('gate', { xmlns: 'urn:openfire-receipts:gate:1', token: 't' }, xml('has', { n: 'x-1' }));
    await alice.send(message('forged', BOB, body('Marked'), forged(), forged()));
    await alice.send(xml('message', { to: BOB, type: 'headline', id: 'forged-news' }, body('News'), forged()));
  });
  await step('a correction', () =>
    alice.send(
      message('correction', BOB, body('At six'), xml('replace', { xmlns: 'urn:xmpp:message-correct:0', id: 'thread' })),
    ),
  );
  await step('a receipt', async () => {
    await alice.send(message('receipt-request', BOB, body('Well?'), xml('request', { xmlns: 'urn:xmpp:receipts' })));
    await bob.hears('Well?');
    await copied();
    await bob.send(
      message('receipt', alice.jid, xml('received', { xmlns: 'urn:xmpp:receipts', id: 'receipt-request' })),
    );
  });
  await step('kept from carbons', async () => {
    await alice.send(message('private', BOB, body('Psst'), xml('private', { xmlns: 'urn:xmpp:carbons:2' })));
    await alice.send(message('no-copy', bob.jid, body('Psst'), xml('no-copy', { xmlns: NS_HINTS })));
  });
  await step('to a second device', () => tablet.send(message('to-phone', phone.jid, body('From the tablet'))));
  await step('from a second device', () => phone.send(message('to-tablet', tablet.jid, body('From the phone'))));

  await step('a room', async () => {
    const room = `room@${muc}`;
    const enter = (user: TestUser, nick: string) =>
      user.send(xml('presence', { to: `${room}/${nick}` }, xml('x', { xmlns: NS_MUC })));
    const own = (nick: string) => (el: Element) => el.name === 'presence' && el.attrs.from === `${room}/${nick}`;
    await enter(alice, 'al');
    await alice.hears(own('al'));
    const form = xml('x', { xmlns: 'jabber:x:data', type: 'submit' });
    await alice.asks(room, xml('query', { xmlns: `${NS_MUC}#owner` }, form), 'set');
    await enter(bob, 'bo');
    await alice.hears(own('bo'));
    await bob.hears((el) => el.name === 'message' && el.getChild('subject') !== undefined);
    await alice.send(xml('message', { to: room, type: 'groupchat', id: 'groupchat' }, body('Hello all')));
    await bob.hears('Hello all');
    await alice.send(message('muc-private', `${room}/bo`, body('Hello bo')));
    await bob.hears('Hello bo');
  });
  await step('another component', async () => {
    const service = `service@${server.other.jid}`;
    await alice.send(message('to-component', service, body('Ho')));
    await server.other.hears('Ho');
    await copied();
    await server.other.send(
      xml('message', { from: service, to: alice.jid, type: 'chat', id: 'from-component' }, body('Hi')),
    );
    await alice.hears('Hi');
  });
  await step('personal events', () =>
    alice.publishes(NS_TUNE, xml('tune', { xmlns: NS_TUNE }, xml('title', {}, 'A song'))),
  );
  await step('requests', async () => {
    await alice.asks(bob.jid, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    await alice.asks(`${BOB}/gone`, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    await alice.asks(domain, xml('query', { xmlns: 'urn:nothing:known' }));
    await alice.asks(BOB, xml('vCard', { xmlns: 'vcard-temp' }));
  });
  await step('presence', async () => {
    await alice.goesAvailable({ show: 'away', status: 'Out', priority: 3 });
    await alice.shows(carol.jid, { status: 'For you' });
    await tablet.goesUnavailable();
    await tablet.goesAvailable();
  });
  await step('blocked', async () => {
    const item = () => xml('item', { jid: CAROL });
    await bob.asks(undefined, xml('block', { xmlns: NS_BLOCKING }, item()), 'set');
    await carol.send(message('blocked-bare', BOB, body('Are you there?')));
    await carol.send(message('blocked-full', bob.jid, body('Are you there?')));
    await bob.send(message('own-block', CAROL, body('No')));
    await transcript.barrier();
    await bob.asks(undefined, xml('unblock', { xmlns: NS_BLOCKING }, item()), 'set');
  });
  await step('offline', async () => {
    await bob.offline();
    await phone.offline();
    // A server may still be removing a session whose stream it has closed; Openfire stores twice what it gives such a one.
    await transcript.barrier();
    await alice.send(message('offline-1', BOB, body('For later')));
    await alice.send(message('offline-2', BOB, body('This too')));
  });
  const again = await join('bob/again', 'bob', 'again', { presence: false });
  await step('back', async () => {
    await again.available();
    await alice.send(message('live', BOB, body('Welcome back')));
  });
  for (const [name, user] of [
    ['alice', alice],
    ['bob', again],
  ] as const) {
    await step(`the archive of ${name}`, () => user.asks(undefined, xml('query', { xmlns: 'urn:xmpp:mam:2' }), 'set'));
  }
  return transcript.steps;
}
