import { Command } from 'ioredis';
import { Constants, commandBytes, Octets } from '../../src/store/redis/command-bytes.ts';
import { encoded } from '../../src/util/octets.ts';

/** As Redis reads it: an array of bulk strings, by their lengths in bytes. */
function read(bytes: Buffer): string[] {
  const line = (from: number) => bytes.toString('latin1', from, bytes.indexOf('\r\n', from));
  const parts: string[] = [];
  let at = line(0).length + 2;
  for (let left = Number(line(0).slice(1)); left > 0; left -= 1) {
    const length = Number(line(at).slice(1));
    at += line(at).length + 2;
    parts.push(bytes.toString('utf8', at, at + length));
    at += length + 2;
  }
  expect(at).toBe(bytes.length);
  return parts;
}

const TEXTS = ['', 'plain', 'Ça va ?', '今天下午五点', '😀 a\r\nb', '\x00\x1f\x7f', 'é'.repeat(1000)];

test('texts of all scripts and numbers go to Redis as they are', () => {
  expect(read(commandBytes('evalsha', '今天', [...TEXTS, 17, 0]))).toEqual(['evalsha', '今天', ...TEXTS, '17', '0']);
});

test('what is octets already goes as it is', () => {
  expect(
    read(
      commandBytes(
        'evalsha',
        'sha',
        TEXTS.map((text) => new Octets(encoded(text))),
      ),
    ),
  ).toEqual(['evalsha', 'sha', ...TEXTS]);
});

test('arguments that are the same in each call are each one of their own', () => {
  const constants = new Constants([2, '今天', '']);
  expect(read(commandBytes('evalsha', 'sha', [constants, 'a', constants, 7]))).toEqual([
    'evalsha',
    'sha',
    '2',
    '今天',
    '',
    'a',
    '2',
    '今天',
    '',
    '7',
  ]);
});

test('that is the same as ioredis writes', () => {
  const written = new Command('set', ['key', '今天']).toWritable({});
  expect(Buffer.from(written as string)).toEqual(commandBytes('set', 'key', ['今天']));
});
