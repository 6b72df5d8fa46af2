import { PriorityQueue } from '../../src/xmpp/connection/priority-queue.ts';
import { SimulatedServer } from '../support/peer/simulated-server.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';

/** One user sends 30,000 small messages at once (row 10): by places in the order, not by the clock. */
const MANY = 30_000;

const writes = (from: string, id: string) =>
  `<message from="${from}@example.org/m" to="bob@receipts.example.org" type="chat" id="${id}"><body>x</body><request xmlns="urn:xmpp:receipts"/></message>`;

describe('before Redis', () => {
  let server: RedisServer;
  let room: ReturnType<typeof openDeliveryStage>;
  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(() => {
    room = openDeliveryStage(server.url);
  });
  afterEach(() => room.close());
  afterAll(() => server.stop());

  test('whoever comes behind them is served with the first of them', async () => {
    const flood = Array.from({ length: MANY }, (_, i) => writes('mallory', `m-${i}`));
    const written = await room.given(...flood, writes('alice', 'a-1'));
    expect(room.counts.accepted).toBe(MANY + 1);
    // An acknowledgement and a forward for each.
    expect(written).toHaveLength(2 * (MANY + 1));
    expect(written.findIndex((xml) => xml.includes('id="a-1"'))).toBeLessThan(100);
    // His own keep their order.
    const forwards = written
      .filter((xml) => xml.startsWith('<message from="mallory@'))
      .map((xml) => /id="m-(\d+)"/.exec(xml)?.[1]);
    expect(forwards).toEqual(flood.map((_, i) => `${i}`));
  });

  test('the receipts that they bring do not hold up what their recipient writes', async () => {
    const receipt = (i: number) =>
      `<message from="bob@example.org/d" to="mallory@receipts.example.org/m"><received xmlns="urn:xmpp:receipts" id="m-${i}"/></message>`;
    await room.given(...Array.from({ length: 2000 }, (_, i) => writes('mallory', `m-${i}`)));
    const written = await room.given(...Array.from({ length: 2000 }, (_, i) => receipt(i)), writes('bob', 'b-1'));
    expect(room.counts.delivered).toBe(2000);
    expect(written.findIndex((xml) => xml.includes('id="b-1"'))).toBeLessThan(100);
  });
});

test('before a slow server, whoever comes behind them is written with the next', () => {
  const lanes = new PriorityQueue<string>();
  const push = (owner: string, tag: string, priority: 'high' | 'normal') =>
    lanes.push({ xml: `<${tag}/>`.padEnd(300), tag, done: false, priority, key: undefined, owner });
  for (let i = 0; i < MANY; i += 1) {
    push('mallory', `ack-${i}`, 'high');
    push('mallory', `m-${i}`, 'normal');
  }
  for (let i = 0; i < 500; i += 1) lanes.take();
  push('alice', 'her-ack', 'high');
  push('alice', 'hers', 'normal');
  const order: (string | undefined)[] = [];
  for (let i = 0; i < 400; i += 1) order.push(lanes.take()?.tag);
  expect(order.indexOf('her-ack')).toBeGreaterThanOrEqual(0);
  expect(order.indexOf('her-ack')).toBeLessThan(40);
  // Of what is no answer one goes after eight that are.
  expect(order.indexOf('hers')).toBeGreaterThanOrEqual(0);
  expect(order.indexOf('hers')).toBeLessThan(9 * 20);
});

test('a server that is slower than the flood has a tenth of a second of it before what comes behind, and no more', () => {
  const server = new SimulatedServer(() => ({ perSecond: 2000, roundTrip: 1 }));
  const push = (owner: string, tag: string) =>
    server.outgoing.push({
      xml: `<${tag}${' '.repeat(300)}/>`,
      tag,
      done: false,
      priority: 'normal',
      key: undefined,
      owner,
    });
  for (let i = 0; i < MANY; i += 1) push('mallory', `m-${i}`);
  // Its pace is known by now.
  server.run(3000);
  const before = server.handled.length;
  push('alice', 'hers');
  server.run(1000);
  expect(server.handled.indexOf('hers')).toBeGreaterThanOrEqual(before);
  expect(server.handled.indexOf('hers') - before).toBeLessThan(400);
  // And is kept busy.
  expect(server.handled.length - before).toBeGreaterThan(1800);
});
