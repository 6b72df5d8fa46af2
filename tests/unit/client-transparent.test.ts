import xml, { type Element } from '@xmpp/xml';
import {
  memoryStore,
  type ReceiptsClient,
  type ReceiptsOptions,
  receiptsClient,
} from '../../packages/client/src/index.ts';
import { FakeXmpp } from '../support/client-library/fake-xmpp.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

/** Users write to each other's own addresses, and a gate in the server shows the component what they write. */

// In a module it is no global.
const { jest } = import.meta;

const SERVER = 'example.org';
const COMPONENT = 'receipts.example.org';
const BOB = `bob@${SERVER}`;
const OWN = 'urn:openfire-receipts:0';

const open: ReceiptsClient[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  // Of the 0.8 to 1.2 that spread clients, 1.
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const query = (kind: string, ...children: Element[]) =>
  xml('iq', { type: 'result' }, xml('query', { xmlns: `http://jabber.org/protocol/disco#${kind}` }, ...children));

async function start({
  holds = true,
  managed = true,
  ...options
}: ReceiptsOptions & { holds?: boolean; managed?: boolean } = {}) {
  const gate = { holds };
  const states: Record<string, string> = {};
  const xmpp = new FakeXmpp(`alice@${SERVER}`, {
    take: (stanza) => void (managed && xmpp.streamManagement.outbound_q.push({ stanza })),
    answer: (request) => {
      const { to } = request.attrs;
      if (request.getChild('query')?.attrs.xmlns?.endsWith('#items'))
        return query('items', xml('item', { jid: COMPONENT }));
      if (to !== COMPONENT) return new Error('service-unavailable');
      const asked = request.getChild('status', OWN)?.getChildren('message');
      if (asked !== undefined) {
        const answers = asked.map(({ attrs }) =>
          xml('message', { ...attrs, state: states[attrs.id ?? ''] ?? 'unknown' }),
        );
        return xml('iq', { type: 'result' }, xml('status', { xmlns: OWN }, ...answers));
      }
      const features = [OWN, `${OWN}#batch`, ...(gate.holds ? [`${OWN}#transparent`] : [])];
      return query('info', ...features.map((name) => xml('feature', { var: name })));
    },
  });
  xmpp.streamManagement.enabled = managed;
  const client = receiptsClient(xmpp, { store: memoryStore(), ...options });
  open.push(client);
  const pass = (ms = 0) => jest.advanceTimersByTimeAsync(ms);
  const send = (id: string, to = BOB) => void client.send({ to, id, body: id }).catch(() => {});
  /** The server acknowledges all that was written (XEP-0198). */
  const acknowledge = () => {
    for (const { stanza } of xmpp.streamManagement.outbound_q.splice(0)) xmpp.streamManagement.emit('ack', stanza);
  };
  const written = () => xmpp.written.filter(({ attrs }) => attrs.type === 'chat').map(({ attrs }) => attrs.id);
  xmpp.online();
  await pass();
  return { xmpp, client, gate, states, pass, send, acknowledge, written };
}

const stored = (id: string) => xml('message', { from: COMPONENT }, xml('stored', { xmlns: OWN, id, to: BOB }));

test('the component is found by disco, and stores what is written to a user’s own address', async () => {
  const { xmpp, client, send, pass, acknowledge } = await start();
  send('m');
  await pass();
  acknowledge();
  // The server has it, which is not enough.
  expect(client.component).toBe(COMPONENT);
  expect(client.get('m')?.state).toBe('sent');
  xmpp.receives(stored('m'));
  await pass();
  expect(client.get('m')).toMatchObject({ state: 'stored', storedBy: 'proxy', attempts: 1 });
  xmpp.receives(xml('message', { from: `${BOB}/r` }, xml('received', { xmlns: 'urn:xmpp:receipts', id: 'm' })));
  await pass();
  expect(client.get('m')?.state).toBe('delivered');
});

test('nothing of ours is in what others read, and receipts to them share no stanza', async () => {
  const { xmpp, client, send, pass } = await start({ autoReceipt: 'always' });
  client.receive(() => {});
  send('m');
  for (const id of ['a', 'b']) {
    xmpp.receives(
      parseStanza(
        `<message type='chat' id='${id}' from='${BOB}/r'><body>${id}</body><request xmlns='urn:xmpp:receipts'/></message>`,
      ),
    );
  }
  await pass(1000);
  expect(xmpp.written.join('')).not.toContain(OWN);
  const receipts = xmpp.written.map((stanza) => stanza.getChildren('received').length).filter((count) => count > 0);
  expect(receipts).toEqual([1, 1]);
});

test('a receipt goes to whoever the gate holds messages of, roster or not', async () => {
  const { xmpp, client, pass } = await start();
  client.receive(() => {});
  const message = (id: string, from: string) =>
    parseStanza(
      `<message type='chat' id='${id}' from='${from}'><body>${id}</body><request xmlns='urn:xmpp:receipts'/></message>`,
    );
  xmpp.receives(message('ours', `${BOB}/r`));
  xmpp.receives(message('theirs', 'carol@elsewhere.example/r'));
  await pass();
  expect(xmpp.written.map(({ attrs }) => attrs.to)).toEqual([`${BOB}/r`]);
});

test('messages to the server, to oneself and to other domains are not held', async () => {
  const { client, send, pass, acknowledge } = await start();
  const addresses = [SERVER, `alice@${SERVER}/other`, 'carol@elsewhere.example'];
  for (const to of addresses) send(to, to);
  await pass();
  acknowledge();
  expect(addresses.map((id) => client.get(id)?.storedBy)).toEqual(['server', 'server', 'server']);
});

test.each([true, false])(
  'passed unheld (stream management: %s): no copy, nor of those after it, until the gate holds again',
  async (managed) => {
    const { xmpp, client, send, pass, acknowledge, written, states } = await start({ managed });
    for (let i = 0; i < 40; i++) send(`m${i}`);
    await pass();
    acknowledge();
    await pass(10_000);
    acknowledge();
    await pass(3_600_000);
    expect(written()).toHaveLength(40);
    const state = managed ? { state: 'stored', storedBy: 'server' } : { state: 'sent' };
    for (const id of ['m0', 'm39']) expect(client.get(id)).toMatchObject({ ...state, attempts: 1 });
    // The component knows nothing of them, and they are not lost.
    expect(states).toEqual({});
    send('next');
    await pass();
    acknowledge();
    expect(client.get('next')).toMatchObject(state);
    xmpp.receives(stored('next'));
    send('held');
    await pass();
    acknowledge();
    expect(client.get('held')?.state).toBe('sent');
  },
);

test('while the server has not acknowledged it, its time brings a copy', async () => {
  const { send, pass, written } = await start();
  send('m');
  await pass(99_999);
  expect(written()).toEqual(['m']);
  await pass(1);
  expect(written()).toEqual(['m', 'm']);
});

test('a new session: what is not stored is sent again, as the component forwards no second copy', async () => {
  const { xmpp, send, pass, written } = await start();
  send('m');
  await pass();
  xmpp.cut();
  await pass(1000);
  xmpp.online('next');
  await pass();
  expect(written()).toEqual(['m', 'm']);
});

test('no gate holds: an acknowledgement of the server is all there is', async () => {
  const { client, send, pass, acknowledge } = await start({ holds: false });
  send('m');
  await pass();
  acknowledge();
  expect(client.get('m')).toMatchObject({ state: 'stored', storedBy: 'server' });
});

test('nobody else than the component says that a gate holds', async () => {
  const { xmpp, client, send, pass, acknowledge } = await start({ holds: false });
  xmpp.receives(xml('message', { from: BOB }, xml('stored', { xmlns: OWN, id: 'x', to: BOB })));
  send('m');
  await pass();
  acknowledge();
  expect(client.get('m')?.storedBy).toBe('server');
});

test('there is no such user: that is final; refused for now: it is sent again', async () => {
  const { xmpp, client, send, pass, written } = await start({ managed: false });
  const error = (id: string, type: string, condition: string) =>
    parseStanza(
      `<message type='error' id='${id}' from='${BOB}'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
  send('nobody');
  await pass();
  xmpp.receives(error('nobody', 'cancel', 'service-unavailable'));
  await pass();
  expect(client.get('nobody')).toMatchObject({ state: 'failed', failure: { reason: 'rejected' } });
  send('full');
  await pass();
  xmpp.receives(error('full', 'wait', 'resource-constraint'));
  await pass(9_999);
  expect(written()).toEqual(['nobody', 'full']);
  await pass(1);
  expect(written()).toEqual(['nobody', 'full', 'full']);
});

test.each([true, false])(
  'no gate holds, and the server refuses for now what it has acknowledged (stream management: %s): sent again until it takes it',
  async (managed) => {
    const { xmpp, client, send, pass, acknowledge, written } = await start({ holds: false, managed });
    const refused = (type: string, condition: string) =>
      xmpp.receives(
        parseStanza(
          `<message type='error' id='m' from='${BOB}'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
        ),
      );
    send('m');
    for (let copies = 1; copies <= 3; copies += 1) {
      await pass();
      acknowledge();
      refused('wait', 'resource-constraint');
      await pass();
      expect(client.get('m')?.state).toBe('queued');
      expect(written()).toHaveLength(copies);
      await pass(60_000);
    }
    // The gate holds again.
    acknowledge();
    xmpp.receives(stored('m'));
    await pass();
    expect(client.get('m')).toMatchObject({ state: 'stored', storedBy: managed ? 'server' : 'proxy', attempts: 4 });
    refused('cancel', 'service-unavailable');
    await pass();
    expect(client.get('m')).toMatchObject({ state: 'failed', failure: { reason: 'rejected' } });
  },
);

test('a new session after an absence: the component knows nothing of what passed unheld, and that is no loss', async () => {
  const { xmpp, client, send, pass, acknowledge, written } = await start();
  send('m');
  await pass();
  acknowledge();
  await pass(10_000);
  expect(client.get('m')?.storedBy).toBe('server');
  xmpp.cut();
  await pass(61_000);
  xmpp.online('next');
  await pass();
  expect(written()).toEqual(['m']);
  expect(client.get('m')?.state).toBe('stored');
});

test('neither the first message out nor the first one in overtakes the answer whether a gate holds', async () => {
  const { xmpp, client, pass, acknowledge } = await start({ component: COMPONENT });
  xmpp.cut();
  const { request } = xmpp.iqCaller;
  xmpp.iqCaller.request = async (stanza) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return request(stanza);
  };
  const next = receiptsClient(xmpp, { component: COMPONENT, store: memoryStore() });
  open.push(next);
  next.receive(() => {});
  await client.close();
  next.send({ to: BOB, id: 'out', body: 'out' });
  xmpp.online('next');
  xmpp.receives(
    parseStanza(
      `<message type='chat' id='in' from='${BOB}/r'><body>in</body><request xmlns='urn:xmpp:receipts'/></message>`,
    ),
  );
  await pass(50);
  acknowledge();
  await pass(1000);
  acknowledge();
  expect(next.get('out')?.state).toBe('sent');
  expect(xmpp.written.filter((stanza) => stanza.getChild('received') !== undefined)).toHaveLength(1);
});

test('resumed: what stream management never counted may be lost, and is sent again', async () => {
  const { xmpp, send, pass, written } = await start();
  send('m');
  await pass();
  xmpp.cut();
  xmpp.streamManagement.outbound_q.length = 0;
  xmpp.status = 'online';
  xmpp.streamManagement.emit('resumed');
  await pass();
  expect(written()).toEqual(['m', 'm']);
});

test('what was written after a message that was refused for now follows it', async () => {
  const { xmpp, send, pass, written } = await start({ managed: false });
  send('first');
  await pass(5_000);
  send('second');
  await pass();
  xmpp.receives(
    parseStanza(
      `<message type='error' id='first' from='${BOB}'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    ),
  );
  await pass(9_999);
  await pass(1);
  expect(written()).toEqual(['first', 'second', 'first', 'second']);
});
