import { retryDelay } from '../../packages/client/src/backoff.ts';
import type { Item } from '../../packages/client/src/entries.ts';
import { OutgoingQueue } from '../../packages/client/src/outgoing.ts';

const BOB = 'bob@receipts.example.org';
const CAROL = 'carol@receipts.example.org';
const BACKOFF = { first: 100, most: 1000, factor: 1 };

function open(maxInFlight = 32) {
  const queue = new OutgoingQueue({ maxInFlight, backoff: BACKOFF, giveUpAfter: 5000, remember: 2 });
  const add = (id: string, to = BOB, kept = true) => {
    const item = queue.add(id, to, ['message', { id, to }], 0);
    item.kept = kept;
    return item;
  };
  /** Writes all that may be written; their ids. */
  const write = (now: number, { proxied = true, watched = false } = {}) => {
    const ids: string[] = [];
    for (let item = queue.next(now); item !== undefined; item = queue.next(now)) {
      queue.written(item, proxied, watched, now);
      ids.push(item.id);
    }
    return ids;
  };
  return { queue, add, write };
}

test('waits double up to the longest, and are shifted for each client', () => {
  expect([1, 2, 3, 4, 5, 60, 5000].map((attempts) => retryDelay(BACKOFF, attempts))).toEqual([
    100, 200, 400, 800, 1000, 1000, 1000,
  ]);
  expect(retryDelay({ ...BACKOFF, factor: 0.8 }, 2)).toBe(160);
});

test('no more are in flight than the window takes; each stored one lets the next go', () => {
  const { queue, add, write } = open(2);
  const [a] = ['a', 'b', 'c', 'd'].map((id) => add(id)) as [Item];
  expect(write(1)).toEqual(['a', 'b']);
  expect(queue.stored(a, 'proxy', 2)).toBe(true);
  expect(queue.stored(a, 'proxy', 3)).toBe(false);
  expect(write(3)).toEqual(['c']);
});

test('what the store has not taken yet is not overtaken in its conversation, and holds up no other', () => {
  const { add, write } = open();
  const a = add('a', BOB, false);
  add('b', `${BOB}/desk`);
  add('c', CAROL);
  expect(write(1)).toEqual(['c']);
  a.kept = true;
  expect(write(1)).toEqual(['a', 'b']);
});

test('a refusal for now holds up what follows in the conversation, until its time', () => {
  const { queue, add, write } = open();
  const a = add('a');
  write(0);
  queue.bounced(a, 10);
  add('b');
  add('c', CAROL);
  expect(write(50)).toEqual(['c']);
  // What is in flight is due as well, and blocked.
  expect(queue.nextDueAt(100)).toBe(110);
  expect(write(110)).toEqual(['a', 'b']);
});

test('a lost message is sent again by the clock, and what was written after it in its conversation follows it', () => {
  const { queue, add, write } = open();
  add('a');
  write(0);
  add('b');
  add('c', CAROL);
  write(50);
  expect(queue.nextDueAt(99)).toBe(100);
  expect(write(99)).toEqual([]);
  expect(write(100)).toEqual(['a', 'b']);
  expect(write(150)).toEqual(['c']);
  expect(queue.nextDueAt(150)).toBe(300);
});

test('under stream management’s watch the clock waits for the server’s word', () => {
  const { queue, add, write } = open();
  const a = add('a');
  write(0, { watched: true });
  expect(write(50_000)).toEqual([]);
  queue.serverAck(a, 50_000);
  expect(write(50_099)).toEqual([]);
  expect(write(50_100)).toEqual(['a']);
});

test('a resumed session: what it still answers for is left to it, and what it never counted is due', () => {
  const { queue, add, write } = open();
  add('a');
  add('b');
  write(0, { watched: true });
  queue.resume(new Set(['a']), 10);
  expect(write(10, { watched: true })).toEqual(['b']);
});

test('without proxy and stream management: once more after a cut, never again, and not after a reload', () => {
  const { queue, add, write } = open();
  const a = add('a');
  expect(write(0, { proxied: false })).toEqual(['a']);
  expect(a).toMatchObject({ state: 'sent', unwitnessed: true });
  queue.restart();
  expect(write(1, { proxied: false })).toEqual(['a']);
  queue.restart();
  expect(write(2, { proxied: false })).toEqual([]);
  const next = open();
  next.queue.restore([a]);
  next.queue.restart();
  expect(next.write(3, { proxied: false })).toEqual([]);
  expect(next.queue.pending().map(({ id }) => id)).toEqual(['a']);
});

test('what is sent while the store is read comes after what it had, in the old order', () => {
  const { queue, add, write } = open();
  add('new');
  const saved = { to: BOB, stanza: ['message', {}] as const, state: 'queued' as const, attempts: 0, queuedAt: 0 };
  queue.restore([
    { ...saved, id: 'second', seq: 9 },
    { ...saved, id: 'first', seq: 7 },
  ]);
  expect(write(0)).toEqual(['first', 'second', 'new']);
});

test('nobody’s messages go out in another’s name', () => {
  const { queue, add, write } = open();
  const saved = { to: BOB, stanza: ['message', {}] as const, state: 'queued' as const, attempts: 0, queuedAt: 0 };
  queue.restore([
    { ...saved, id: 'hers', seq: 1, account: 'alice@example.org' },
    { ...saved, id: 'his', seq: 2, account: 'bob@example.org' },
  ]);
  add('new');
  const { claimed, others } = queue.claimFor('bob@example.org');
  expect([claimed.map(({ id }) => id), others]).toEqual([['new'], 1]);
  expect(write(0)).toEqual(['his', 'new']);
});

test('the proxy lost what it had stored: it goes again, in its place', () => {
  const { queue, add, write } = open(1);
  const a = add('a');
  add('b');
  write(0);
  queue.stored(a, 'proxy', 1);
  expect(queue.requeue(a)).toBe(true);
  expect(a.state).toBe('queued');
  expect(write(1)).toEqual(['a']);
});

test('a failure is told once; a receipt after it still counts; the oldest ended are forgotten', () => {
  const { queue, add, write } = open();
  const items = ['a', 'b', 'c'].map((id) => add(id));
  write(0);
  for (const item of items) expect(queue.failed(item, { reason: 'expired' }, 1)).toBe(true);
  const [a] = items as [Item];
  expect(queue.failed(a, { reason: 'rejected' }, 2)).toBe(false);
  expect(queue.delivered(a, 3)).toBe(true);
  expect(queue.delivered(a, 4)).toBe(false);
  expect(a).toMatchObject({ state: 'delivered', endedAt: 3 });
  expect(a.failure).toBeUndefined();
  expect(a.stanza).toBeUndefined();
  expect(queue.evict()).toEqual(['b']);
  expect(queue.get('b')).toBeUndefined();
});

test('what is heard of for too long by nobody is overdue, wherever it is', () => {
  const { queue, add, write } = open();
  const a = add('a');
  write(0);
  queue.stored(a, 'proxy', 1);
  add('b');
  expect(queue.overdue(4999)).toEqual([]);
  expect(queue.overdue(5000).map(({ id }) => id)).toEqual(['a', 'b']);
});
