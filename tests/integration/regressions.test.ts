import { loadConfig } from '../../src/config/config.ts';
import { claim, expire, requeue, settle } from '../../src/store/contract.ts';
import { connect } from '../../src/store/redis/connections.ts';
import { createLog } from '../../src/util/log.ts';
import { payloadDigest } from '../../src/xmpp/stanza/message-key.ts';
import { ComponentPeer } from '../support/peer/component-peer.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { TestProxy } from '../support/stages/test-proxy.ts';
import { parseStanza } from '../support/stanzas/xml.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { aliceWrites, DAY, keyOf } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

/** Faults that a second reader found, each with the test that shows it. */
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
const alice = (children: string, attributes = 'type="chat" id="m-1"', resource = 'phone') =>
  `<message from="alice@example.org/${resource}" to="bob@receipts.example.org" ${attributes}>${children}</message>`;
const bob = (children: string, attributes = '') =>
  `<message from="bob@example.org/desk" to="alice@receipts.example.org/phone" ${attributes}>${children}</message>`;
const receipt = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;
const HELLO = alice(`<body>hello</body>${REQUEST}`);

describe('a server that is slow to prove what it has', () => {
  test('a job that a sweep made is moot once the message was handed over', async () => {
    await room.given(HELLO);
    const now = Date.now() + 11_000;
    const [swept] = (await room.ledger.sweep(60_000, 10, now)).overdue;
    await room.handsOver();
    expect(await room.ledger.perform(claim(keyOf('m-1'), swept?.attempt ?? 0, now + 60_000))).toEqual({
      outcome: 'moot',
    });
  });

  test('a copy or a notice that the link still holds is not written a second time', async () => {
    await room.given(HELLO);
    const copy = await room.ledger.perform(claim(keyOf('m-1'), 1));
    if (copy.outcome !== 'claimed') throw new Error(copy.outcome);
    room.receipts.copies.redeliver(copy.record, true);
    expect(room.written()).toEqual([]);
    await room.given(bob(receipt('m-1')));
    const notice = await room.ledger.perform(claim(keyOf('m-1'), 2));
    if (notice.outcome !== 'claimed') throw new Error(notice.outcome);
    room.receipts.endings.repeat(notice.record);
    expect(room.written()).toEqual([]);
  });

  test('what it has not handled yet stays leased, as long as it handles anything and the message lives', async () => {
    const { leases } = room.receipts.outbox;
    await room.given(HELLO);
    const due = async () => Number(await room.redis.zscore(room.ledger.keys.due, keyOf('m-1')));
    const now = Date.now();
    const look = async () => {
      leases.renew();
      await room.receipts.pipeline.drained();
    };
    await room.redis.zadd(room.ledger.keys.due, 'XX', now, keyOf('m-1'));
    // Nothing has been handed over meanwhile: the link may be broken.
    for (let i = 0; i < 3; i += 1) await look();
    expect(await due()).toBe(now);
    leases.progress();
    await look();
    expect(await due()).toBeGreaterThan(now + 9_000);
    // Not at each look, but before the lease is over.
    await room.redis.zadd(room.ledger.keys.due, 'XX', now, keyOf('m-1'));
    leases.progress();
    await look();
    expect(await due()).toBe(now);
    leases.progress();
    await look();
    expect(await due()).toBeGreaterThan(now + 9_000);
    await room.redis.zadd(room.ledger.keys.due, 'XX', now, keyOf('m-1'));
    const [sent] = room.held().flatMap(({ tag }) => tag ?? []);
    if (sent === undefined) throw new Error('Nothing was sent');
    sent.record = { ...sent.record, storedAt: now - 7 * DAY + 5_000 };
    for (let i = 0; i < 3; i += 1) {
      leases.progress();
      await look();
    }
    expect(await due()).toBe(now);
  });

  test('a copy that still waits is not written once its sender was told of its end', async () => {
    await room.given(HELLO);
    const [copy] = room.held().filter(({ tag }) => tag?.kind === 'copy');
    const later = Date.now() + 8 * DAY;
    const expired = await room.ledger.perform(expire(keyOf('m-1'), later), later);
    if (expired === undefined) throw new Error('It is not its time');
    expect(copy?.done).toBe(false);
    room.receipts.endings.repeat(expired);
    expect(copy?.done).toBe(true);
  });

  test('gets each message once, however many leases end', async () => {
    const peer = await ComponentPeer.listen({ secret: 's', serverDomain: 'example.org' });
    const config = loadConfig({
      XMPP_SERVICE: peer.service,
      XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
      XMPP_COMPONENT_SECRET: 's',
      REDIS_URL: server.url,
      REDIS_PREFIX: '{slow}',
      HTTP_PORT: '0',
      LOG_LEVEL: 'silent',
    });
    const proxy = new TestProxy(config, createLog('silent'), {
      lease: 300,
      sweepEvery: 100,
      link: { pingInterval: 100 },
    });
    await proxy.start();
    peer.onPing = () => 'none';
    let copies = 0;
    peer.on('stanza', (stanza) => {
      if (stanza.getChild('body')) copies += 1;
    });
    for (let i = 0; i < 20; i += 1) peer.current.write(alice('<body>x</body>', `type="chat" id="m-${i}"`));
    const kept = new KeptShards(room.redis, '{slow}');
    // Each lease that ends is a claim, which moves the attempt on.
    const attempt = async () =>
      (await room.redis.getrange((await kept.ofMessage(keyOf('m-0'))).record(keyOf('m-0')), 6, 9)) as string;
    await until(async () => Number.parseInt(await attempt(), 16) >= 4, { what: 'three leases to end' });
    expect(copies).toBe(20);
    await proxy.stop(500);
    await peer.close();
  });

  test('a hand-over that is carried out twice, as after a lost reply, counts once', async () => {
    await room.given(HELLO);
    await room.handsOver();
    await room.handsOver();
    expect((await room.ledger.status([keyOf('m-1')]))[0]?.copies).toBe(1);
  });

  test('what is sent again after a mere reconnect is in no trouble', async () => {
    await room.given(HELLO);
    const again = await room.receipts.outbox.resume(room.held());
    room.receipts.outbox.handedOver(again.flatMap(({ tag }) => (tag ? [tag] : [])));
    await room.receipts.pipeline.drained();
    expect(room.troubled).toEqual([]);
  });
});

describe('a stanza that is small and makes much', () => {
  test.each([
    ['a huge message id', () => alice(`<body>hello</body>${REQUEST}`, `id="${"'".repeat(900_000)}"`)],
    ['a huge receipt id', () => bob(receipt("'".repeat(900_000)))],
    ['thousands of receipts', () => bob(receipt('x').repeat(17_000), `id="q" xml:lang="${'l'.repeat(9_000)}"`)],
  ])('%s', async (_, stanza) => {
    const written = await room.given(stanza());
    expect(written.join('').length).toBeLessThan(20_000);
  });
});

test('at the memory limit a receipt behind a hand-over goes through', async () => {
  await room.given(HELLO, alice('<body>two</body>', 'id="m-2"'));
  await room.redis.config('SET', 'maxmemory', '1');
  room.receipts.outbox.handedOver(room.held().flatMap(({ tag }) => (tag ? [tag] : [])));
  room.router.stanza(parseStanza(bob(receipt('m-1'))));
  await room.receipts.pipeline.drained();
  await room.redis.config('SET', 'maxmemory', '0');
  expect(room.counts.delivered).toBe(1);
});

test('a client that gives all its messages one id does not make each receipt dearer', async () => {
  for (let at = 0; at < 2000; at += 200) {
    await room.ledger.batch(Array.from({ length: 200 }, (_, i) => aliceWrites({ id: 'same', body: `${at + i}` })));
  }
  for (let at = 0; at < 2000; at += 200) {
    await room.ledger.batch(Array.from({ length: 200 }, () => settle(keyOf('same'), '', Date.now())));
  }
  expect(await room.ledger.figures()).toMatchObject({ pending: 0 });
  await room.ledger.perform(aliceWrites({ id: 'same', body: 'one more' }));
  expect(await room.redis.llen(room.ledger.keys.index(keyOf('same')))).toBeLessThanOrEqual(101);
});

describe('a message that was sent after all, long after', () => {
  test('is settled by a receipt for its id, though it goes by its origin-id', async () => {
    await room.ledger.perform(aliceWrites({ id: 'm-1', originId: 'o-1', at: Date.now() - 8 * DAY }));
    await room.ledger.perform(expire(keyOf('o-1'), Date.now()));
    // As its time limit does, half a month on.
    await room.redis.del(room.ledger.keys.index(keyOf('m-1')));
    await room.ledger.perform(requeue(keyOf('o-1')));
    expect(await room.ledger.perform(settle(keyOf('m-1'), '', Date.now()))).toMatchObject({ outcome: 'delivered' });
  });

  test('is settled, though its id had been used before', async () => {
    const at = Date.now() - 8 * DAY;
    await room.ledger.perform(aliceWrites({ body: 'one', at }));
    const other = await room.ledger.perform(aliceWrites({ body: 'two', at }));
    if (other.outcome !== 'stored') throw new Error('known');
    await room.ledger.perform(expire(keyOf('m-1'), Date.now()));
    await room.ledger.perform(expire(other.key, Date.now()));
    await room.redis.del(room.ledger.keys.index(keyOf('m-1')), room.ledger.keys.record(keyOf('m-1')));
    await room.ledger.perform(requeue(other.key));
    expect(await room.ledger.perform(settle(keyOf('m-1'), '', Date.now()))).toMatchObject({ outcome: 'delivered' });
  });
});

describe('resends', () => {
  test('from ever other resources do not make the record grow', async () => {
    const say = (i: number) => alice('<body>hello</body>', 'id="m-1"', `r${i % 2}`);
    await room.given(say(0), say(1));
    const name = room.ledger.keys.record(keyOf('m-1'));
    const atFirst = await room.redis.strlen(name);
    // It names a few attempts that were answered from it, until it is handed over.
    for (let i = 2; i < 12; i += 1) await room.given(say(i));
    const before = await room.redis.strlen(name);
    expect(before).toBeLessThan(atFirst + 120);
    for (let i = 12; i < 50; i += 1) await room.given(say(i));
    expect(await room.redis.strlen(name)).toBe(before);
  });

  test('that ask for a receipt, where the first did not, get one', async () => {
    await room.given(alice('<body>hello</body>'));
    await room.given(HELLO);
    expect((await room.given(bob(receipt('m-1')))).join('')).toContain('<received');
  });

  test('are not taken for one by what a text quotes', async () => {
    await room.given(alice(`<body>look: "d":"${payloadDigest('<body>hello</body>')}"</body>`));
    expect(await room.given(alice('<body>hello</body>'))).toHaveLength(1);
  });
});

test('a question that comes in the turn of its message is answered after it', async () => {
  room.router.stanza(parseStanza(HELLO));
  const answer = await room.answersTo(
    '<iq type="get" id="q" from="alice@example.org/phone" to="receipts.example.org"><status xmlns="urn:openfire-receipts:0"><message id="m-1" to="bob@receipts.example.org"/></status></iq>',
  );
  expect(answer).toContain('state="pending"');
});

test('a command under way when the connection breaks settles, on each connection', async () => {
  const breaking = await startRedis();
  const { workers, jobs, ledger, close } = connect({ url: breaking.url }, () => {});
  const connections = [workers, jobs, ledger];
  await Promise.all(connections.map((connection) => until(() => connection.status === 'ready', { what: 'Redis' })));
  breaking.freeze();
  const commands = connections.map((connection) => connection.incr('x'));
  await breaking.kill();
  await breaking.restart();
  const settled = await Promise.allSettled(commands);
  expect(settled[0]?.status).toBe('fulfilled');
  await close();
  await breaking.stop();
});

test('a message whose stored text was cut is not written, which would end the link; its sender is told', async () => {
  await room.given(HELLO);
  await room.handsOver();
  const name = room.ledger.keys.record(keyOf('m-1'));
  const value = (await room.redis.get(name)) as string;
  await room.redis.set(name, value.slice(0, -5));
  const copy = await room.ledger.perform(claim(keyOf('m-1'), 1));
  if (copy.outcome !== 'claimed') throw new Error(copy.outcome);
  room.receipts.copies.redeliver(copy.record, false);
  await room.receipts.pipeline.drained();
  expect(room.written()).toEqual([]);
  const { overdue, unreported } = await room.ledger.sweep(1000, 10);
  expect(unreported).toEqual([keyOf('m-1')]);
  expect(overdue).toMatchObject([
    { state: 'rejected', condition: 'internal-server-error', sender: 'alice@example.org' },
  ]);
});

describe('a copy that became due while', () => {
  const redeliverWhen = async (meanwhile: () => void): Promise<string[]> => {
    let copies: string[] = [];
    await room.receipts.pipeline.perform(claim(keyOf('m-1'), 1), (claimed) => {
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      meanwhile();
      room.receipts.copies.redeliver(claimed.record, false);
      // At once: a link may write it before anything else happens.
      copies = room.link.take().flatMap(({ xml }) => (xml.includes('<body>') ? [xml] : []));
    });
    await room.receipts.pipeline.drained();
    return copies;
  };

  test('its receipt was on the way to Redis is not sent', async () => {
    await room.given(HELLO);
    await room.handsOver();
    expect(await redeliverWhen(() => room.router.stanza(parseStanza(bob(receipt('m-1')))))).toEqual([]);
    expect(room.counts.delivered).toBe(1);
  });

  test('the proof that the server has it was on the way to Redis is not sent, and its next date is noted', async () => {
    await room.given(HELLO);
    const tags = room.held().flatMap(({ tag }) => (tag === undefined ? [] : [tag]));
    expect(await redeliverWhen(() => room.receipts.outbox.handedOver(tags))).toEqual([]);
    expect((await room.ledger.status([keyOf('m-1')]))[0]).toMatchObject({ copies: 1, attempt: 2 });
    const due = Number(await room.redis.zscore(room.ledger.keys.due, keyOf('m-1')));
    expect(due).toBeGreaterThan(Date.now() + 60_000);
  });

  test('a receipt for something else was on the way is sent the next time', async () => {
    await room.given(HELLO);
    await room.handsOver();
    await room.given(bob(receipt('m-2')));
    expect(await redeliverWhen(() => {})).toHaveLength(1);
  });
});

test('ten thousand notices that one answered ping hands over are noted, and stop nothing', async () => {
  const records = Array.from({ length: 10_000 }, (_, i) => ({ key: keyOf(`told-${i}`), state: 'delivered' as const }));
  for (let i = 0; i < records.length; i += 1000) {
    await room.redis.zadd(room.ledger.keys.due, ...records.slice(i, i + 1000).flatMap(({ key }) => [1, key]));
  }
  room.receipts.outbox.handedOver(records.map((record) => ({ kind: 'notice', attempt: 1, record: record as never })));
  await room.receipts.pipeline.drained();
  expect(await room.redis.zcard(room.ledger.keys.due)).toBe(0);
  expect(room.counts.setAside).toBe(0);
  await room.given(HELLO);
  expect(room.counts.accepted).toBe(1);
});
