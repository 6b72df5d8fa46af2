import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { ReadPacer } from '../../src/xmpp/connection/read-pacer.ts';

const { jest } = import.meta;
const SLICE = 16 << 10;

function pacer(onParse: (text: string, readPacer: ReadPacer) => void = () => {}) {
  const parsed: string[] = [];
  const socket = { paused: false, pause: () => (socket.paused = true), resume: () => (socket.paused = false) };
  const readPacer = new ReadPacer(
    () => socket as unknown as Socket,
    (text) => {
      parsed.push(text);
      onParse(text, readPacer);
    },
  );
  return { readPacer, parsed, socket };
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate'] }));
afterEach(() => jest.useRealTimers());

test('what comes is parsed at once, a slice in a turn of the event loop, and no more is read meanwhile', async () => {
  const { readPacer, parsed, socket } = pacer();
  const text = `${'x'.repeat(2 * SLICE)}y`;
  readPacer.read(text);
  expect([parsed.length, socket.paused]).toEqual([1, true]);
  await turn();
  expect([parsed.length, socket.paused]).toEqual([2, true]);
  await turn();
  expect([parsed.join('') === text, socket.paused]).toEqual([true, false]);
});

test('while it rests, nothing is read, and what has come is parsed afterwards, in order', async () => {
  const { readPacer, parsed, socket } = pacer((text, own) => {
    if (text === 'one') own.rest(5);
  });
  readPacer.read('one');
  expect(socket.paused).toBe(true);
  readPacer.read('two');
  readPacer.read('three');
  await turn();
  jest.advanceTimersByTime(4);
  expect(parsed).toEqual(['one']);
  jest.advanceTimersByTime(1);
  expect(parsed.join(' ')).toBe('one twothree');
  expect(socket.paused).toBe(false);
  await turn();
  readPacer.read('four');
  expect(parsed.at(-1)).toBe('four');
});

test('a rest in the middle of a long text keeps the rest of it until it is over', async () => {
  let rests = 0;
  const { readPacer, parsed, socket } = pacer((_, own) => {
    rests += 1;
    if (rests === 1) own.rest(5);
  });
  const text = `${'x'.repeat(SLICE)}${'y'.repeat(SLICE)}z`;
  readPacer.read(text);
  await turn();
  await turn();
  expect([parsed.length, socket.paused]).toEqual([1, true]);
  jest.advanceTimersByTime(5);
  await turn();
  expect([parsed.join('') === text, socket.paused]).toEqual([true, false]);
});

test('a rest is not made longer by another, and a new one may begin when it is over', () => {
  const { readPacer, socket } = pacer();
  readPacer.rest(5);
  jest.advanceTimersByTime(3);
  readPacer.rest(5);
  jest.advanceTimersByTime(2);
  expect(socket.paused).toBe(false);
  readPacer.rest(5);
  expect(socket.paused).toBe(true);
});

test('when the connection ends during a rest, what has come is parsed at once; when it is given up, nothing is', () => {
  const ended = pacer();
  ended.readPacer.rest(5);
  ended.readPacer.read('last words');
  ended.readPacer.finish();
  expect(ended.parsed).toEqual(['last words']);
  const cleared = pacer();
  cleared.readPacer.rest(5);
  cleared.readPacer.read('too late');
  cleared.readPacer.clear();
  jest.advanceTimersByTime(10);
  expect(cleared.parsed).toEqual([]);
});
