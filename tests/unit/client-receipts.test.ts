import xml, { type Element } from '@xmpp/xml';
import {
  type IncomingMessage,
  memoryStore,
  type Problem,
  type ReceiptsOptions,
  receiptsClient,
  SendError,
} from '../../packages/client/src/index.ts';
import { type FakeServer, FakeXmpp } from '../support/client-library/fake-xmpp.ts';
import { parseStanza } from '../support/stanzas/xml.ts';
import { until } from '../support/time/until.ts';

const COMPONENT = 'receipts.example.org';
const ALICE = `alice@${COMPONENT}/phone`;
const BOB = `bob@${COMPONENT}`;
const OWN = 'urn:openfire-receipts:0';

const silent: FakeServer = { take: () => {}, answer: () => new Error('service-unavailable') };

function open(options: ReceiptsOptions = {}, server: FakeServer = silent) {
  const xmpp = new FakeXmpp('bob@example.org', server);
  const client = receiptsClient(xmpp, { component: COMPONENT, store: memoryStore(), ...options });
  const problems: Problem[] = [];
  client.addEventListener('problem', ({ detail }) => problems.push(detail));
  return { xmpp, client, problems };
}

const message = (id: string, from = ALICE) =>
  parseStanza(
    `<message type='chat' id='${id}' from='${from}'><body>${id}</body><request xmlns='urn:xmpp:receipts'/></message>`,
  );

/** The ids that receipts were written for, and to whom. */
const receipts = ({ written }: FakeXmpp) =>
  written.flatMap((stanza: Element) => {
    const id = stanza.getChild('received', 'urn:xmpp:receipts')?.attrs.id;
    return id === undefined ? [] : [`${id} ${stanza.attrs.to} ${stanza.attrs.type}`];
  });

test('the receipt goes when the handler has the message, and not before; the next of the conversation waits', async () => {
  const { xmpp, client } = open();
  xmpp.online();
  const taken: string[] = [];
  let release = () => {};
  xmpp.receives(message('early'));
  client.receive(async ({ id }) => {
    taken.push(id ?? '');
    if (id === 'early') await new Promise<void>((resolve) => (release = resolve));
  });
  xmpp.receives(message('late'));
  xmpp.receives(message('other', `carol@${COMPONENT}/r`));
  await until(() => receipts(xmpp).length === 1);
  expect(taken).toEqual(['early', 'other']);
  expect(receipts(xmpp)).toEqual([`other carol@${COMPONENT}/r chat`]);
  release();
  await until(() => receipts(xmpp).length === 3);
  expect(receipts(xmpp).slice(1)).toEqual([`early ${ALICE} chat`, `late ${ALICE} chat`]);
  await client.close();
});

test('a handler that fails has not taken it: no receipt, and the copy is given to it again', async () => {
  const { xmpp, client, problems } = open();
  xmpp.online();
  let fails = true;
  const taken: string[] = [];
  client.receive(({ key }) => {
    if (fails) throw new Error('The disk is full');
    taken.push(key);
  });
  xmpp.receives(message('m'));
  await until(() => problems.length > 0);
  expect(problems).toMatchObject([{ what: 'handler', error: { message: 'The disk is full' } }]);
  expect(receipts(xmpp)).toEqual([]);
  fails = false;
  xmpp.receives(message('m'));
  await until(() => receipts(xmpp).length === 1);
  expect(taken).toHaveLength(1);
  await client.close();
});

test('a receipt that finds no stream is kept, through a reload, and written to the next', async () => {
  const store = memoryStore();
  const first = open({ store });
  first.xmpp.online();
  let arrived = () => {};
  const handled = new Promise<void>((resolve) => (arrived = resolve));
  first.client.receive(() => {
    first.xmpp.cut();
    arrived();
  });
  first.xmpp.receives(message('m'));
  await handled;
  await until(async () => JSON.stringify([...(await store.load())]).includes('owed'));
  await first.client.close();
  const second = open({ store });
  await second.client.ready;
  expect(receipts(second.xmpp)).toEqual([]);
  second.xmpp.online();
  await until(() => receipts(second.xmpp).length === 1);
  expect(receipts(second.xmpp)).toEqual([`m ${ALICE} chat`]);
  await until(async () => !JSON.stringify([...(await store.load())]).includes('owed'));
  await second.client.close();
});

test('a receipt that stream management gives up is written again', async () => {
  const { xmpp, client } = open();
  xmpp.online();
  client.receive(() => {});
  xmpp.receives(message('m'));
  await until(() => receipts(xmpp).length === 1);
  xmpp.cut();
  xmpp.streamManagement.emit('fail', xmpp.written.at(-1));
  xmpp.online('other');
  await until(() => receipts(xmpp).length === 2);
  await client.close();
});

test('disabled: the application confirms, or nobody does; copies are answered as the first was', async () => {
  const { xmpp, client } = open({ autoReceipt: 'disabled' });
  xmpp.online();
  const taken: IncomingMessage[] = [];
  client.receive((one) => void taken.push(one));
  for (const id of ['a', 'b', 'a', 'b']) xmpp.receives(message(id));
  await until(() => taken.length === 2);
  taken[1]?.confirm();
  await until(() => receipts(xmpp).length === 1);
  for (const id of ['a', 'b']) xmpp.receives(message(id));
  await until(() => receipts(xmpp).length === 2);
  expect(receipts(xmpp)).toEqual([`b ${ALICE} chat`, `b ${ALICE} chat`]);
  expect(taken).toHaveLength(2);
  await client.close();
});

test('subscribed: only who sees the user’s presence gets a receipt, and changes of the roster count', async () => {
  let subscription = 'to';
  const server: FakeServer = {
    take: () => {},
    answer: (request) => {
      if (request.getChild('query', 'jabber:iq:roster') === undefined) return new Error('service-unavailable');
      const item = xml('item', { jid: 'alice@example.org', subscription });
      return xml('iq', { type: 'result' }, xml('query', { xmlns: 'jabber:iq:roster' }, item));
    },
  };
  const { xmpp, client } = open({}, server);
  const taken: string[] = [];
  client.addEventListener('message', ({ detail }) => taken.push(detail.id ?? ''));
  client.receive(() => {});
  xmpp.online();
  xmpp.receives(message('a', 'alice@example.org/r'));
  await until(() => taken.length === 1);
  subscription = 'both';
  xmpp.receives(xml('iq', { type: 'set' }, xml('query', { xmlns: 'jabber:iq:roster' })));
  xmpp.receives(message('b', 'alice@example.org/r'));
  await until(() => taken.length === 2);
  expect(receipts(xmpp)).toEqual(['b alice@example.org/r chat']);
  await client.close();
});

test('what the proxy says when it is asked: each state has its consequence', async () => {
  const store = memoryStore();
  const before = open({ store });
  const states = ['pending', 'delivered', 'expired', 'unconfirmed', 'rejected', 'unknown'];
  for (const id of states) before.client.send({ to: BOB, id, body: id });
  await before.client.ready;
  await before.client.close();

  const server: FakeServer = {
    take: () => {},
    answer: (request) => {
      const asked = request.getChild('status', OWN)?.getChildren('message') ?? [];
      const answers = asked.map(({ attrs }) => xml('message', { ...attrs, state: attrs.id as string }));
      return xml('iq', { type: 'result' }, xml('status', { xmlns: OWN }, ...answers));
    },
  };
  const { xmpp, client } = open({ store }, server);
  xmpp.online();
  await until(() => client.get('unknown')?.state === 'sent');
  const known = states.map((id) => client.get(id));
  expect(known.map((tracked) => tracked?.failure?.reason ?? tracked?.state)).toEqual([
    'stored',
    'delivered',
    'expired',
    'unconfirmed',
    'rejected',
    'sent',
  ]);
  expect(xmpp.written.map(({ attrs }) => attrs.id)).toEqual(['unknown']);
  await client.close();
});

test('what cannot be sent is refused at once, and nothing is written', async () => {
  const { xmpp, client } = open();
  xmpp.online();
  const toNobody = parseStanza(`<message to='${BOB}' type='chat'><body>An element, too</body></message>`);
  toNobody.attrs.to = `\u0000${BOB}`;
  const refusals = [
    client.send({ to: '', body: 'To nobody' }),
    client.send({ to: `\u0000${BOB}`, body: 'A server ends the stream at this' }),
    client.send({ to: BOB, id: '\ud800', body: 'And at this' }),
    client.send(toNobody),
    client.send(parseStanza(`<message to='${BOB}' type='groupchat'/>`)),
    client.send(parseStanza(`<presence to='${BOB}'/>`)),
    client.send({ to: BOB, body: 'x'.repeat(300_000) }),
  ];
  for (const refusal of refusals) {
    await expect(refusal).rejects.toBeInstanceOf(SendError);
    await expect(refusal).rejects.toMatchObject({ failure: { reason: 'rejected' } });
  }
  void client.send({ to: BOB, id: 'same', body: 'One' });
  await expect(client.send({ to: BOB, id: 'same', body: 'Two' })).rejects.toMatchObject({
    failure: { condition: 'conflict' },
  });
  await until(() => xmpp.written.length > 0);
  expect(xmpp.written.map((stanza) => stanza.getChildText('body'))).toEqual(['One']);
  await client.close();
});

test('the proxy is away: the message waits, and is no failure', async () => {
  const { xmpp, client } = open({ resendAfter: 20 });
  xmpp.online();
  const { id } = client.send({ to: BOB, body: 'Anybody there?' });
  await until(() => xmpp.written.length === 1);
  xmpp.receives(
    parseStanza(
      `<message type='error' id='${id}' from='${BOB}'><error type='cancel'>` +
        "<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    ),
  );
  await until(() => xmpp.written.length === 2);
  expect(xmpp.written.map(({ attrs }) => attrs.id)).toEqual([id, id]);
  expect(client.get(id)).toMatchObject({ state: 'sent', attempts: 2 });
  xmpp.receives(parseStanza(`<message from='${COMPONENT}'><stored xmlns='${OWN}' id='${id}' to='${BOB}'/></message>`));
  await until(() => client.get(id)?.state === 'stored');
  await client.close();
});

test('a receipt, an error and the proxy’s word count only about a message to whom they speak of', async () => {
  const { xmpp, client } = open();
  xmpp.online();
  const { id } = client.send({ to: BOB, body: 'To bob' });
  await until(() => xmpp.written.length === 1);
  const received = `<received xmlns='urn:xmpp:receipts' id='${id}'/>`;
  const error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
  xmpp.receives(parseStanza(`<message from='${ALICE}'>${received}</message>`));
  xmpp.receives(parseStanza(`<message type='error' id='${id}' from='${ALICE}'>${error}</message>`));
  xmpp.receives(
    parseStanza(`<message from='${COMPONENT}'><stored xmlns='${OWN}' id='${id}' to='${ALICE}'/></message>`),
  );
  // Stanzas are taken in their order, so that those above have been by then.
  await client.ready;
  expect(client.get(id)?.state).toBe('sent');
  xmpp.receives(parseStanza(`<message type='chat' from='${BOB}/desk'>${received}</message>`));
  await until(() => client.get(id)?.state === 'delivered');
  await client.close();
});

test('a write that fails has not been one, with a witness or without: the message goes in the next session', async () => {
  for (const to of [BOB, 'carol@example.org']) {
    const { xmpp, client } = open();
    xmpp.online();
    const write = xmpp.send.bind(xmpp);
    // The socket is gone, and the stream does not know yet.
    const failed = new Promise<void>((resolve) => {
      xmpp.send = async () => {
        resolve();
        throw new Error('This socket has been ended by the other party');
      };
    });
    client.send({ to, id: 'm', body: 'Hello' });
    await failed;
    xmpp.cut();
    xmpp.send = write;
    xmpp.online();
    await until(() => xmpp.written.length > 0);
    expect(xmpp.written.map(({ attrs }) => attrs.id)).toEqual(['m']);
    await client.close();
  }
});

test('whose a message is is kept too, when he logs in while the store takes it: nobody else on the store sends it', async () => {
  const memory = memoryStore();
  let release = () => {};
  let last = new Promise<void>((resolve) => (release = resolve));
  const set = (key: string, value: unknown) => {
    const text = JSON.stringify(value);
    last = last.then(() => memory.set(key, JSON.parse(text)));
    return last;
  };
  const { xmpp, client } = open({ store: { ...memory, set } });
  await client.ready;
  const { id } = client.send({ to: ALICE, body: 'Bob wrote this' });
  await Promise.resolve();
  xmpp.online();
  // Past what the login does at once.
  await new Promise(setImmediate);
  release();
  await until(() => xmpp.written.some(({ attrs }) => attrs.id === id));
  const carol = new FakeXmpp('carol@example.org', silent);
  const second = receiptsClient(carol, { component: COMPONENT, store: memory });
  const problems: string[] = [];
  second.addEventListener('problem', ({ detail }) => problems.push(detail.what));
  await second.ready;
  carol.online();
  const sent = () => carol.written.filter(({ attrs }) => attrs.id === id);
  await until(() => problems.includes('account') || sent().length > 0);
  expect(sent()).toEqual([]);
  await Promise.all([client.close(), second.close()]);
});
