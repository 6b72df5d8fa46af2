import xml, { type Element } from '@xmpp/xml';
import { IngressQueue } from '../../src/routing/ingress-queue.ts';

const { jest } = import.meta;

const message = (from: string, id: number, ...children: (Element | string)[]) =>
  xml('message', { from, to: 'bob@receipts.example.org', id: String(id) }, ...children);

function queue() {
  const handled: Element[] = [];
  const state = { busy: false, backlog: 10_000 };
  const counts = { refused: 0 };
  const ingress = new IngressQueue({
    handle: (stanza) => handled.push(stanza),
    backlog: () => (state.busy ? state.backlog : 0),
    mostOfOne: 2000,
    refuse: (stanza) => {
      if (stanza.getChild('received') !== undefined) return false;
      counts.refused += 1;
      return true;
    },
  });
  return {
    ingress,
    handled,
    state,
    get refused() {
      return counts.refused;
    },
    order: () => handled.map(({ attrs }) => `${attrs.from} ${attrs.id}`),
  };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('what comes while nothing is busy is handled at once', () => {
  const { ingress, handled } = queue();
  const stanza = message('a@example.org/x', 1);
  ingress.take(stanza);
  expect(handled).toEqual([stanza]);
  expect(ingress.size).toBe(0);
});

test('one message waits for none of the thousands that somebody else has sent before', () => {
  const { ingress, state, order } = queue();
  state.busy = true;
  for (let id = 0; id < 2000; id += 1) ingress.take(message('mallory@example.org/x', id, xml('body', {}, 'flood')));
  state.busy = false;
  ingress.pump();
  ingress.take(message('alice@example.org/x', 1));
  ingress.pump();
  expect(order().indexOf('alice@example.org/x 1')).toBeLessThanOrEqual(256);
  jest.runAllTimers();
  expect(order()).toHaveLength(2001);
});

test('another resource of the one who floods takes no turns of its own', () => {
  const { ingress, state, order } = queue();
  state.busy = true;
  for (let id = 0; id < 300; id += 1) ingress.take(message('mallory@example.org/x', id));
  ingress.take(message('mallory@example.org/y', 0));
  state.busy = false;
  ingress.pump();
  jest.runAllTimers();
  expect(order().at(-1)).toBe('mallory@example.org/y 0');
});

test('it stops handing on when the store is busy, and goes on when there is room', () => {
  const { ingress, handled, state } = queue();
  state.busy = true;
  for (let id = 0; id < 10; id += 1) ingress.take(message('a@example.org/x', id));
  ingress.pump();
  expect(handled).toHaveLength(0);
  state.busy = false;
  ingress.pump();
  expect(handled).toHaveLength(10);
});

test('while somebody fills what may wait behind it, a few stanzas of each other sender pass at once', () => {
  const { ingress, state, order } = queue();
  state.busy = true;
  state.backlog = 1500;
  const passed = () => order().filter((one) => one.startsWith('alice@')).length;
  for (let id = 0; id < 100; id += 1) ingress.take(message('mallory@example.org/x', id));
  for (let id = 0; id < 10; id += 1) ingress.take(message('alice@example.org/x', id));
  expect(passed()).toBe(10);
  // Of each sender so many, and no more: the one who floods waits.
  expect(order()).toHaveLength(10 + 16);
  for (let id = 10; id < 30; id += 1) ingress.take(message('alice@example.org/x', id));
  expect(passed()).toBe(16);
  // In the next turn; what waits already is not overtaken by the same sender's.
  ingress.pump();
  ingress.take(message('alice@example.org/x', 30));
  ingress.take(message('carol@example.org/x', 0));
  expect(passed()).toBe(16);
  expect(order().at(-1)).toBe('carol@example.org/x 0');
  state.busy = false;
  ingress.release();
  expect(order().filter((one) => one.startsWith('alice@'))).toEqual(
    Array.from({ length: 31 }, (_, id) => `alice@example.org/x ${id}`),
  );
});

test('when far too much waits behind it, nobody passes', () => {
  const { ingress, handled, state } = queue();
  state.busy = true;
  state.backlog = 3000;
  ingress.take(message('mallory@example.org/x', 0));
  ingress.take(message('alice@example.org/x', 0));
  expect(handled).toHaveLength(0);
});

test('when the store stands still, all is handed on, and refused there', () => {
  const { ingress, handled, state } = queue();
  state.busy = true;
  for (let id = 0; id < 10; id += 1) ingress.take(message('a@example.org/x', id));
  jest.advanceTimersByTime(1100);
  expect(handled).toHaveLength(10);
  ingress.take(message('a@example.org/x', 10));
  expect(handled).toHaveLength(11);
  // It works again.
  ingress.pump();
  ingress.take(message('a@example.org/x', 11));
  expect(handled).toHaveLength(11);
});

test('of one sender no more waits than its bound: what may be refused is, the rest waits', () => {
  const set = queue();
  const { ingress, handled, state } = set;
  state.busy = true;
  for (let id = 0; id < 30_000; id += 1) ingress.take(message('mallory@example.org/x', id));
  const receipt = message('mallory@example.org/x', 30_000, xml('received'));
  ingress.take(receipt);
  ingress.take(message('alice@example.org/x', 1));
  expect(set.refused).toBe(28_000);
  expect(ingress.size).toBe(2002);
  state.busy = false;
  ingress.release();
  expect(handled).toContain(receipt);
});

test('all together never more than its bound, of however many senders', () => {
  const { ingress, handled, state } = queue();
  state.busy = true;
  for (let id = 0; id < 50_001; id += 1) ingress.take(message(`user${id % 100}@example.org/x`, id));
  expect(handled).toHaveLength(50_001);
});
