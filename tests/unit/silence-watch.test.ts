import type { Redis } from 'ioredis';
import { redisFault } from '../../src/store/redis/redis-faults.ts';
import { SilenceWatch } from '../../src/store/redis/silence-watch.ts';

class FakeStream {
  bytesRead = 0;
  ended: Error | undefined;
  destroy(error: Error): void {
    this.ended = error;
  }
}

const redis = { stream: new FakeStream() as FakeStream | undefined, commandQueue: { length: 0 } };
const watch = new SilenceWatch(redis as unknown as Pick<Redis, 'stream' | 'commandQueue'>, 5000);
const look = (times: number, each = () => {}) => {
  for (let i = 0; i < times; i += 1) {
    each();
    watch.look();
  }
};
let stream: FakeStream;
beforeEach(() => {
  stream = new FakeStream();
  redis.stream = stream;
  redis.commandQueue.length = 1;
  watch.look();
});
afterAll(() => watch.stop());

test('a connection that owes answers and is silent is ended, once, and that counts as no answer', () => {
  look(19);
  expect(stream.ended).toBeUndefined();
  look(1);
  expect(redisFault(stream.ended)).toMatchObject({ code: 'TIMEOUT' });
  stream.ended = undefined;
  look(100);
  expect(stream.ended).toBeUndefined();
});

test('one that owes nothing, or from which anything comes, is left alone', () => {
  redis.commandQueue.length = 0;
  look(100);
  redis.commandQueue.length = 1;
  look(19);
  look(100, () => {
    stream.bytesRead += 1;
  });
  look(19);
  expect(stream.ended).toBeUndefined();
});

test('a new connection has all the time again, and before there is one nothing is ended', () => {
  look(19);
  redis.stream = undefined;
  look(100);
  redis.stream = stream;
  look(20);
  expect(stream.ended).toBeUndefined();
});
