import { Backoff } from '../../src/xmpp/connection/backoff.ts';

describe('the wait before a reconnect', () => {
  test('doubles from 1 s to 60 s, and starts again when the link was stable', () => {
    const backoff = new Backoff(1000, 60_000, () => 1);
    const waits = Array.from({ length: 8 }, () => backoff.next());
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    backoff.reset();
    expect(backoff.next()).toBe(1000);
  });

  test('is jittered, by half', () => {
    const low = new Backoff(1000, 60_000, () => 0);
    expect([low.next(), low.next()]).toEqual([500, 1000]);
  });

  test('is long at once after a refused secret', () => {
    expect(new Backoff(1000, 60_000, () => 1).slow()).toBe(60_000);
  });
});
