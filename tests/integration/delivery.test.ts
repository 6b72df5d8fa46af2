import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { claim, expire, settle } from '../../src/store/contract.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { DOMAINS, openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { BOB, DAY, keyOf } from '../support/store/ledger.ts';

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
const NO_STORE = '<no-store xmlns="urn:xmpp:hints"/>';
const ALICE = 'alice@example.org/phone';
const ALICE_PROXIED = 'alice@receipts.example.org/phone';

/** What alice's server gives the proxy. */
const alice = (children: string, attributes = 'type="chat" id="m-1"', to = 'bob@receipts.example.org') =>
  `<message from="${ALICE}" to="${to}" ${attributes}>${children}</message>`;
/** What bob's does. */
const bob = (children: string, attributes = '', from = 'bob@example.org/desk') =>
  `<message from="${from}" to="${ALICE_PROXIED}" ${attributes}>${children}</message>`;
const receipt = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;
const bounce = (condition: string, id = 'm-1') =>
  bob(
    `<error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">why</text></error>`,
    `type="error" id="${id}"`,
    'bob@example.org',
  );

/** So that no server copies it to her other devices (XEP-0280). */
const PRIVATE = '<private xmlns="urn:xmpp:carbons:2"/><private xmlns="urn:xmpp:carbons:1"/>';
const ACKNOWLEDGEMENT =
  `<message from="receipts.example.org" to="${ALICE}" id="…">` +
  '<stored xmlns="urn:openfire-receipts:0" id="m-1" to="bob@receipts.example.org" durability="memory"/>' +
  `${receipt('m-1')}${NO_STORE}${PRIVATE}</message>`;
const FORWARD = `<message from="${ALICE_PROXIED}" to="bob@example.org" type="chat" id="m-1"><body>hello</body>${REQUEST}</message>`;
const DELIVERY = `<message type="chat" from="bob@receipts.example.org/desk" to="${ALICE}" id="…">${receipt('m-1')}</message>`;
const HELLO = alice(`<body>hello</body>${REQUEST}`);

describe('on the wire', () => {
  test('a message is acknowledged and forwarded, its receipt goes on', async () => {
    expect(await room.given(HELLO)).toEqual([ACKNOWLEDGEMENT, FORWARD]);
    expect(await room.given(bob(receipt('m-1')))).toEqual([DELIVERY]);
    expect(room.counts).toMatchObject({ accepted: 1, delivered: 1 });
  });

  test.each([
    ['stored', 'component', ACKNOWLEDGEMENT.replace(receipt('m-1'), '')],
    ['none', 'component', undefined],
    ['receipt', 'recipient', ACKNOWLEDGEMENT.replace('from="receipts', 'from="bob@receipts')],
  ] as const)('ACK_FORMAT=%s, ACK_FROM=%s', async (format, from, acknowledgement) => {
    const other = openDeliveryStage(server.url, {
      ack: { format },
      addresses: new SubdomainPolicy({ ...DOMAINS, ackFrom: from }),
    });
    expect(await other.given(HELLO)).toEqual(acknowledgement === undefined ? [FORWARD] : [acknowledgement, FORWARD]);
    other.close();
  });

  test('without a request nothing is told, and the recipient is asked for a receipt all the same', async () => {
    expect(await room.given(alice('<body>hello</body>'))).toEqual([FORWARD]);
    expect(await room.given(bob(receipt('m-1')))).toEqual([]);
  });

  test('without an id it gets one on the way, and the sender is told nothing that she could not place', async () => {
    expect(await room.given(alice(`<body>hello</body>${REQUEST}`, ''))).toEqual([
      `<message from="${ALICE_PROXIED}" to="bob@example.org" id="…"><body>hello</body>${REQUEST}</message>`,
    ]);
  });

  test('language, thread, further payload and the addressed resource are carried', async () => {
    const [, forward] = await room.given(
      alice(
        `<body>hello</body><thread>t</thread>${REQUEST}<x xmlns="urn:x"/>`,
        'id="m-1" xml:lang="en"',
        'bob@receipts.example.org/desk',
      ),
    );
    expect(forward).toBe(
      `<message from="${ALICE_PROXIED}" to="bob@example.org/desk" id="m-1" xml:lang="en"><body>hello</body><thread>t</thread>${REQUEST}<x xmlns="urn:x"/></message>`,
    );
  });

  test('what expires fails with the original id, to the letter', async () => {
    await room.given(HELLO);
    await room.redis.set(room.ledger.keys.confirms(BOB), '1');
    await room.handsOver();
    const record = await room.ledger.perform(expire(keyOf('m-1'), Date.now()));
    expect(record).toBeUndefined();
    const ended = await room.ledger.perform(expire(keyOf('m-1'), 0), Date.now() + 8 * DAY);
    room.receipts.endings.repeat(ended!);
    expect(room.written()).toEqual([
      `<message type="error" from="bob@receipts.example.org" to="${ALICE}" id="m-1"><body>hello</body><error type="wait" by="receipts.example.org">` +
        '<recipient-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>' +
        '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">No confirmation within 7 days</text>' +
        '<expired xmlns="urn:openfire-receipts:0"/></error></message>',
    ]);
  });

  test('where nobody knows, there is a quiet notice in the acknowledgement’s form', async () => {
    await room.given(HELLO);
    await room.handsOver();
    const ended = await room.ledger.perform(expire(keyOf('m-1'), 0), Date.now() + 8 * DAY);
    room.receipts.endings.repeat(ended!);
    expect(room.written()).toEqual([
      `<message from="receipts.example.org" to="${ALICE}" id="…">` +
        `<unconfirmed xmlns="urn:openfire-receipts:0" id="m-1" to="bob@receipts.example.org"/>${NO_STORE}${PRIVATE}</message>`,
    ]);
  });
});

describe('receipts', () => {
  test('from a bare JID and without a type are taken (Gajim, profanity)', async () => {
    await room.given(HELLO);
    expect(await room.given(bob(receipt('m-1'), 'type="chat"', 'bob@example.org'))).toEqual([
      DELIVERY.replace('/desk', ''),
    ]);
  });

  test('that come again are swallowed', async () => {
    await room.given(HELLO);
    await room.given(bob(receipt('m-1')));
    expect(await room.given(bob(receipt('m-1')), bob(receipt('m-1'), '', 'bob@example.org/tablet'))).toEqual([]);
    expect(room.counts).toMatchObject({ delivered: 1, repeatedReceipts: 2 });
  });

  test('from anybody but the recipient settle nothing', async () => {
    await room.given(HELLO);
    const forged = `<message from="carol@example.org/x" to="${ALICE_PROXIED}">${receipt('m-1')}</message>`;
    expect(await room.given(forged)).toEqual([
      `<message from="carol@receipts.example.org/x" to="${ALICE}">${receipt('m-1')}</message>`,
    ]);
    expect(room.counts).toMatchObject({ delivered: 0, unmatchedReceipts: 1 });
    expect(await room.given(bob(receipt('m-1')))).toEqual([DELIVERY]);
  });

  test('from one of the sender’s own resources settle nothing', async () => {
    await room.given(HELLO);
    await room.given(
      `<message from="alice@example.org/tablet" to="bob@receipts.example.org">${receipt('m-1')}</message>`,
    );
    expect(room.counts.delivered).toBe(0);
  });

  test('without an id name by the id of their stanza (XEP-0184 1.0), and go on with one', async () => {
    await room.given(HELLO);
    const old = (id: string, more = '') => bob(`<received xmlns="urn:xmpp:receipts"/>${more}`, id && `id="${id}"`);
    expect(await room.given(old('m-1'))).toEqual([DELIVERY]);
    expect(await room.given(old('m-1'))).toEqual([]);
    expect(await room.given(old('elsewhere'))).toEqual([
      `<message from="bob@receipts.example.org/desk" to="${ALICE}" id="elsewhere">${receipt('elsewhere')}</message>`,
    ]);
    expect(await room.given(old(''))).toEqual([expect.stringContaining('<received xmlns="urn:xmpp:receipts"/>')]);
    expect(room.counts).toMatchObject({ delivered: 1, repeatedReceipts: 1 });
  });

  test('without an id, beside anything else, are for nothing: the id is that of the message', async () => {
    await room.given(HELLO);
    const written = await room.given(bob('<received xmlns="urn:xmpp:receipts"/><body>x</body>', 'id="m-1"'));
    expect(written).toEqual([expect.stringContaining('<received xmlns="urn:xmpp:receipts"/><body>x</body>')]);
    expect(room.counts.delivered).toBe(0);
  });

  test.each(['error', 'groupchat'])('in a stanza of type %s settle nothing', async (type) => {
    await room.given(HELLO);
    const about = `<error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`;
    await room.given(bob(receipt('m-1') + (type === 'error' ? about : ''), `type="${type}" id="r-1"`));
    expect(room.counts.delivered).toBe(0);
    expect(await room.ledger.figures()).toMatchObject({ pending: 1 });
  });

  test('for nothing known pass as ordinary receipts', async () => {
    expect(await room.given(bob(receipt('elsewhere'), 'id="r-1"'))).toEqual([
      `<message from="bob@receipts.example.org/desk" to="${ALICE}" id="r-1">${receipt('elsewhere')}</message>`,
    ]);
  });

  test('that come with a message settle, and the message is a message', async () => {
    await room.given(HELLO);
    const written = await room.given(bob(`${receipt('m-1')}<body>hello yourself</body>`, 'id="m-2"'));
    expect(written).toEqual([
      DELIVERY,
      `<message from="bob@receipts.example.org/desk" to="${ALICE}" id="m-2"><body>hello yourself</body>${REQUEST}</message>`,
    ]);
  });

  describe('leave nothing behind', () => {
    const BESIDE = {
      hints: '<store xmlns="urn:xmpp:hints"/>',
      'an id': '<origin-id xmlns="urn:xmpp:sid:0" id="r-1"/>',
      'a server’s id': '<stanza-id xmlns="urn:xmpp:sid:0" id="s" by="bob@example.org"/>',
      'a delay': '<delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/>',
      'a thread': '<thread>t</thread>',
      'the state of who has a chat open': '<active xmlns="http://jabber.org/protocol/chatstates"/>',
      'that markers are understood': '<markable xmlns="urn:xmpp:chat-markers:0"/>',
      'a request': REQUEST,
      'a nickname': '<nick xmlns="http://jabber.org/protocol/nick">bob</nick>',
    };
    const EVERYTHING = Object.values(BESIDE).join('');

    test.each(Object.entries(BESIDE))('not %s', async (_, beside) => {
      await room.given(HELLO);
      expect(await room.given(bob(`${receipt('m-1')}${beside}`, 'type="chat" id="r-1"'))).toEqual([DELIVERY]);
      expect(room.counts.passedThrough).toBe(0);
    });

    test('nor all of that, of many receipts, of such as come again, and of such as are for nothing known', async () => {
      await room.given(HELLO, alice(`<body>two</body>${REQUEST}`, 'id="m-2"'));
      const both = bob(receipt('m-1') + EVERYTHING + receipt('m-2'), 'id="r-1"');
      expect(await room.given(both)).toHaveLength(2);
      expect(await room.given(both)).toEqual([]);
      expect(await room.given(bob(receipt('elsewhere') + EVERYTHING, 'type="chat" id="r-2"'))).toEqual([
        `<message from="bob@receipts.example.org/desk" to="${ALICE}" type="chat" id="r-2">${receipt('elsewhere')}</message>`,
      ]);
    });

    test('nor of those for our own words', async () => {
      const [acknowledgement] = await room.given(HELLO);
      expect(acknowledgement).toContain('from="receipts.example.org"');
      const answer = `<message from="${ALICE}" to="receipts.example.org" id="r-1">${receipt('ofr-1')}${EVERYTHING}</message>`;
      expect(await room.given(answer)).toEqual([]);
    });

    test.each([
      ['that he types', '<composing xmlns="http://jabber.org/protocol/chatstates"/>'],
      ['that he read', '<displayed xmlns="urn:xmpp:chat-markers:0" id="m-1"/>'],
      ['keys', '<encrypted xmlns="eu.siacs.conversations.axolotl"><header sid="1"/></encrypted>'],
      ['a call', '<propose xmlns="urn:xmpp:jingle-message:0" id="c"/>'],
    ])('but what says something goes on: %s', async (_, beside) => {
      await room.given(HELLO);
      const written = await room.given(bob(`${receipt('m-1')}${beside}`, 'type="chat" id="r-1"'));
      expect(written).toEqual([
        DELIVERY,
        `<message from="bob@receipts.example.org/desk" to="${ALICE}" type="chat" id="r-1">${beside}</message>`,
      ]);
    });

    test('and what came without a receipt goes on as it came', async () => {
      const active = '<active xmlns="http://jabber.org/protocol/chatstates"/>';
      expect(await room.given(bob(active, 'type="chat" id="s-1"'))).toEqual([
        `<message from="bob@receipts.example.org/desk" to="${ALICE}" type="chat" id="s-1">${active}</message>`,
      ]);
    });
  });

  test('may be many in one stanza', async () => {
    await room.given(HELLO, alice(`<body>two</body>${REQUEST}`, 'id="m-2"'));
    expect(await room.given(bob(receipt('m-1') + receipt('m-2')))).toEqual([
      DELIVERY,
      DELIVERY.replace('id="m-1"', 'id="m-2"'),
    ]);
  });
});

describe('hand-over', () => {
  test('a settled message is not handed over any more, and its receipt is owed until it is', async () => {
    await room.given(HELLO);
    const forwarded = room.held().find(({ tag }) => tag?.kind === 'copy');
    await room.given(bob(receipt('m-1')));
    expect(forwarded?.done).toBe(true);
    expect(await room.ledger.figures()).toMatchObject({ pending: 0, owed: 1 });
    await room.handsOver();
    expect(await room.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
  });

  test('what was not handed over is claimed anew after the link was down, in its order', async () => {
    await room.given(HELLO, alice(`<body>two</body>${REQUEST}`, 'id="m-2"'));
    const held = room.held();
    const again = await room.receipts.outbox.resume(held);
    expect(again.map(({ xml }) => xml)).toEqual(held.map(({ xml }) => xml));
    // A job that was made meanwhile for the first attempt finds it taken.
    expect(await room.ledger.perform(claim(keyOf('m-1'), 1))).toEqual({ outcome: 'moot' });
  });

  test('what another process has taken up, or what was settled, is not sent again', async () => {
    await room.given(HELLO, alice(`<body>two</body>${REQUEST}`, 'id="m-2"'), alice('<body>three</body>', 'id="m-3"'));
    const held = room.held();
    await room.ledger.perform(claim(keyOf('m-1'), 1));
    await room.ledger.perform(settle(keyOf('m-2'), '', Date.now()));
    const again = await room.receipts.outbox.resume(held);
    expect(again.flatMap(({ tag }) => (tag ? [tag.record.wireId] : []))).toEqual(['m-3']);
  });
});

describe('redelivery', () => {
  const redeliver = async (confirms: boolean, attempt = 1) => {
    const claimed = await room.ledger.perform(claim(keyOf('m-1'), attempt));
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    room.receipts.copies.redeliver(claimed.record, confirms);
    return room.written();
  };
  const DELAY = /<delay xmlns="urn:xmpp:delay" from="receipts.example.org" stamp="2\d{3}-\d\d-\d\dT[\d:.]+Z"\/>/;

  test('goes to the bare JID, with the first time, kept from offline storage', async () => {
    await room.given(alice(`<body>hello</body>${REQUEST}`, 'type="chat" id="m-1"', 'bob@receipts.example.org/desk'));
    await room.handsOver();
    const [copy] = await redeliver(true);
    expect(copy).toMatch(DELAY);
    expect(copy?.replace(DELAY, '')).toBe(FORWARD.replace('</message>', `${NO_STORE}</message>`));
  });

  test('has the one time that its sender gave it, and none beside it; what it quotes has its own', async () => {
    const own = `<delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/>`;
    const quoted = `<forwarded xmlns="urn:xmpp:forward:0">${own}<message xmlns="jabber:client"><body>q</body></message></forwarded>`;
    const stamps = (xml: string | undefined) => xml?.match(/<delay /g)?.length;
    await room.given(alice(`<body>hello</body>${own}${REQUEST}`));
    await room.handsOver();
    expect(stamps((await redeliver(true))[0])).toBe(1);
    await room.given(alice(`<body>hello</body>${quoted}${REQUEST}`, 'id="m-1"', 'carol@receipts.example.org'));
    await room.handsOver();
    const claimed = await room.ledger.perform(claim(recordKey('alice@example.org', 'carol@example.org', 'm-1'), 1));
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    room.receipts.copies.redeliver(claimed.record, true);
    expect(stamps(room.written()[0])).toBe(2);
  });

  test('to one who never confirmed anything may be stored', async () => {
    await room.given(HELLO);
    await room.handsOver();
    const [copy] = await redeliver(false);
    expect(copy?.replace(DELAY, '')).toBe(FORWARD);
  });

  test('of what was never handed over is still a first attempt: to the addressed resource, and it may be stored', async () => {
    await room.given(alice(`<body>hello</body>${REQUEST}`, 'type="chat" id="m-1"', 'bob@receipts.example.org/desk'));
    // By another process: this one knows that its copy is on its way.
    for (const held of room.held()) held.done = true;
    const [copy] = await redeliver(true);
    expect(copy?.replace(DELAY, '')).toBe(FORWARD.replace('bob@example.org', 'bob@example.org/desk'));
  });

  test('shows its next attempt', async () => {
    await room.given(HELLO);
    await room.handsOver();
    expect(room.troubled).toEqual([]);
    const claimed = await room.ledger.perform(claim(keyOf('m-1'), 1));
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    room.receipts.copies.redeliver(claimed.record, false);
    await room.given();
    await room.handsOver();
    expect(room.troubled).toMatchObject([{ attempt: 2, expires: true, record: { wireId: 'm-1' } }]);
  });
});

describe('bounces', () => {
  test.each([
    'service-unavailable',
    'recipient-unavailable',
    'remote-server-timeout',
    'resource-constraint',
    'remote-server-not-found',
  ])('a temporary one (%s) leaves the message pending, and nobody is told', async (condition) => {
    await room.given(HELLO);
    expect(await room.given(bounce(condition))).toEqual([]);
    expect(await room.ledger.figures()).toMatchObject({ pending: 1 });
    expect(await room.given(bob(receipt('m-1')))).toEqual([DELIVERY]);
  });

  test.each(['item-not-found', 'not-allowed', 'forbidden', 'gone', 'jid-malformed'])(
    'a permanent one (%s) goes to the sender, with its condition and id',
    async (condition) => {
      await room.given(HELLO);
      expect(await room.given(bounce(condition))).toEqual([
        `<message type="error" from="bob@receipts.example.org" to="${ALICE}" id="m-1"><body>hello</body><error type="cancel">` +
          `<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>` +
          '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">why</text></error></message>',
      ]);
      expect(room.ended).toMatchObject([[{ state: 'rejected', condition }, 'rejected']]);
      expect(await room.given(bounce(condition))).toEqual([]);
    },
  );

  test('an error about nothing known passes; one about our own notices goes nowhere', async () => {
    expect(await room.given(bounce('item-not-found', 'theirs'))).toHaveLength(1);
    expect(await room.given(bounce('item-not-found', 'ofr-abc-1'))).toEqual([]);
  });
});

describe('a resend', () => {
  // Of a countable one, what has ended and was told is another message.
  const uuid = '0f7d2a1e-9c3b-4c1d-8e2f-5a6b7c8d9e0f';
  const hello = HELLO.replace('m-1', uuid);
  const acknowledgement = ACKNOWLEDGEMENT.replaceAll('m-1', uuid);

  test('is answered with what is known, and forwarded never', async () => {
    await room.given(hello);
    expect(await room.given(hello)).toEqual([acknowledgement]);
    await room.given(bob(receipt(uuid)));
    expect(await room.given(hello)).toEqual([acknowledgement, DELIVERY.replace('m-1', uuid)]);
    expect(room.counts).toMatchObject({ accepted: 1, duplicates: 2 });
  });

  test('after a failure is told of the failure', async () => {
    await room.given(hello);
    const [failure] = await room.given(bounce('gone', uuid));
    expect(await room.given(hello)).toEqual([acknowledgement, failure]);
  });

  test('from another resource moves the answers there', async () => {
    await room.given(hello);
    await room.given(hello.replace('/phone', '/tablet'));
    const delivery = DELIVERY.replace(ALICE, 'alice@example.org/tablet').replace('m-1', uuid);
    expect(await room.given(bob(receipt(uuid)))).toEqual([delivery]);
  });
});

describe('who is served', () => {
  const refusal = (condition: string) =>
    expect.stringContaining(`<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`);

  test('nobody of another domain', async () => {
    const written = await room.given(
      `<message from="eve@other.org/x" to="bob@receipts.example.org" id="m-1"><body>x</body></message>`,
    );
    expect(written).toEqual([refusal('forbidden')]);
    expect(written[0]).toMatch(
      /^<message type="error" from="bob@receipts.example.org" to="eve@other.org\/x" id="m-1">/,
    );
    expect(room.refused).toEqual(['forbidden']);
  });

  test.each([
    ['the component itself', 'receipts.example.org', 'bob@receipts.example.org'],
    ['a proxied address', 'bob@receipts.example.org/x', 'alice@receipts.example.org'],
    ['the server', 'example.org', 'receipts.example.org'],
  ])('a message from %s goes nowhere and is not answered', async (_, from, to) => {
    expect(await room.given(`<message from="${from}" to="${to}" id="m"><body>loop</body></message>`)).toEqual([]);
    expect(room.counts.dropped).toBe(1);
  });

  test('a message to the component’s own domain is refused; what is no message to anybody is dropped', async () => {
    expect(await room.given(alice('<body>hello?</body>', 'id="m-1"', 'receipts.example.org'))).toEqual([
      refusal('service-unavailable'),
    ]);
    expect(await room.given(alice(receipt('x'), 'id="m-2"', 'receipts.example.org'))).toEqual([]);
  });

  test('a note to oneself comes back once, confirmed', async () => {
    const note = `<message from="${ALICE}" to="alice@receipts.example.org" type="chat" id="m-1"><body>milk</body>${REQUEST}</message>`;
    expect(await room.given(note)).toHaveLength(2);
    await room.given(`<message from="${ALICE}" to="${ALICE_PROXIED}">${receipt('m-1')}</message>`);
    expect(room.counts).toMatchObject({ accepted: 1, delivered: 1 });
  });
});

describe('bad input', () => {
  const refused = (condition: string) => [expect.stringContaining(`<${condition} xmlns=`)];
  const deep = `${'<a xmlns="urn:a">'.repeat(20_000)}${'</a>'.repeat(20_000)}`;

  test.each([
    ['oversized', alice(`<body>${'x'.repeat(10_001)}</body>`), 'policy-violation'],
    ['oversized in bytes, though not in characters', alice(`<body>${'ü'.repeat(6_000)}</body>`), 'policy-violation'],
    ['deeply nested', alice(deep), 'policy-violation'],
    ['of a group chat', alice('<body>x</body>', 'type="groupchat" id="m-1"'), 'not-acceptable'],
    ['to a malformed address', alice('<body>x</body>', 'id="m-1"', 'b b@receipts.example.org'), 'jid-malformed'],
  ])('a stanza that is %s is refused', async (_, stanza, condition) => {
    expect(await room.given(stanza)).toEqual(refused(condition));
    expect(room.counts).toMatchObject({ accepted: 0, passedThrough: 0 });
  });

  test.each([
    ['without from', '<message to="bob@receipts.example.org"><body>x</body></message>'],
    ['without to', `<message from="${ALICE}"><body>x</body></message>`],
    ['of type error, oversized', alice(`<error/><body>${'x'.repeat(20_000)}</body>`, 'type="error" id="m-1"')],
    ['of type error, to a malformed address', alice('<error/>', 'type="error" id="m-1"', '@receipts.example.org')],
    ['of type error, without an id', alice('<error/>', 'type="error"')],
    ['of an unknown kind', `<other from="${ALICE}" to="bob@receipts.example.org"/>`],
  ])('a stanza %s is dropped', async (_, stanza) => {
    expect(await room.given(stanza)).toEqual([]);
    expect(room.counts.dropped).toBe(1);
  });

  test('a huge id is an id', async () => {
    const id = 'i'.repeat(5000);
    const [acknowledgement] = await room.given(alice(`<body>hello</body>${REQUEST}`, `id="${id}"`));
    expect(acknowledgement).toContain(`id="${id}"`);
    expect(await room.given(bob(receipt(id)))).toHaveLength(1);
  });

  test('receipts and requests in another namespace are none', async () => {
    const [forward] = await room.given(alice('<body>x</body><request xmlns="urn:other"/>'));
    expect(forward).toContain(`<request xmlns="urn:other"/>${REQUEST}`);
    expect(await room.given(bob('<received xmlns="urn:other" id="m-1"/>'))).toHaveLength(1);
    expect(room.counts.delivered).toBe(0);
  });

  test('markup and forbidden characters in ids, addresses and text do no harm', async () => {
    const id = '&lt;m&quot;1&apos;&gt;';
    const written = await room.given(alice(`<body>&lt;b&gt; &amp;amp; \u{1f600}\u0001</body>${REQUEST}`, `id="${id}"`));
    expect(written).toHaveLength(2);
    expect(written.join('')).not.toContain('\u0001');
    expect(written[1]).toContain('<body>&lt;b&gt; &amp;amp; \u{1f600}</body>');
    expect(await room.given(bob(receipt(id)))).toEqual([expect.stringContaining(`id="${id}"`)]);
  });

  test('one bad stanza among good ones of its turn harms none', async () => {
    const written = await room.given(
      alice('<body>one</body>', 'id="m-1"'),
      alice(deep, 'id="m-2"'),
      alice('<body>three</body>', 'id="m-3"'),
    );
    expect(written.filter((xml) => xml.includes('<body>'))).toHaveLength(2);
  });
});

describe('the component', () => {
  const ask = (inner: string, attributes = 'type="get" id="q"', to = 'receipts.example.org', from = ALICE) =>
    room.answersTo(`<iq from="${from}" to="${to}" ${attributes}>${inner}</iq>`);

  test.each([
    [
      'disco#info',
      '<query xmlns="http://jabber.org/protocol/disco#info"/>',
      '<feature var="urn:openfire-receipts:0"/>',
    ],
    [
      'disco#items',
      '<query xmlns="http://jabber.org/protocol/disco#items"/>',
      '<query xmlns="http://jabber.org/protocol/disco#items"/>',
    ],
    ['version', '<query xmlns="jabber:iq:version"/>', '<name>openfire-receipts</name>'],
    ['ping', '<ping xmlns="urn:xmpp:ping"/>', '<iq type="result" from="receipts.example.org"'],
  ])('answers %s', async (_, question, answer) => {
    expect(await ask(question)).toContain(answer);
  });

  test('answers the server, which asks at once', async () => {
    expect(
      await ask(
        '<query xmlns="http://jabber.org/protocol/disco#info"/>',
        'type="get" id="q"',
        'receipts.example.org',
        'component.example.org',
      ),
    ).toContain('<identity category="component"');
  });

  test.each([
    ['an unknown question', '<query xmlns="urn:x"/>', 'type="get" id="q"', 'service-unavailable'],
    ['a set', '<query xmlns="jabber:iq:version"/>', 'type="set" id="q"', 'service-unavailable'],
    ['no id', '<query xmlns="jabber:iq:version"/>', 'type="get"', 'bad-request'],
    ['no question', '', 'type="get" id="q"', 'bad-request'],
    ['two questions', '<a xmlns="urn:x"/><b xmlns="urn:x"/>', 'type="get" id="q"', 'bad-request'],
    ['an odd type', '<a xmlns="urn:x"/>', 'type="odd" id="q"', 'bad-request'],
    [
      'a node',
      '<query xmlns="http://jabber.org/protocol/disco#info" node="x"/>',
      'type="get" id="q"',
      'item-not-found',
    ],
    ['an empty status question', '<status xmlns="urn:openfire-receipts:0"/>', 'type="get" id="q"', 'bad-request'],
    [
      'a status question without an id',
      '<status xmlns="urn:openfire-receipts:0"><message to="b@receipts.example.org"/></status>',
      'type="get" id="q"',
      'bad-request',
    ],
    [
      'a status question about too much',
      `<status xmlns="urn:openfire-receipts:0">${'<message id="x" to="b@receipts.example.org"/>'.repeat(101)}</status>`,
      'type="get" id="q"',
      'policy-violation',
    ],
  ])('refuses %s', async (_, question, attributes, condition) => {
    expect(await ask(question, attributes)).toContain(`<${condition} xmlns=`);
  });

  test('refuses questions to users, until they can be passed on', async () => {
    expect(await ask('<query xmlns="jabber:iq:version"/>', 'type="get" id="q"', 'bob@receipts.example.org')).toContain(
      '<service-unavailable xmlns=',
    );
  });

  test('tells the requester, and nobody else, what became of a message', async () => {
    await room.given(HELLO);
    const question =
      '<status xmlns="urn:openfire-receipts:0"><message id="m-1" to="bob@receipts.example.org"/></status>';
    expect(await ask(question)).toMatch(
      /<message id="m-1" to="bob@receipts.example.org" state="pending" stored="2[^"]+Z" attempts="1"\/>/,
    );
    const asBob = await ask(question, 'type="get" id="q"', 'receipts.example.org', 'bob@example.org/desk');
    expect(asBob).toContain('state="unknown"');
    expect(await ask(question, 'type="get" id="q"', 'receipts.example.org', 'eve@other.org')).toContain('<forbidden');
  });
});

describe('addresses inside a message', () => {
  const reply = (to: string) => `<reply xmlns="urn:xmpp:reply:0" to="${to}" id="b-1"/>`;
  const ANSWER = alice(`<body>yes</body>${reply('bob@receipts.example.org/desk')}${REQUEST}`);

  test('are mapped when it is stored, so also in a later copy; a resend of it is known', async () => {
    const [, forward] = await room.given(ANSWER);
    expect(forward).toContain(reply('bob@example.org/desk'));
    await room.handsOver();
    expect(await room.given(ANSWER)).toEqual([ACKNOWLEDGEMENT]);
    const claimed = await room.ledger.perform(claim(keyOf('m-1'), 1));
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    room.receipts.copies.redeliver(claimed.record, true);
    expect(room.written()).toEqual([expect.stringContaining(reply('bob@example.org/desk'))]);
  });

  test('are mapped in what passes, and in an error on its way back', async () => {
    expect(await room.given(alice(reply('bob@receipts.example.org'), 'type="headline"'))).toEqual([
      expect.stringContaining(reply('bob@example.org')),
    ]);
    const failed = `${reply('bob@example.org')}<error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`;
    expect(await room.given(bob(failed, 'type="error" id="theirs"'))).toEqual([
      expect.stringContaining(reply('bob@receipts.example.org')),
    ]);
  });
});
