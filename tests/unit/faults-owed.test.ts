import type { Event } from '../../faults/history.ts';
import { Owed } from '../../faults/owed.ts';

const acknowledged = (message: string): Event => ({ kind: 'acknowledged', at: 0, message, process: 'p' });
const notified = (message: string, what: 'delivered' | 'refused'): Event => ({
  kind: 'notified',
  at: 0,
  message,
  what,
});
const LONG = 60_000;

test('who waits for many messages goes on with the word about the last of them', async () => {
  const owed = new Owed();
  owed.note(acknowledged('one'));
  let isOver = false;
  const waiting = owed.allEnded(['one', 'two', 'three'], LONG).then(() => {
    isOver = true;
  });
  owed.note(notified('one', 'delivered'));
  owed.note(notified('two', 'delivered'));
  owed.note(notified('three', 'refused'));
  await Promise.resolve();
  expect(isOver).toBe(false);
  owed.note(notified('three', 'delivered'));
  await waiting;
});

test('a refusal is an answer, and not taken; what is settled is taken', async () => {
  const owed = new Owed();
  owed.note(notified('refused', 'refused'));
  await owed.allAnswered(['refused'], LONG);
  const waiting = owed.allTaken(['refused', 'settled'], LONG);
  owed.settled('settled');
  owed.note(acknowledged('refused'));
  await waiting;
  expect(owed.has('refused')).toBe(true);
});

test('nothing is owed when all that was acknowledged has ended; or the time is over', async () => {
  const owed = new Owed();
  await owed.nothing(LONG);
  owed.note(acknowledged('one'));
  await owed.nothing(5);
  expect(owed.has('one')).toBe(true);
  const waiting = owed.nothing(LONG);
  owed.note(notified('one', 'delivered'));
  await waiting;
  expect(owed.has('one')).toBe(false);
});
