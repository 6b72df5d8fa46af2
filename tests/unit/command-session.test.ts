import { SESSION_LASTS, Sessions } from '../../src/commands/session.ts';

const NOW = 1_790_000_000_000;
const ALICE = 'alice@example.org/phone';
const sessions = new Sessions('component secret');

test('any process that has the secret knows a session again, until its time is over', () => {
  const id = sessions.open('status', ALICE, NOW);
  const other = new Sessions('component secret');
  expect(other.read(id, 'status', ALICE, NOW + 1000)).toMatchObject({ state: 'open', timeLeft: SESSION_LASTS - 1000 });
  expect(other.read(id, 'status', ALICE, NOW + SESSION_LASTS)).toEqual({ state: 'expired' });
});

test('each is another, and has another name in Redis', () => {
  const names = Array.from({ length: 100 }, () => {
    const session = sessions.read(sessions.open('status', ALICE, NOW), 'status', ALICE, NOW);
    return session.state === 'open' ? session.name : '';
  });
  expect(new Set(names).size).toBe(100);
  expect(names.every((name) => /^[\w.]+-[\w.]+$/.test(name))).toBe(true);
});

test.each([
  ['another command', 'figures', ALICE],
  ['another resource of hers', 'status', 'alice@example.org/desk'],
  ['another user', 'status', 'bob@example.org/phone'],
])('it is no session of %s', (_, node, jid) => {
  expect(sessions.read(sessions.open('status', ALICE, NOW), node, jid, NOW)).toEqual({ state: 'bad' });
});

test.each([
  ['a longer life', (id: string) => id.replace(/^\w+/, (NOW + SESSION_LASTS).toString(36))],
  ['another seal', (id: string) => `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`],
  // The seal is the rest behind the second hyphen, and may have hyphens of its own.
  ['no seal', (id: string) => id.replace(/^(\w+-[\w.]+-).*$/, '$1')],
  ['nothing', () => ''],
  ['what other services use', () => 'config:20020923T213616Z-700'],
  ['a long text', () => 'x-'.repeat(5000)],
])('with %s it is bad', (_, spoil) => {
  expect(sessions.read(spoil(sessions.open('status', ALICE, NOW)), 'status', ALICE, NOW)).toEqual({ state: 'bad' });
});

test('another secret, another session', () => {
  expect(new Sessions('other').read(sessions.open('status', ALICE, NOW), 'status', ALICE, NOW)).toEqual({
    state: 'bad',
  });
});
