import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { forgetIq, overdueIqs, recordIq, takeIqResponse } from '../../src/store/contract.ts';
import { REFUSED } from '../../tools/stanzas.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { DOMAINS } from '../support/stages/delivery-stage.ts';
import { idOf, openIqStage } from '../support/stages/iq-stage.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const OPEN = new SubdomainPolicy({ ...DOMAINS, allowedDomains: ['other.org'] });

let server: RedisServer;
let room: ReturnType<typeof openIqStage>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  room = openIqStage(server.url, {}, { addresses: OPEN });
});
afterEach(() => room.close());

const ALICE = 'alice@example.org/phone';
const ALICE_PROXIED = 'alice@receipts.example.org/phone';
const BOB = 'bob@example.org/desk';
const BOB_PROXIED = 'bob@receipts.example.org/desk';
const VERSION = '<query xmlns="jabber:iq:version"/>';

const iq = (from: string, to: string, attributes: string, inner = '') =>
  `<iq from="${from}" to="${to}" ${attributes}>${inner}</iq>`;
const asks = (inner = VERSION, attributes = 'type="get" id="q"', to = BOB_PROXIED, from = ALICE) =>
  iq(from, to, attributes, inner);
const error = (condition: string) =>
  expect.stringContaining(`<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`);
/** Everything in Redis that is about iqRequests. */
const kept = async () => {
  const { iqRequests, iqDeadlines, iqCounts } = room.ledger.keys;
  return room.redis.exists(iqRequests, iqDeadlines, iqCounts);
};

describe('a request between users', () => {
  test('goes out under an id of ours with its addresses mapped, and its answer back under its own', async () => {
    const [out] = await room.given(asks(VERSION, 'type="get" id="q" xml:lang="en"'));
    const id = idOf(out);
    expect(out).toBe(`<iq from="${ALICE_PROXIED}" to="${BOB}" type="get" id="${id}" xml:lang="en">${VERSION}</iq>`);
    expect(id).not.toBe('q');
    const answer = '<query xmlns="jabber:iq:version"><name>Psi</name></query>';
    expect(await room.given(iq(BOB, ALICE_PROXIED, `type="result" id="${id}"`, answer))).toEqual([
      `<iq from="${BOB_PROXIED}" to="${ALICE}" type="result" id="q">${answer}</iq>`,
    ]);
    expect(room.counts).toMatchObject({ queries: 1, queriesAnswered: 1 });
    expect(await kept()).toBe(0);
  });

  test('may be answered with an error, which goes back as it is', async () => {
    const [out] = await room.given(asks());
    const words = `${VERSION}<error type="cancel"><feature-not-implemented xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`;
    expect(await room.given(iq(BOB, ALICE_PROXIED, `type="error" id="${idOf(out)}"`, words))).toEqual([
      `<iq from="${BOB_PROXIED}" to="${ALICE}" type="error" id="q">${words}</iq>`,
    ]);
  });

  test('to a bare JID goes to the served bare JID, for which the server may answer in either name', async () => {
    for (const replier of ['bob@example.org', 'example.org']) {
      const [out] = await room.given(
        asks('<vCard xmlns="vcard-temp"/>', 'type="get" id="v"', 'bob@receipts.example.org'),
      );
      expect(out).toContain('to="bob@example.org"');
      expect(await room.given(iq(replier, ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toEqual([
        `<iq from="bob@receipts.example.org" to="${ALICE}" type="result" id="v"></iq>`,
      ]);
    }
  });

  test('has the addresses in its payload mapped, and so has its answer', async () => {
    const jingle = (initiator: string, sid = 's') =>
      `<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" initiator="${initiator}" sid="${sid}"/>`;
    const [out] = await room.given(asks(jingle(ALICE), 'type="set" id="j"'));
    expect(out).toContain(jingle(ALICE_PROXIED));
    const items = (jid: string) =>
      `<query xmlns="http://jabber.org/protocol/disco#items"><item jid="${jid}" node="urn:xmpp:avatar:data"/></query>`;
    const [back] = await room.given(
      iq(BOB, ALICE_PROXIED, `type="result" id="${idOf(out)}"`, items('bob@example.org')),
    );
    expect(back).toContain(items('bob@receipts.example.org'));
  });

  test('of two processes either may get the answer', async () => {
    const other = openIqStage(server.url, {}, { ledger: room.ledger });
    const [out] = await room.given(asks());
    const reply = iq(BOB, ALICE_PROXIED, `type="result" id="${idOf(out)}"`);
    expect(await other.given(reply)).toEqual([`<iq from="${BOB_PROXIED}" to="${ALICE}" type="result" id="q"></iq>`]);
    expect(await room.given(reply)).toEqual([]);
    other.close();
  });

  test('that nobody answers in time is answered for him, once, by whichever process is there', async () => {
    room.close();
    room = openIqStage(server.url, { timeLimit: 30, overdueEvery: 10 });
    // On a slow machine his time may be over as soon as the question is out.
    const [out, refusal] = await room.given(asks());
    expect(refusal ?? (await room.writes())).toBe(
      `<iq type="error" from="${BOB_PROXIED}" to="${ALICE}" id="q"><error type="wait" by="receipts.example.org">` +
        '<remote-server-timeout xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>',
    );
    await room.room.receipts.pipeline.drained();
    expect(await room.given(iq(BOB, ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toEqual([]);
    expect(room.counts).toMatchObject({ queriesTimedOut: 1, repliesLate: 1, queriesAnswered: 0 });
    expect(await kept()).toBe(0);
  });
});

describe('to an account for which the server says nothing', () => {
  const CARD = '<vCard xmlns="vcard-temp"/>';
  const NOBODY = 'nobody@receipts.example.org';
  const refusal =
    `<iq type="error" from="${NOBODY}" to="${ALICE}" id="q"><error type="cancel" by="receipts.example.org">` +
    '<service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>';
  const hasty = (options = {}) => openIqStage(server.url, { silence: 50, silentEvery: 10, ...options });
  const asksFor = (to: string) => asks(CARD, 'type="get" id="q"', to);
  /** Long enough for some twenty looks, each of which would have ended what has been silent for 50 ms. */
  const afterAWhile = async () => {
    await new Promise((resolve) => setTimeout(resolve, 250));
    await room.room.receipts.pipeline.drained();
    return room.written();
  };

  beforeEach(() => {
    room.close();
    room = hasty();
  });

  test('the requester is told that there is nobody, soon after the server has handled it, and a late reply is none', async () => {
    const [out] = await room.given(asksFor(NOBODY));
    room.room.link.handOver();
    expect(await room.writes()).toBe(refusal);
    await room.room.receipts.pipeline.drained();
    expect(await kept()).toBe(0);
    expect(await room.given(iq('nobody@example.org', ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toEqual([]);
    expect(room.counts).toMatchObject({ queriesTimedOut: 1, queriesAnswered: 0, repliesLate: 1 });
  });

  test('nobody is told while the server has not handled it: it may be busy, or the link may be down', async () => {
    const [out] = await room.given(asksFor(NOBODY));
    expect(await afterAWhile()).toEqual([]);
    room.room.link.handOver();
    expect(await room.given(iq('nobody@example.org', ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toHaveLength(
      1,
    );
    expect(await afterAWhile()).toEqual([]);
  });

  test.each([
    ['a client, which may take its time', BOB_PROXIED],
    ['an account of another domain', 'carol\\40other.org@receipts.example.org'],
  ])('nor is who asks %s', async (_, to) => {
    room.close();
    room = openIqStage(server.url, { silence: 50, silentEvery: 10 }, { addresses: OPEN });
    const [out] = await room.given(asksFor(to));
    room.room.link.handOver();
    expect(await afterAWhile()).toEqual([]);
    const from = out?.match(/ to="([^"]+)"/)?.[1] ?? '';
    expect(await room.given(iq(from, ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toHaveLength(1);
  });

  test.each([
    ['here', { '': '1', desk: '1;y;1;' }],
    ['away', { '': '1' }],
  ])(
    'nor who asks an account whose presence somebody gets, %s: it exists, so the server is only slow',
    async (_, sessions) => {
      const subscriptions = room.ledger.keys.subscriptions('bob@example.org');
      await room.redis.hset(room.ledger.keys.sessions('bob@example.org'), sessions);
      await room.redis.hset(subscriptions, 'carol@example.org', 's');
      const [out] = await room.given(asksFor('bob@receipts.example.org'));
      room.room.link.handOver();
      expect(await afterAWhile()).toEqual([]);
      expect(await room.given(iq('bob@example.org', ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toHaveLength(1);
      await room.redis.del(subscriptions);
      await room.given(asksFor('bob@receipts.example.org'));
      room.room.link.handOver();
      expect(await room.writes()).toContain('<service-unavailable');
    },
  );
});

describe('a reply', () => {
  test.each([
    ['somebody else', 'carol@example.org/x', ALICE_PROXIED],
    ['another resource of the one who was asked', 'bob@example.org/tablet', ALICE_PROXIED],
    ['his bare JID, where his client was asked', 'bob@example.org', ALICE_PROXIED],
    ['the server, where his client was asked', 'example.org', ALICE_PROXIED],
    ['the one who was asked, to somebody else', BOB, 'carol@receipts.example.org/x'],
    ['another domain', 'bob@evil.org/desk', ALICE_PROXIED],
  ])('from %s is forged, and leaves the question open', async (_, from, to) => {
    const [out] = await room.given(asks());
    const attributes = `type="result" id="${idOf(out)}"`;
    expect(await room.given(iq(from, to, attributes))).toEqual([]);
    expect(room.counts).toMatchObject({ repliesForged: 1, queriesAnswered: 0 });
    expect(await room.given(iq(BOB, ALICE_PROXIED, attributes))).toHaveLength(1);
  });

  test('that comes twice counts once', async () => {
    const [out] = await room.given(asks());
    const reply = iq(BOB, ALICE_PROXIED, `type="result" id="${idOf(out)}"`);
    expect(await room.given(reply, reply)).toHaveLength(1);
    expect(await room.given(reply)).toEqual([]);
    expect(room.counts).toMatchObject({ queriesAnswered: 1, repliesLate: 2 });
  });

  test('to the component, that another process may wait for, shows that its session is there; not what a server wrote', async () => {
    const there: unknown[] = [];
    const other = openIqStage(server.url, { onUnmatchedReply: ({ full }, doubtful) => there.push([full, doubtful]) });
    const reply = (inner: string, type = 'error') =>
      iq(BOB, 'receipts.example.org', `type="${type}" id="ofr-1"`, inner);
    const refuses = (condition: string) =>
      reply(`<error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`);
    await other.given(refuses('recipient-unavailable'));
    expect(there).toEqual([]);
    await other.given(refuses('feature-not-implemented'), reply('', 'result'));
    expect(there).toEqual([
      [BOB, false],
      [BOB, false],
    ]);
    // Of a client that knows no such request, or of its server.
    await other.given(refuses('service-unavailable'));
    expect(there.slice(2)).toEqual([[BOB, true]]);
    other.close();
  });

  test('to nothing that was asked is dropped, and never answered', async () => {
    expect(
      await room.given(iq(BOB, ALICE_PROXIED, 'type="result" id="q"'), iq(BOB, ALICE_PROXIED, 'type="error"')),
    ).toEqual([]);
    expect(await room.given(iq(BOB, 'receipts.example.org', 'type="result" id="ofr-1"'))).toEqual([]);
    expect(room.counts).toMatchObject({ repliesUnknown: 2, repliesLate: 1 });
  });

  test('that is too deep or too large to be carried is an error to the requester, who waits for one', async () => {
    for (const inner of [
      `<a xmlns="urn:a">${'<a>'.repeat(100)}${'</a>'.repeat(100)}</a>`,
      `<a xmlns="urn:a">${'x'.repeat(20_000)}</a>`,
    ]) {
      const [out] = await room.given(asks());
      expect(await room.given(iq(BOB, ALICE_PROXIED, `type="result" id="${idOf(out)}"`, inner))).toEqual([
        error('policy-violation'),
      ]);
    }
    expect(await kept()).toBe(0);
  });
});

describe('is refused', () => {
  test.each([
    ['of another domain', asks(VERSION, 'type="get" id="q"', BOB_PROXIED, 'eve@evil.org/x'), 'forbidden'],
    ['of the server itself', asks(VERSION, 'type="get" id="q"', BOB_PROXIED, 'example.org'), 'service-unavailable'],
    ['without an id', asks(VERSION, 'type="get"'), 'bad-request'],
    ['without a type', asks(VERSION, 'id="q"'), 'bad-request'],
    ['without a payload', asks(''), 'bad-request'],
    ['with two', asks(VERSION + VERSION), 'bad-request'],
    ['to a malformed address', asks(VERSION, 'type="get" id="q"', 'b b@receipts.example.org'), 'jid-malformed'],
    ['too large', asks(`<a xmlns="urn:a">${'x'.repeat(10_000)}</a>`), 'policy-violation'],
    ['too deep', asks(`<a xmlns="urn:a">${'<a>'.repeat(100)}${'</a>'.repeat(100)}</a>`), 'policy-violation'],
    [
      'a roster push',
      asks('<query xmlns="jabber:iq:roster"><item jid="x@y"/></query>', 'type="set" id="q"'),
      'service-unavailable',
    ],
    ['a question for a roster', asks('<query xmlns="jabber:iq:roster"/>'), 'service-unavailable'],
  ])('a request %s', async (_, request, condition) => {
    expect(await room.given(request)).toEqual([error(condition)]);
    expect(room.counts.queries).toBe(0);
    expect(await kept()).toBe(0);
  });

  test.each([
    ['from a proxied address', asks(VERSION, 'type="get" id="q"', BOB_PROXIED, ALICE_PROXIED)],
    ['from nobody', `<iq to="${BOB_PROXIED}" type="get" id="q">${VERSION}</iq>`],
    ['of type error, to a malformed address', iq(BOB, '@receipts.example.org', 'type="error" id="q"')],
  ])('nothing is said to a stanza %s', async (_, stanza) => {
    expect(await room.given(stanza)).toEqual([]);
  });

  test('what is too much for one requester, and others may still ask', async () => {
    const written = await room.given(...Array.from({ length: 1005 }, (_, i) => asks(VERSION, `type="get" id="q${i}"`)));
    expect(written.filter((xml) => xml.includes('<resource-constraint'))).toHaveLength(5);
    expect(await room.given(asks(VERSION, 'type="get" id="q"', BOB_PROXIED, 'carol@example.org/x'))).toEqual([
      expect.stringContaining('from="carol@receipts.example.org/x"'),
    ]);
    // An answer makes room.
    await room.given(iq(BOB, ALICE_PROXIED, `type="result" id="${idOf(written.find((xml) => xml.includes(BOB)))}"`));
    expect(await room.given(asks())).toEqual([expect.stringContaining(BOB)]);
  });

  test('what cannot be noted, as something to try again', async () => {
    const hasty = openIqStage(server.url, {}, { pipelineTimeout: 50 });
    hasty.redis.disconnect();
    hasty.router.stanza(parseStanza(asks()));
    const refusal = await hasty.writes();
    expect(refusal).toEqual(error('resource-constraint'));
    expect(refusal).toContain('<error type="wait"');
    hasty.close();
  });
});

describe('when Redis is told the same again, as after a lost answer', () => {
  const BOUNDS = { all: 1, each: 1 };
  const question = {
    requester: 'alice@example.org',
    responder: BOB,
    substitute: undefined,
    proxied: ALICE_PROXIED,
    from: ALICE,
    to: BOB_PROXIED,
    id: 'q',
  };

  test('a question is noted once, and counts once', async () => {
    const noted = recordIq('ofr-1', question, Date.now() + 1000, BOUNDS);
    const later = recordIq('ofr-2', question, Date.now() + 1000, BOUNDS);
    for (const expected of [true, true]) expect(await room.ledger.perform(noted)).toBe(expected);
    expect(await room.ledger.perform(later)).toBe(false);
    for (let times = 0; times < 2; times += 1) await room.ledger.perform(forgetIq('ofr-1'));
    expect(await kept()).toBe(0);
    expect(await room.ledger.perform(later)).toBe(true);
  });

  test('a reply is taken by the one who took it, and by nobody else', async () => {
    await room.ledger.perform(recordIq('ofr-1', question, Date.now() + 1000, BOUNDS));
    const take = (token: string) =>
      room.ledger.perform(takeIqResponse('ofr-1', token, BOB, ALICE_PROXIED, Date.now() + 1000));
    for (let times = 0; times < 2; times += 1) expect(await take('a')).toEqual({ outcome: 'answers', iq: question });
    expect(await take('b')).toEqual({ outcome: 'late' });
  });

  test('a reply that was taken and never passed on ends as a question that nobody answered', async () => {
    await room.ledger.perform(recordIq('ofr-1', question, Date.now() + 1000, BOUNDS));
    const now = Date.now();
    await room.ledger.perform(takeIqResponse('ofr-1', 'a', BOB, ALICE_PROXIED, now - 1));
    const overdue = (at: number) => room.ledger.perform(overdueIqs(at, at + 50, 10));
    expect(await overdue(now)).toEqual([{ id: 'ofr-1', iq: question }]);
    // Its requester is being told: nobody else is given it, until that should have been done.
    expect(await overdue(now + 49)).toEqual([]);
    expect(await overdue(now + 50)).toEqual([{ id: 'ofr-1', iq: question }]);
    await room.ledger.perform(forgetIq('ofr-1'));
    expect(await kept()).toBe(0);
  });
});

test.each(REFUSED.map((row) => [row.what, row] as const))(
  'docs/stanzas.md is right: %s',
  async (_, { example, condition }) => {
    const written: string[] = [];
    if (example.startsWith('<iq')) written.push(...(await room.given(example)));
    else written.push(...(await room.room.given(example)));
    expect(written).toEqual(condition === '' ? [] : [error(condition)]);
  },
);

test('a roster set, to users and to the component, is answered and removes the contact', async () => {
  const removed: string[] = [];
  const { presence } = room.room.receipts;
  presence.contactRemoved = (from, to) => removed.push(`${from.full} ${to.full}`);
  for (const to of ['bob@receipts.example.org', 'receipts.example.org']) {
    const removal = `<query xmlns="jabber:iq:roster"><item jid="${to}" subscription="remove"/></query>`;
    const [answer] = await room.given(asks(removal, 'type="set" id="r"', to));
    expect(answer ?? (await room.writes())).toBe(`<iq type="result" from="${to}" to="${ALICE}" id="r"></iq>`);
  }
  expect(removed).toEqual([`${ALICE} bob@receipts.example.org`, `${ALICE} receipts.example.org`]);
});

test('the component answers for itself', async () => {
  const [answer] = await room.given(asks('<ping xmlns="urn:xmpp:ping"/>', 'type="get" id="q"', 'receipts.example.org'));
  expect(answer ?? (await room.writes())).toBe(
    `<iq type="result" from="receipts.example.org" to="${ALICE}" id="q"></iq>`,
  );
});

test('users of an allowed domain ask and answer', async () => {
  const [out] = await room.given(asks(VERSION, 'type="get" id="q"', 'carol\\40other.org@receipts.example.org/x'));
  expect(out).toContain('to="carol@other.org/x"');
  expect(await room.given(iq('carol@other.org/x', ALICE_PROXIED, `type="result" id="${idOf(out)}"`))).toEqual([
    expect.stringContaining('from="carol\\40other.org@receipts.example.org/x"'),
  ]);
  const [back] = await room.given(asks(VERSION, 'type="get" id="q"', BOB_PROXIED, 'carol@other.org/x'));
  expect(back).toContain('from="carol\\40other.org@receipts.example.org/x" to="bob@example.org/desk"');
});
