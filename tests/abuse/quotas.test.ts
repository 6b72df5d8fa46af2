import { NO_LIMITS, type QuotaLimits } from '../../src/delivery/quotas.ts';
import {
  cancel,
  claim,
  erase,
  expire,
  forgetUser,
  handOver,
  type Limits,
  quarantine,
  type Request,
  reject,
  requeue,
  settle,
  withdraw,
} from '../../src/store/contract.ts';
import { heaviest } from '../../src/store/redis/heaviest.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { openIqStage } from '../support/stages/iq-stage.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, spoil } from '../support/store/ledger.ts';

/** What one sender may take: row 2 of the attacks. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const NONE: Limits = { messages: 0, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };

describe('what a sender has waiting', () => {
  let opened: ReturnType<typeof openLedger>;
  beforeEach(() => {
    opened = openLedger(server.url);
  });
  afterEach(() => opened.close());

  const once = <R extends Request>(request: R) => opened.ledger.perform(request);
  const handedOver = (key: string) => {
    const about = { sender: ALICE, recipient: BOB, noStore: false };
    return handOver({
      key,
      attempt: 1,
      copies: 1,
      byTimetable: Date.now() + DAY,
      unconfirmed: Date.now() + DAY,
      ...about,
    });
  };
  async function pending(...ids: string[]): Promise<void> {
    for (const id of ids) {
      await once(aliceWrites({ id }));
      await once(handedOver(keyOf(id)));
    }
  }
  /** As the ledger has it, and as the records have it. */
  async function counted(): Promise<{ said: number; there: number }> {
    const { redis, ledger } = opened;
    let there = 0;
    for (const name of await redis.keys(`${ledger.keys.prefix.replace(/[{}]/g, '?')}.*`)) {
      const head = await redis.getrange(name, 0, 5).catch(() => '');
      if (/^2p..(?!00)/.test(head)) there += 1;
    }
    const [load] = (await heaviest(redis, ledger.shards.keys, 10)).filter(({ of }) => of === ALICE);
    return { said: load?.messages ?? 0, there };
  }

  /** How a message may end, or be taken away. */
  const ENDS: Record<string, (key: string) => Promise<unknown>> = {
    'a receipt': (key) => once(settle(key, 'desk', Date.now())),
    'a permanent bounce': (key) => once(reject(key, Date.now(), 'gone', undefined, undefined)),
    'the end of its life': (key) => opened.ledger.batch([expire(key, Date.now())], Date.now() + 8 * DAY),
    'its sender’s will': (key) => once(cancel(key, ALICE, Date.now(), 'its sender')),
    'being erased': (key) => once(erase(BOB, [key])),
    'damage that is met': async (key) => {
      await spoil(opened.redis, opened.ledger.keys.record(key));
      await once(quarantine(key));
    },
    'a second life, ended': async (key) => {
      await once(reject(key, Date.now(), 'gone', undefined, undefined));
      await once(requeue(key));
      await once({ ...handedOver(key), attempt: 2 });
      await once(settle(key, 'desk', Date.now()));
    },
  };
  test.each(Object.keys(ENDS))('is counted until %s', async (end) => {
    await pending('m-1', 'm-2');
    expect(await counted()).toEqual({ said: 2, there: 2 });
    await ENDS[end]?.(keyOf('m-1'));
    expect(await counted()).toEqual({ said: 1, there: 1 });
    await once(settle(keyOf('m-2'), 'desk', Date.now()));
    expect(await opened.redis.exists(opened.ledger.keys.load, opened.ledger.keys.holds(ALICE))).toBe(0);
  });

  test('is counted once, however often the same is done', async () => {
    await pending('m-1');
    await once(handedOver(keyOf('m-1')));
    await once(claim(keyOf('m-1'), 1));
    await once({ ...handedOver(keyOf('m-1')), attempt: 2, copies: 2 });
    expect(await counted()).toEqual({ said: 1, there: 1 });
    await once(settle(keyOf('m-1'), 'desk', Date.now()));
    await once(settle(keyOf('m-1'), 'desk', Date.now()));
    expect(await counted()).toEqual({ said: 0, there: 0 });
  });

  test('is none while nothing was handed over, so that taking it back changes nothing', async () => {
    await once(aliceWrites({ id: 'm-1', token: 't' }));
    await once(withdraw(keyOf('m-1'), 't'));
    expect(await counted()).toEqual({ said: 0, there: 0 });
  });

  test('comes right by itself when records were taken away from outside', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `m-${i}`);
    await pending(...ids);
    for (const id of ids.slice(0, 19)) await opened.redis.del(opened.ledger.keys.record(keyOf(id)));
    const quota = { limits: { ...NONE, messages: 20 }, refuse: undefined };
    // The first is refused by the count, and the looking that follows from it makes it right.
    expect(await once(aliceWrites({ id: 'next', quota }))).toMatchObject({ outcome: 'refused', reason: 'messages' });
    expect(await counted()).toEqual({ said: 1, there: 1 });
    expect(await once(aliceWrites({ id: 'next', quota }))).toMatchObject({ outcome: 'stored' });
  });

  test('goes with its user when he is forgotten', async () => {
    await pending('m-1');
    await once(erase(ALICE, [keyOf('m-1')]));
    await once(forgetUser(ALICE, []));
    expect(await opened.redis.exists(opened.ledger.keys.load, opened.ledger.keys.holds(ALICE))).toBe(0);
  });

  test.each([
    ['messages', { messages: 2 }],
    ['bytes', { bytes: 220 }],
    ['conversation', { toOne: 2 }],
    ['domain', { domainMessages: 2 }],
  ] as const)('is not more than his share of %s, and what is known is answered all the same', async (share, limit) => {
    await pending('m-1', 'm-2');
    const quota = { limits: { ...NONE, ...limit }, refuse: undefined };
    expect(await once(aliceWrites({ id: 'm-3', quota }))).toMatchObject({ outcome: 'refused', reason: share });
    const again = await once(aliceWrites({ id: 'm-1', quota }));
    expect(again).toMatchObject({ outcome: 'known', record: { wireId: 'm-1', state: 'pending' } });
    await once(settle(keyOf('m-1'), 'desk', Date.now()));
    await once(settle(keyOf('m-2'), 'desk', Date.now()));
    expect(await once(aliceWrites({ id: 'm-3', quota }))).toMatchObject({ outcome: 'stored' });
  });
});

describe('a flood', () => {
  let now = 0;
  let room: ReturnType<typeof openDeliveryStage>;
  let memory: number | undefined;
  const refused: string[] = [];
  const open = (limits: Partial<QuotaLimits>) => {
    const shares = {
      limits: { ...NO_LIMITS, ...limits },
      memoryUsed: () => memory,
      onRefused: (share: string) => void refused.push(share),
      now: () => now,
    };
    room = openDeliveryStage(server.url, { quotas: shares });
  };
  beforeEach(() => {
    memory = undefined;
    refused.length = 0;
    now = 0;
  });
  afterEach(() => room.close());

  const writes = (id: string, body = 'x', from = 'mallory') =>
    `<message from="${from}@example.org/m" to="bob@receipts.example.org" type="chat" id="${id}"><body>${body}</body><request xmlns="urn:xmpp:receipts"/></message>`;
  const ids = (count: number, first = 0) => Array.from({ length: count }, (_, i) => `m-${first + i}`);
  const errors = (written: readonly string[]) => written.filter((xml) => xml.includes('type="error"'));

  test('beyond the rate is refused in words, and goes on when time has passed', async () => {
    open({ rate: 10, burst: 20 });
    const written = await room.given(...ids(50).map((id) => writes(id)));
    expect(errors(written)).toHaveLength(30);
    expect(errors(written)[0]).toMatch(
      /<error type="wait"[^>]*><resource-constraint .*You send faster than is taken here/,
    );
    // Some clients show no error without.
    for (const error of errors(written)) expect(error).toContain('<body>x</body><error ');
    expect(room.counts.accepted).toBe(20);
    // Nobody else is the poorer for it.
    expect(errors(await room.given(writes('a-1', 'x', 'alice')))).toEqual([]);
    now += 1000;
    expect(errors(await room.given(...ids(20, 100).map((id) => writes(id))))).toHaveLength(10);
    expect(new Set(refused)).toEqual(new Set(['rate']));
  });

  test('a resend of what is stored is answered, not refused, however fast it comes', async () => {
    open({ rate: 10, burst: 5 });
    await room.given(...ids(5).map((id) => writes(id)));
    const written = await room.given(...ids(5).map((id) => writes(id)), writes('m-6'));
    expect(errors(written)).toHaveLength(1);
    expect(written.filter((xml) => xml.includes('<stored '))).toHaveLength(5);
    expect(room.counts.duplicates).toBe(5);
  });

  test('receipts are taken however many come', async () => {
    open({ rate: 10, burst: 5 });
    await room.given(...ids(5).map((id) => writes(id)));
    const receipt = (id: string) =>
      `<message from="bob@example.org/d" to="mallory@receipts.example.org/m"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`;
    await room.given(...Array.from({ length: 50 }, (_, i) => receipt(`nothing-${i}`)), ...ids(5).map(receipt));
    expect(room.counts.delivered).toBe(5);
    expect(refused).toEqual([]);
  });

  test('what is not stored passes at the rate, too', async () => {
    open({ rate: 10, burst: 5 });
    const typing =
      '<message from="mallory@example.org/m" to="bob@receipts.example.org" type="chat" id="t"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>';
    const written = await room.given(...Array(20).fill(typing));
    expect(errors(written)).toHaveLength(15);
    expect(room.counts.passedThrough).toBe(5);
  });

  test('large stanzas count for more', async () => {
    open({ rate: 10, burst: 20 });
    await room.given(...ids(20).map((id) => writes(id, 'x'.repeat(4000))));
    expect(room.counts.accepted).toBeLessThanOrEqual(5);
  });

  test('to somebody who confirms nothing ends at the share, and begins again when some were delivered', async () => {
    open({ messages: 40, bytes: 1_000_000, toOne: 40 });
    let errorsSeen = 0;
    for (let i = 0; i < 30; i += 1) {
      errorsSeen += errors(await room.given(...ids(5, 5 * i).map((id) => writes(id)))).length;
      await room.handsOver();
    }
    expect(room.counts.accepted + errorsSeen).toBe(150);
    // What is on its way and not yet handed over may come on top.
    expect(room.counts.accepted).toBeGreaterThanOrEqual(40);
    expect(room.counts.accepted).toBeLessThanOrEqual(50);
    expect(errors(await room.given(writes('a-1', 'x', 'alice')))).toEqual([]);
    const [first] = await room.given(writes('m-last'));
    expect(first).toContain('Too many of your messages wait');
    const receipts = ids(20).map(
      (id) =>
        `<message from="bob@example.org/d" to="mallory@receipts.example.org/m"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
    );
    await room.given(...receipts);
    expect(errors(await room.given(writes('m-last')))).toEqual([]);
  });

  test('of the same words under a counted id, by ever other clients, is a flood as any other', async () => {
    open({ messages: 2 });
    for (const id of ['1', '2']) {
      await room.given(writes(id));
      await room.handsOver();
    }
    const others = Array.from({ length: 10 }, (_, i) => writes('1').replace('@example.org/m"', `@example.org/m${i}"`));
    expect(errors(await room.given(...others))).toHaveLength(10);
    expect(room.counts.accepted).toBe(2);
    // A resend of the very same client is one.
    expect(errors(await room.given(writes('1')))).toEqual([]);
  });

  test('is none where a few are looked up: corrections, origin-ids and all are stored as ever', async () => {
    open({ messages: 100 });
    const correction = writes('c-1').replace(
      '<request',
      '<replace xmlns="urn:xmpp:message-correct:0" id="m-1"/><request',
    );
    const withOriginId = writes('o-1').replace('<request', '<origin-id xmlns="urn:xmpp:sid:0" id="o-2"/><request');
    for (const one of [writes('m-1'), correction, withOriginId]) {
      // Another sender's is looked up anew.
      const from = one.replaceAll('mallory@', `user${room.counts.accepted}@`);
      expect(errors(await room.given(from))).toEqual([]);
    }
    expect(room.counts.accepted).toBe(3);
  });

  test('is stopped first where memory runs short, and nobody else until it has run out', async () => {
    open({ messages: 100, bytes: 1_000_000, toOne: 100, reserve: 0.1 });
    await room.given(...ids(30).map((id) => writes(id)));
    await room.handsOver();
    memory = 0.85;
    expect(errors(await room.given(writes('m-more')))).toHaveLength(1);
    expect(errors(await room.given(writes('a-1', 'x', 'alice')))).toEqual([]);
    memory = 0.9;
    const [answer] = await room.given(writes('a-2', 'x', 'alice'));
    expect(answer).toContain('There is no room for messages here now');
    // A resend is a question after what is stored.
    expect((await room.given(writes('a-1', 'x', 'alice')))[0]).toContain('<stored ');
    memory = 0.5;
    expect(errors(await room.given(writes('a-2', 'x', 'alice')))).toEqual([]);
  });
});

test('a file that goes in blocks of 4 KiB by requests (XEP-0047) is no flood; more of them than the rate are', async () => {
  const limits = { ...NO_LIMITS, rate: 10, burst: 100 };
  const shares = { limits, memoryUsed: () => undefined, onRefused: () => {}, now: () => 0 };
  const room = openIqStage(server.url, {}, { quotas: shares });
  const block = (id: number) =>
    `<iq from="alice@example.org/m" to="bob@receipts.example.org/d" type="set" id="${id}"><data xmlns="http://jabber.org/protocol/ibb" sid="s" seq="${id}">${'A'.repeat(5464)}</data></iq>`;
  try {
    const written = await room.given(...Array.from({ length: 110 }, (_, id) => block(id)));
    const count = (what: string) => written.filter((xml) => xml.includes(what)).length;
    expect([count('type="set"'), count('resource-constraint')]).toEqual([100, 10]);
  } finally {
    room.close();
  }
});
