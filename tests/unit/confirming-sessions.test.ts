import { type Confirmed, ConfirmingSessions } from '../../src/delivery/gate/confirming-sessions.ts';
import { newFacts } from '../../src/gate/facts.ts';

const confirmed = (n: string, at = 0, isShared = false): Confirmed => ({
  n,
  key: `key-${n}`,
  facts: newFacts(),
  isShared,
  at,
});
const bob = (sessions: ConfirmingSessions, one: Confirmed, id = 's1') =>
  sessions.put(id, 'bob@example.org', 'desk', one);

test('what a session has confirmed is taken with it, in its order, and once', () => {
  const sessions = new ConfirmingSessions();
  for (const n of ['1', '2']) bob(sessions, confirmed(n));
  bob(sessions, confirmed('3'), 's2');
  expect(sessions.take('s1')).toMatchObject({ resource: 'desk', messages: [{ n: '1' }, { n: '2' }] });
  expect(sessions.take('s1')).toBeUndefined();
  expect(sessions.isEmpty).toBe(false);
  expect(sessions.takeAll()).toMatchObject([{ n: '3' }]);
  expect(sessions.isEmpty).toBe(true);
});

test('what its session has outlived for long enough is taken, and nothing later', () => {
  const sessions = new ConfirmingSessions();
  for (const [n, at] of [
    ['1', 0],
    ['2', 10],
    ['3', 11],
  ] as const)
    bob(sessions, confirmed(n, at));
  bob(sessions, confirmed('4', 0), 's2');
  expect(sessions.takeOlder(10, (id) => (id === 's1' ? 20 : 9))).toMatchObject([{ n: '1' }, { n: '2' }]);
  expect(sessions.entries().map(([id]) => id)).toEqual(['s1', 's2']);
  expect(sessions.takeOlder(10, () => 21)).toMatchObject([{ n: '3' }, { n: '4' }]);
  expect([sessions.isEmpty, sessions.entries()]).toEqual([true, []]);
});

test('of what other sessions were sent as well it is known which session confirmed it, until that is over', () => {
  const sessions = new ConfirmingSessions();
  const one = confirmed('1', 0, true);
  bob(sessions, one);
  bob(sessions, confirmed('2'));
  expect(sessions.shared('key-1')).toEqual({ id: 's1', one });
  expect(['1', '2'].map((n) => sessions.hasShared(n))).toEqual([true, false]);
  // It is still in doubt with its session, and counted so.
  sessions.take('s1');
  expect(sessions.hasShared('1')).toBe(true);
  sessions.forgetShared(one);
  expect([sessions.shared('key-1'), sessions.hasShared('1')]).toEqual([undefined, false]);
});

test('it is known how many there are', () => {
  const sessions = new ConfirmingSessions();
  for (let known = 0; known < 20; known += 1) bob(sessions, confirmed(`${known}`, known, true), `s${known % 7}`);
  expect(sessions.size).toBe(20);
  sessions.take('s3');
  expect(sessions.size).toBe(17);
  sessions.takeOlder(1, (_, { messages }) => (messages[0]?.at ?? 0) + 1);
  expect(sessions.size).toBe(11);
  sessions.takeAll();
  expect([sessions.size, sessions.isEmpty]).toEqual([0, true]);
});
