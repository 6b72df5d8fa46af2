import xml, { type Element } from '@xmpp/xml';
import {
  memoryStore,
  type ReceiptsClient,
  type ReceiptsOptions,
  receiptsClient,
} from '../../packages/client/src/index.ts';
import { FakeXmpp } from '../support/client-library/fake-xmpp.ts';

/** When the library sends again and when it asks, to the millisecond. */

// In a module it is no global.
const { jest } = import.meta;

const COMPONENT = 'receipts.example.org';
const BOB = `bob@${COMPONENT}`;
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

/** What goes over the wire, in its order: a message's id, or the ids that the proxy is asked about. */
type Wire = (string | string[])[];

/** @param states what the proxy answers, by id; null: it does not answer */
function start(options: ReceiptsOptions = {}, states: Readonly<Record<string, string>> | null = {}) {
  const wire: Wire = [];
  const xmpp = new FakeXmpp('alice@example.org', {
    take: ({ attrs }) => void wire.push(attrs.id ?? ''),
    answer: (request) => {
      const question = request.getChild('status', OWN);
      // What it can do (XEP-0030) is asked once in a session.
      if (question === undefined) return new Error('service-unavailable');
      const asked = question.getChildren('message');
      wire.push(asked.map(({ attrs }) => attrs.id ?? ''));
      if (states === null) return new Error('remote-server-not-found');
      const answers = asked.map(({ attrs }) =>
        xml('message', { ...attrs, state: states[attrs.id ?? ''] ?? 'unknown' }),
      );
      return xml('iq', { type: 'result' }, xml('status', { xmlns: OWN }, ...answers));
    },
  });
  const client = receiptsClient(xmpp, { component: COMPONENT, store: memoryStore(), batch: false, ...options });
  open.push(client);
  const send = (...ids: string[]) => {
    for (const id of ids) client.send({ to: BOB, id, body: id });
  };
  /** All that comes over the wire in so many ms. */
  const during = async (ms: number): Promise<Wire> => {
    wire.length = 0;
    await jest.advanceTimersByTimeAsync(ms);
    return [...wire];
  };
  return { xmpp, client, send, during };
}

const stored = (id: string): Element => xml('message', { from: COMPONENT }, xml('stored', { xmlns: OWN, id, to: BOB }));

describe('the resend timer', () => {
  test('10, 20, 40 s … and at last every 5 minutes, until the acknowledgement comes', async () => {
    const { xmpp, client, send, during } = start({}, { m: 'pending' });
    xmpp.online();
    send('m');
    expect(await during(0)).toEqual(['m']);
    for (const wait of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
      expect(await during(wait - 1)).toEqual([]);
      expect(await during(1)).toEqual(['m']);
    }
    expect(client.get('m')).toMatchObject({ state: 'sent', attempts: 8 });
    xmpp.receives(stored('m'));
    expect((await during(3_600_000)).filter((what) => what === 'm')).toEqual([]);
    expect(client.get('m')?.attempts).toBe(8);
  });

  test('does not run while there is no stream', async () => {
    const { xmpp, send, during } = start();
    xmpp.online();
    send('m');
    await during(0);
    xmpp.cut();
    expect(await during(3_600_000)).toEqual([]);
  });

  test('with stream management: not before the server’s word, and then from it on', async () => {
    const { xmpp, send, during } = start();
    xmpp.streamManagement.enabled = true;
    xmpp.online();
    send('acknowledged', 'never');
    await during(0);
    expect(await during(50_000)).toEqual([]);
    xmpp.streamManagement.emit('ack', xmpp.written[0]);
    expect(await during(9_999)).toEqual([]);
    // What was written after it in the conversation follows it.
    expect(await during(1)).toEqual(['acknowledged', 'never']);
  });

  test('the server that says nothing at all is not waited for longer than it takes to notice', async () => {
    const { xmpp, send, during } = start();
    xmpp.streamManagement.enabled = true;
    xmpp.online();
    send('m');
    await during(0);
    expect(await during(99_999)).toEqual([]);
    expect(await during(1)).toEqual(['m']);
  });

  test('a message of which nothing is heard is given up at its time, and not before', async () => {
    const { xmpp, client, send, during } = start({ giveUpAfter: 60_000 });
    xmpp.online();
    send('m');
    await during(59_999);
    expect(client.get('m')?.state).toBe('sent');
    await during(1);
    expect(client.get('m')).toMatchObject({ state: 'failed', failure: { reason: 'abandoned' } });
    expect(await during(600_000)).toEqual([]);
  });
});

describe('the status query', () => {
  /** Two messages, of which the first is stored, then an absence, with a third that is not written before it ends. */
  async function absent(ms: number, states: Readonly<Record<string, string>> | null = {}) {
    const it = start({}, states);
    it.xmpp.online();
    it.send('stored', 'doubtful');
    await it.during(0);
    it.xmpp.receives(stored('stored'));
    await it.during(0);
    it.xmpp.cut();
    it.send('new');
    await it.during(ms);
    return it;
  }

  test('after a long absence it comes first, about all of which the proxy may know; what it has is not sent again', async () => {
    const { xmpp, client, during } = await absent(60_001, { stored: 'delivered', doubtful: 'pending' });
    xmpp.online();
    expect(await during(0)).toEqual([['stored', 'doubtful'], 'new']);
    expect(['stored', 'doubtful', 'new'].map((id) => client.get(id)?.state)).toEqual(['delivered', 'stored', 'sent']);
    expect(client.get('doubtful')?.attempts).toBe(1);
  });

  test('what it does not know is sent again, before what is new, also if it was stored once', async () => {
    const { xmpp, during } = await absent(60_001, {});
    xmpp.online();
    expect((await during(0)).slice(1)).toEqual(['stored', 'doubtful', 'new']);
  });

  test('gets no answer: all that is not stored goes again', async () => {
    const { xmpp, during } = await absent(60_001, null);
    xmpp.online();
    expect((await during(0)).slice(1)).toEqual(['doubtful', 'new']);
  });

  test('after a short absence what is not stored goes at once, and the proxy is asked about the stored only', async () => {
    const { xmpp, client, during } = await absent(60_000, { stored: 'expired', doubtful: 'pending' });
    xmpp.online();
    const wire = await during(0);
    expect(wire.filter((what) => typeof what === 'string')).toEqual(['doubtful', 'new']);
    expect(wire.slice(1).filter(Array.isArray)).toEqual([['stored']]);
    expect(client.get('stored')).toMatchObject({ state: 'failed', failure: { reason: 'expired' } });
  });

  test('without anything stored, a short absence is not worth a question', async () => {
    const { xmpp, send, during } = start();
    xmpp.online();
    send('m');
    await during(0);
    xmpp.cut();
    await during(1000);
    xmpp.online();
    expect(await during(0)).toEqual(['m']);
  });

  test('a resumed session asks nothing: what was said meanwhile comes by itself', async () => {
    const { xmpp, during } = await absent(60_001);
    xmpp.status = 'online';
    xmpp.streamManagement.emit('resumed');
    expect((await during(0)).filter(Array.isArray)).toEqual([]);
  });

  test('a new tab asks about what the store has, 100 at a time, before it sends any of it', async () => {
    const store = memoryStore();
    const ids = Array.from({ length: 250 }, (_, i) => `m${i}`);
    const before = start({ store });
    before.send(...ids);
    await before.during(0);
    await before.client.close();
    const { xmpp, during } = start({ store, maxInFlight: 1000 });
    xmpp.online();
    const wire = await during(0);
    expect(wire.slice(0, 3)).toEqual([ids.slice(0, 100), ids.slice(100, 200), ids.slice(200)]);
    expect(wire.slice(3)).toEqual(ids);
  });

  test('once more after 10 s, 70 s and 310 s about what an earlier session wrote: its receipt may lie with that session', async () => {
    const states: Record<string, string> = { stored: 'pending', doubtful: 'pending' };
    const { xmpp, client, send, during } = await absent(60_001, states);
    xmpp.online();
    await during(0);
    send('of this session');
    xmpp.receives(stored('of this session'));
    expect((await during(9_999)).filter(Array.isArray)).toEqual([]);
    states.doubtful = 'delivered';
    expect((await during(1)).filter(Array.isArray)).toEqual([['stored', 'doubtful']]);
    expect(client.get('doubtful')?.state).toBe('delivered');
    expect((await during(60_000)).filter(Array.isArray)).toEqual([['stored']]);
    xmpp.cut();
    expect((await during(240_000)).filter(Array.isArray)).toEqual([]);
  });

  test('the same about what a tab that was killed had written and not noted as written', async () => {
    const store = memoryStore();
    const before = start({ store });
    before.xmpp.online();
    before.send('m');
    expect(await before.during(0)).toEqual(['m']);
    await before.client.close();
    const { xmpp, during } = start({ store }, { m: 'pending' });
    xmpp.online();
    expect(await during(0)).toEqual([['m']]);
    expect(await during(10_000)).toEqual([['m']]);
  });

  test('a session that is resumed goes on asking about what earlier ones wrote', async () => {
    const { xmpp, during } = await absent(60_001, { stored: 'pending', doubtful: 'pending' });
    xmpp.online();
    await during(0);
    xmpp.cut();
    expect(await during(10_000)).toEqual([]);
    xmpp.status = 'online';
    xmpp.streamManagement.emit('resumed');
    expect((await during(59_999)).filter(Array.isArray)).toEqual([]);
    expect((await during(1)).filter(Array.isArray)).toEqual([['stored', 'doubtful']]);
  });

  test('every 10 minutes about the stored: an end that got lost on its way is learnt', async () => {
    const states: Record<string, string> = { m: 'pending' };
    const { xmpp, client, send, during } = start({}, states);
    xmpp.online();
    send('m', 'unsaid');
    await during(0);
    xmpp.receives(stored('m'));
    await during(0);
    expect((await during(599_999)).filter(Array.isArray)).toEqual([]);
    states.m = 'delivered';
    expect((await during(1)).filter(Array.isArray)).toEqual([['m']]);
    expect(client.get('m')?.state).toBe('delivered');
    expect((await during(600_000)).filter(Array.isArray)).toEqual([]);
  });
});
