import fc from 'fast-check';
import { InFlight } from '../../src/delivery/in-flight.ts';
import { payloadDigest } from '../../src/xmpp/stanza/message-key.ts';

test('property: it holds what a Map would', () => {
  // Few keys, so that they are met again; many alike, so that they share places.
  const key = fc.nat({ max: 400 }).map((number) => (number % 2 === 0 ? `AA${number}` : `AAsame-begin${number}`));
  const step = fc.record({ key, what: fc.constantFrom('set', 'set', 'delete', 'get') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const table = new InFlight<number>();
      const map = new Map<string, number>();
      for (const [number, { key: one, what }] of steps.entries()) {
        if (what === 'set') {
          table.set(one, number);
          map.set(one, number);
        } else if (what === 'delete') {
          table.delete(one);
          map.delete(one);
        }
        expect(table.get(one)).toBe(map.get(one));
      }
      expect([...table].sort((x, y) => x - y)).toEqual([...map.values()].sort((x, y) => x - y));
      for (const one of map.keys()) table.delete(one);
      expect([...table]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('messages of one id are found as fast as others', () => {
  const real = String.prototype.charCodeAt;
  let looks = 0;
  String.prototype.charCodeAt = function (this: string, at) {
    looks += 1;
    return real.call(this, at);
  };
  try {
    const table = new InFlight<number>();
    const keys = Array.from({ length: 2000 }, (_, number) => `AAsame-begin12~${payloadDigest(`${number}`)}`);
    for (const [number, key] of keys.entries()) table.set(key, number);
    for (const key of keys) table.delete(key);
  } finally {
    String.prototype.charCodeAt = real;
  }
  // One that stands in a row of all others is looked for, and moved up, by looks at each of them.
  expect(looks / 4000).toBeLessThan(500);
});

test('what changes while it is gone through disturbs nothing', () => {
  const table = new InFlight<number>();
  for (let number = 0; number < 1000; number += 1) table.set(`AA${number}`, number);
  const seen: number[] = [];
  for (const number of table) {
    seen.push(number);
    table.delete(`AA${number}`);
  }
  expect(seen).toHaveLength(1000);
  expect([...table]).toEqual([]);
});
