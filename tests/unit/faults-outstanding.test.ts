import { Conversations } from '../../faults/outstanding.ts';

describe('what a conversation has out without an answer', () => {
  test('is so much at most, until the answer comes', () => {
    const conversations = new Conversations(2);
    conversations.wrote('a b', 'one', 0);
    expect(conversations.hasRoom('a b', 5)).toBe(true);
    conversations.wrote('a b', 'two', 5);
    expect(conversations.hasRoom('a b', 10)).toBe(false);
    expect(conversations.hasRoom('a c', 10)).toBe(true);
    conversations.answered('nobody’s');
    expect(conversations.hasRoom('a b', 10)).toBe(false);
    conversations.answered('one');
    conversations.answered('one');
    expect(conversations.hasRoom('a b', 10)).toBe(true);
  });

  test('is given up after a while, so that a sender whose answers are lost writes on', () => {
    const conversations = new Conversations(1);
    conversations.wrote('a b', 'one', 0);
    conversations.wrote('a b', 'two', 5000);
    expect(conversations.hasRoom('a b', 9999)).toBe(false);
    expect(conversations.hasRoom('a b', 10_000)).toBe(false);
    expect(conversations.hasRoom('a b', 15_000)).toBe(true);
  });
});
