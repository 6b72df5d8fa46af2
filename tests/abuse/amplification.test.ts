import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { openIqStage } from '../support/stages/iq-stage.ts';

/** What one stanza makes the proxy write is in proportion to it: rows 1, 7 and 9 of the attacks. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const LARGEST = 262_144;
const bytes = (written: readonly string[]) => written.reduce((sum, xml) => sum + Buffer.byteLength(xml), 0);

describe('a message', () => {
  let room: ReturnType<typeof openDeliveryStage>;
  beforeEach(() => {
    room = openDeliveryStage(server.url, { maxStanzaBytes: LARGEST });
  });
  afterEach(() => room.close());

  const from = (who: string, inner: string, id: string) =>
    `<message from="${who}@example.org/m" to="bob@receipts.example.org/d" type="chat" id="${id}">${inner}</message>`;
  const received = (count: number, id = (i: number) => `r-${i}`) =>
    Array.from({ length: count }, (_, i) => `<received xmlns="urn:xmpp:receipts" id="${id(i)}"/>`).join('');
  const marks = (count: number, what: string, xmlns: string) =>
    Array.from({ length: count }, (_, i) => `<${what} xmlns="${xmlns}" id="k-${i}"/>`).join('');
  const MARKERS = 'urn:xmpp:chat-markers:0';

  /** What may be written for each byte that comes, and how many stanzas in all. */
  test.each([
    ['2,700 receipts and a long id', from('mallory', received(2700), 'i'.repeat(90_000)), 2, 2],
    ['2,700 receipts', from('mallory', received(2700), 'm'), 1, 2],
    ['100 receipts and a long id', from('mallory', received(100), 'i'.repeat(90_000)), 2, 2],
    ['100 receipts for nothing', from('mallory', received(100), 'm'), 2, 1],
    [
      'receipts with long ids',
      from(
        'mallory',
        received(10, (i) => `${i}${'i'.repeat(20_000)}`),
        'm',
      ),
      2,
      2,
    ],
    ['3,000 markers', from('mallory', marks(3000, 'displayed', MARKERS), 'm'), 1, 1],
    ['3,000 reactions', from('mallory', marks(3000, 'reactions', 'urn:xmpp:reactions:0'), 'm'), 1, 1],
    ['8 markers', from('mallory', marks(8, 'displayed', MARKERS), 'm'), 2, 1],
    ['a text and a long id', from('mallory', '<body>x</body>', 'i'.repeat(200_000)), 2, 1],
    ['a text and the longest id', from('mallory', '<body>x</body>', 'i'.repeat(8000)), 4, 3],
    [
      'a long origin-id',
      from('mallory', `<body>x</body><origin-id xmlns="urn:xmpp:sid:0" id="${'i'.repeat(200_000)}"/>`, 'm'),
      1,
      1,
    ],
    [
      'a long attribute',
      from('mallory', '<body>x</body>', 'm').replace('id=', `xml:lang="${'i'.repeat(200_000)}" id=`),
      1,
      1,
    ],
    ['a long type', from('mallory', '<body>x</body>', 'm').replace('"chat"', `"${'i'.repeat(200_000)}"`), 1, 1],
    [
      'a long text',
      from('mallory', `<body>${'x'.repeat(200_000)}</body><request xmlns="urn:xmpp:receipts"/>`, 'm'),
      1.1,
      2,
    ],
  ])('with %s', async (_, stanza, times, stanzas) => {
    const written = await room.given(stanza);
    expect(written.length).toBeLessThanOrEqual(stanzas);
    expect(bytes(written)).toBeLessThanOrEqual(times * Buffer.byteLength(stanza));
  });

  test('a resend of what is known is answered once, however often it comes', async () => {
    const stanza = from('mallory', '<body>x</body><request xmlns="urn:xmpp:receipts"/>', 'm-1');
    await room.given(stanza);
    const written = await room.given(...Array(100).fill(stanza));
    expect(bytes(written)).toBeLessThanOrEqual(2.5 * 100 * Buffer.byteLength(stanza));
  });

  test('what is within bounds counts although the rest is refused, so that no receipt is lost', async () => {
    const sends = (id: string) => from('mallory', '<body>x</body><request xmlns="urn:xmpp:receipts"/>', id);
    await room.given(sends('r-0'), sends('r-99'));
    const answer = `<message from="bob@example.org/d" to="mallory@receipts.example.org/m" id="b-1">${received(101)}</message>`;
    const written = await room.given(answer);
    expect(room.counts.delivered).toBe(2);
    expect(written.join('')).toContain('At most 100 receipts in a message');
  });

  test('the words of a bounce are kept as far as a person reads them', async () => {
    await room.given(from('mallory', '<body>x</body>', 'm-1'));
    const text = 'x'.repeat(100_000);
    const bounced = `<message from="bob@example.org/d" to="mallory@receipts.example.org/m" type="error" id="m-1"><error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">${text}</text></error></message>`;
    expect(bytes(await room.given(bounced))).toBeLessThan(3000);
    expect(await room.redis.memory('USAGE', room.ledger.keys.record((await recordsOf())[0] as string))).toBeLessThan(
      3000,
    );
  });

  async function recordsOf(): Promise<string[]> {
    const stem = `${room.ledger.keys.prefix}.`;
    return (await room.redis.keys('*')).filter((name) => name.startsWith(stem)).map((name) => name.slice(stem.length));
  }
});

describe('a request', () => {
  let room: ReturnType<typeof openIqStage>;
  beforeEach(() => {
    room = openIqStage(server.url, { maxStanzaBytes: LARGEST });
  });
  afterEach(() => room.close());

  const ask = (id: string) =>
    `<iq from="mallory@example.org/m" to="bob@receipts.example.org/d" type="get" id="${id}"><ping xmlns="urn:xmpp:ping"/></iq>`;

  test('with a long id is refused, and nothing of it is kept', async () => {
    const before = Number(/used_memory:(\d+)/.exec(await room.redis.info('memory'))?.[1]);
    const written = await room.given(...Array.from({ length: 20 }, (_, i) => ask(`${i}${'i'.repeat(240_000)}`)));
    expect(written).toHaveLength(20);
    expect(written[0]).toContain('policy-violation');
    expect(await room.redis.hlen(room.ledger.keys.iqRequests)).toBe(0);
    expect(Number(/used_memory:(\d+)/.exec(await room.redis.info('memory'))?.[1]) - before).toBeLessThan(2_000_000);
  });

  test('is one of at most a thousand of his that wait', async () => {
    const written = await room.given(...Array.from({ length: 1100 }, (_, i) => ask(`q-${i}`)));
    expect(written.filter((xml) => xml.includes('type="get"'))).toHaveLength(1000);
    expect(written.filter((xml) => xml.includes('resource-constraint'))).toHaveLength(100);
  });
});
