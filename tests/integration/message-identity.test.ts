// Messages that are others than those that their sender gave the same id, and what speaks of messages, on the wire.
import { cancel, claim, expire, type Request, settle, withdraw } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, aliceWrites, keyOf, spoil, TIMETABLE } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  room = openDeliveryStage(server.url);
});
afterEach(() => room.close());

const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
const receipt = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;
const replace = (id: string) => `<replace xmlns="urn:xmpp:message-correct:0" id="${id}"/>`;

/** Alice's server gives the proxy what one of her windows writes. */
const says = (id: string, body: string, { tab = 'a', more = '', to = 'bob' } = {}) =>
  `<message type="chat" id="${id}" from="alice@example.org/${tab}" to="${to}@receipts.example.org"><body>${body}</body>${more}${REQUEST}</message>`;
const bobSends = (children: string, { id = 'b-1', to = 'a', type = 'chat' } = {}) =>
  `<message type="${type}" id="${id}" from="bob@example.org/desk" to="alice@receipts.example.org/${to}">${children}</message>`;
const error = (id: string, condition = 'gone') =>
  `<message type="error" id="${id}" from="bob@example.org" to="alice@receipts.example.org/a"><error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`;

interface Seen {
  readonly to: string | undefined;
  readonly id: string | undefined;
  readonly about: string | undefined;
  readonly body: string | undefined;
}

const one = (xml: string, pattern: RegExp) => pattern.exec(xml)?.[1];
const seen = (xml: string): Seen => ({
  to: one(xml, /^[^>]* to="([^"]+)"/),
  id: one(xml, /^[^>]* id="([^"]+)"/),
  about: one(xml, /<received [^>]*id="([^"]+)"/),
  body: one(xml, /<body>([^<]*)</),
});
/** What bob gets. */
const forBob = (written: readonly string[]) => written.map(seen).filter(({ to }) => to?.startsWith('bob@example.org'));
/** Receipts and errors, not acknowledgements, as `resource id`. */
const endings = (written: readonly string[]) =>
  written
    .filter((xml) => !xml.includes('<stored'))
    .map((xml) => [seen(xml), xml.includes('type="error"')] as const)
    .filter(([{ to }]) => to?.startsWith('alice@example.org'))
    .map(([{ to, about, id }, failed]) => `${to?.split('/')[1]} ${failed ? `failed ${id}` : about}`);
const acknowledged = (written: readonly string[]) =>
  written
    .filter((xml) => xml.includes('<stored'))
    .map((xml) => `${seen(xml).to?.split('/')[1]} ${one(xml, /<stored [^>]*id="([^"]+)"/)}`);

const MARKED = /^2~[\da-f]{16}$/;

async function twoWindows(): Promise<string> {
  const written = await room.given(says('2', 'yes', { tab: 'a' }), says('2', 'yes', { tab: 'b' }));
  expect(acknowledged(written)).toEqual(['a 2', 'b 2']);
  const [first, second] = forBob(written);
  expect([first, second]).toMatchObject([
    { id: '2', body: 'yes' },
    { id: expect.stringMatching(MARKED), body: 'yes' },
  ]);
  return second?.id as string;
}

describe('two windows that count alike say the same', () => {
  test('both are delivered, and each hears of its own', async () => {
    const id = await twoWindows();
    expect(endings(await room.given(bobSends(receipt(id), { to: 'b' })))).toEqual(['b 2']);
    expect(endings(await room.given(bobSends(receipt('2'), { to: 'a' })))).toEqual(['a 2']);
    expect(room.counts).toMatchObject({ accepted: 2, delivered: 2, duplicates: 0 });
    expect(await room.ledger.figures()).toMatchObject({ pending: 0 });
  });

  test('a receipt for one settles that one, also from a bare JID and when it comes again', async () => {
    await twoWindows();
    const bare = bobSends(receipt('2')).replace('alice@receipts.example.org/a', 'alice@receipts.example.org');
    expect(endings(await room.given(bare, bare, bare))).toEqual(['a 2']);
    expect(await room.ledger.figures()).toMatchObject({ pending: 1 });
  });

  test('an error is told to the window whose message it is about', async () => {
    const id = await twoWindows();
    expect(endings(await room.given(error(id)))).toEqual(['b failed 2']);
    expect(endings(await room.given(error('2')))).toEqual(['a failed 2']);
  });

  test('a later copy has the id that the first had', async () => {
    const id = await twoWindows();
    await room.handsOver();
    const [key] = (await room.redis.lrange(room.ledger.keys.index(keyOf('2')), 0, -1)) as [string];
    const claimed = await room.ledger.perform(claim(key, 1));
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    room.receipts.copies.redeliver(claimed.record, false);
    expect(room.written().map(seen)).toMatchObject([{ id, body: 'yes' }]);
  });

  test('a resend of either is answered, and not forwarded', async () => {
    await twoWindows();
    const written = await room.given(says('2', 'yes', { tab: 'b' }));
    expect([acknowledged(written), forBob(written)]).toEqual([['b 2'], []]);
  });

  test('what bob says of it reaches her with the id that she knows', async () => {
    const id = await twoWindows();
    const about = (name: string) =>
      `<displayed xmlns="urn:xmpp:chat-markers:0" id="${name}"/><reactions xmlns="urn:xmpp:reactions:0" id="${name}"><reaction>!</reaction></reactions>`;
    const written = await room.given(bobSends(about(id), { to: 'b' }));
    expect(written.join('')).toContain(about('2'));
    expect(written.join('')).not.toContain(id);
    // The marker is for all before it as well.
    expect(endings(written.filter((xml) => xml.includes('<received')))).toEqual(['b 2']);
  });

  test('her correction of it names it as bob knows it', async () => {
    const id = await twoWindows();
    const written = await room.given(says('3', 'no', { tab: 'b', more: replace('2') }));
    expect(written.join('')).toContain(replace(id));
    await room.handsOver();
    const claimed = await room.ledger.perform(claim(keyOf('3'), 1));
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    room.receipts.copies.redeliver(claimed.record, false);
    expect(room.written().join('')).toContain(replace(id));
  });
});

test('a client that counts anew sends the same again after it was told: delivered', async () => {
  for (let login = 0; login < 3; login += 1) {
    const written = await room.given(says('aab5a', 'hi'));
    await room.handsOver();
    const [copy] = forBob(written);
    expect(copy).toMatchObject({ body: 'hi' });
    expect(endings(await room.given(bobSends(receipt(copy?.id ?? ''))))).toEqual(['a aab5a']);
    await room.handsOver();
    // What came sooner may have been written before she was told.
    const notifiedAt = Date.now();
    await until(() => Date.now() > notifiedAt + 300);
  }
  expect(room.counts).toMatchObject({ accepted: 3, delivered: 3, duplicates: 0 });
});

test('an id of the sender’s own that only looks marked is an id', async () => {
  const id = '2~0123456789abcdef';
  await room.given(says(id, 'x'));
  expect(endings(await room.given(bobSends(receipt(id))))).toEqual([`a ${id}`]);
  expect(room.counts).toMatchObject({ delivered: 1, unmatchedReceipts: 0 });
});

describe('corrections under one id', () => {
  const UUID = '0f7d2a1e-9c3b-4c1d-8e2f-5a6b7c8d9e0f';
  const origin = `<origin-id xmlns="urn:xmpp:sid:0" id="${UUID}"/>`;
  const KINDS: readonly (readonly [string, string, string])[] = [
    ['countable', '7', ''],
    ['unique', UUID, ''],
    ['an origin-id', '7', origin],
  ];

  test.each(KINDS)('red, blue, red, each confirmed: bob ends at red (%s)', async (_, id, more) => {
    const ids = new Set<string>();
    for (const [position, body] of ['red', 'blue', 'red'].entries()) {
      const written = await room.given(says(id, body, { more: replace('m') + more }));
      await room.handsOver();
      const [copy] = forBob(written);
      expect([position, copy]).toMatchObject([position, { body }]);
      // What a client takes for a copy has the same id, and the same words.
      expect(ids.has(`${copy?.id} ${body}`)).toBe(false);
      ids.add(`${copy?.id} ${body}`);
      if (position === 2) expect(written.join('')).not.toContain('origin-id');
      expect(endings(await room.given(bobSends(receipt(copy?.id ?? ''))))).toEqual([`a ${id}`]);
      await room.handsOver();
    }
    expect(room.counts).toMatchObject({ accepted: 3, delivered: 3, duplicates: 0 });
  });

  test.each(KINDS)(
    'red, blue, red, none confirmed yet: three messages, each confirmed by itself (%s)',
    async (_, id, more) => {
      const written = await room.given(
        ...['red', 'blue', 'red'].map((body) => says(id, body, { more: replace('m') + more })),
      );
      const copies = forBob(written);
      expect(copies.map(({ body }) => body)).toEqual(['red', 'blue', 'red']);
      for (const { id: copy } of copies) await room.given(bobSends(receipt(copy ?? '')));
      expect(room.counts).toMatchObject({ delivered: 3 });
      expect(await room.ledger.figures()).toMatchObject({ pending: 0 });
    },
  );
});

describe('an older correction that did not arrive', () => {
  /** Alice writes something and corrects it twice. */
  async function corrected(): Promise<void> {
    await room.given(says('m', 'reed'), bobSends(receipt('m')));
    await room.given(says('c1', 'red', { more: replace('m') }));
    await room.handsOver();
    await room.given(says('c2', 'blue', { more: replace('m') }));
    await room.handsOver();
  }
  const claimed = (id: string, attempt = 1) => room.ledger.perform(claim(keyOf(id), attempt));
  const stateOf = async (id: string) => (await room.ledger.status([keyOf(id)]))[0]?.state;

  test('is not sent after a later one, and counts as delivered with it', async () => {
    await corrected();
    expect(await claimed('c1')).toEqual({ outcome: 'moot' });
    expect(await stateOf('c1')).toBe('pending');
    expect(endings(await room.given(bobSends(receipt('c2'))))).toEqual(['a c2']);
    expect(await stateOf('c1')).toBe('delivered');
    // Its sender is told by the next sweep.
    const { overdue } = await room.ledger.sweep(1000, 10);
    expect(overdue.map(({ wireId, state }) => [wireId, state])).toContainEqual(['c1', 'delivered']);
    expect(await room.ledger.figures()).toMatchObject({ pending: 0 });
  });

  test('is not sent either when the process died that took the later one’s receipt', async () => {
    await corrected();
    await room.ledger.perform(settle(keyOf('c2'), 'desk', Date.now()));
    expect(await stateOf('c1')).toBe('pending');
    expect(await claimed('c1')).toEqual({ outcome: 'moot' });
    expect(await stateOf('c1')).toBe('delivered');
  });

  test('waits while the later one is pending, and is looked at again', async () => {
    await corrected();
    await claimed('c1');
    const due = Number(await room.redis.zscore(room.ledger.keys.due, keyOf('c1')));
    expect(due).toBeGreaterThan(Date.now());
    expect(due).toBeLessThanOrEqual(Date.now() + 600_000);
  });

  test('is sent when the later one failed: then it is the last', async () => {
    await corrected();
    await room.given(error('c2'));
    expect(await claimed('c1')).toMatchObject({ outcome: 'claimed' });
  });

  const damaged = async (id: string) => {
    await spoil(room.redis, room.ledger.keys.record(keyOf(id)));
    await room.ledger.sweep(1000, 10, Date.now() + 60_000);
  };

  test.each<[string, () => Promise<unknown>]>([
    ['was taken back', () => room.ledger.perform(withdraw(keyOf('c2'), 'c2'))],
    ['has expired', () => room.ledger.perform(expire(keyOf('c2'), Date.now()))],
    ['was cancelled', () => room.ledger.perform(cancel(keyOf('c2'), ALICE, Date.now(), 'its sender'))],
    ['was erased', () => room.redis.del(room.ledger.keys.record(keyOf('c2')))],
    ['was found damaged', () => damaged('c2')],
  ])('is sent when the later one %s', async (_, ends) => {
    const long = Date.now() - TIMETABLE.messageTtl;
    await room.ledger.perform(aliceWrites({ id: 'c1', body: 'c1', corrects: 'm' }));
    await room.ledger.perform(aliceWrites({ id: 'c2', body: 'c2', corrects: 'm', token: 'c2', at: long }));
    expect(await claimed('c1')).toEqual({ outcome: 'moot' });
    await ends();
    expect(await claimed('c1')).toMatchObject({ outcome: 'claimed' });
    expect((await room.ledger.status([keyOf('c2')]))[0]?.state).not.toBe('delivered');
  });

  test('does not come after a later one because it still waits to be written again', async () => {
    await room.given(says('m', 'reed'), bobSends(receipt('m')));
    await room.given(says('c1', 'red', { more: replace('m') }));
    await room.handsOver();
    const first = await claimed('c1');
    if (first.outcome !== 'claimed') throw new Error(first.outcome);
    room.receipts.copies.redeliver(first.record, false);
    const [waits] = room.link.take();
    expect(waits).toMatchObject({ priority: 'low', done: false });
    const written = await room.given(says('c2', 'blue', { more: replace('m') }));
    expect(forBob(written)).toMatchObject([{ body: 'blue' }]);
    expect(waits?.done).toBe(true);
    // Should the later one fail, it is the last after all.
    await room.given(error('c2'));
    expect(await claimed('c1', first.record.attempt)).toMatchObject({ outcome: 'claimed' });
  });

  test('of another message is another matter, and so is the newest', async () => {
    await corrected();
    await room.given(says('c3', 'green', { more: replace('other') }));
    await room.handsOver();
    expect(await claimed('c2')).toMatchObject({ outcome: 'claimed' });
    expect(await claimed('c3')).toMatchObject({ outcome: 'claimed' });
  });

  test('counts for the message that it is about, not for others that had its id', async () => {
    const first = forBob(await room.given(says('2', 'yes', { tab: 'a' })))[0]?.id ?? '';
    await room.given(says('c1', 'Yes', { tab: 'a', more: replace('2') }));
    await room.handsOver();
    const second = forBob(await room.given(says('2', 'yes', { tab: 'b' })))[0]?.id ?? '';
    expect(second).not.toBe(first);
    const written = await room.given(says('c2', 'Yes!', { tab: 'b', more: replace('2') }));
    expect(written.join('')).toContain(replace(second));
    expect(await claimed('c1')).toMatchObject({ outcome: 'claimed' });
  });

  test('a retraction takes its place too', async () => {
    await corrected();
    await room.given(says('r', '', { more: '<retract xmlns="urn:xmpp:message-retract:1" id="m"/>' }));
    await room.handsOver();
    expect(await claimed('c2')).toEqual({ outcome: 'moot' });
    await room.given(bobSends(receipt('r')));
    expect([await stateOf('c1'), await stateOf('c2')]).toEqual(['delivered', 'delivered']);
  });

  test('red, blue, red under one id: only the last is sent again', async () => {
    await room.given(...['red', 'blue', 'red'].map((body) => says('7', body, { more: replace('m') })));
    await room.handsOver();
    const keys = [keyOf('7'), ...(await room.redis.lrange(room.ledger.keys.index(keyOf('7')), 0, -1))];
    const outcomes = [];
    for (const key of keys) outcomes.push((await room.ledger.perform(claim(key, 1))).outcome);
    expect(outcomes).toEqual(['moot', 'moot', 'claimed']);
  });

  test('that is stored again after a lost reply does not come after a later one by that', async () => {
    const [c1, c2] = ['c1', 'c2'].map((id) => aliceWrites({ id, body: id, corrects: 'm', token: id }));
    for (const operation of [c1, c2, c1]) await room.ledger.perform(operation as Request);
    expect(await claimed('c1')).toEqual({ outcome: 'moot' });
    expect(await claimed('c2')).toMatchObject({ outcome: 'claimed' });
  });

  test('what is resent of a correction is a resend', async () => {
    await corrected();
    const written = await room.given(says('c2', 'blue', { more: replace('m') }));
    expect([acknowledged(written), forBob(written)]).toEqual([['a c2'], []]);
  });
});

describe('a reply or a reaction settles what it points at', () => {
  const reply = (to: string, id = '2') =>
    `<body>!</body><reply xmlns="urn:xmpp:reply:0" id="${id}"${to && ` to="${to}"`}/>`;
  const reaction = (id = '2') =>
    `<reactions xmlns="urn:xmpp:reactions:0" id="${id}"><reaction>!</reaction></reactions>`;
  const ALICES = 'alice@receipts.example.org/a';

  test.each([
    ['a reply to her full address', reply(ALICES), true],
    ['a reply to her bare address, in capitals', reply('Alice@Receipts.example.org'), true],
    ['a reply that names nobody', reply(''), true],
    ['a reaction', reaction(), true],
    ['a reply to himself', reply('bob@example.org/desk'), false],
    ['a reply to a third person', reply('carol@receipts.example.org/x'), false],
  ])('%s: %s', async (_, words, settles) => {
    await room.given(says('2', 'yes'));
    await room.given(bobSends(words, { id: 'b-9' }));
    expect(room.counts.delivered).toBe(settles ? 1 : 0);
  });

  test.each([
    ['a reply that names nobody', reply(''), false],
    ['a reaction', reaction(), false],
    ['a reply to her', reply(ALICES), true],
  ])('where he has a message of his own under that id, %s: %s', async (_, words, settles) => {
    await room.given(bobSends('<body>mine</body>', { id: '2' }));
    await room.given(says('2', 'yes'));
    await room.given(bobSends(words, { id: 'b-9' }));
    expect(room.counts.delivered).toBe(settles ? 1 : 0);
  });
});
