import type { OutgoingStanza } from '../../src/xmpp/connection/outgoing-stanza.ts';
import { Window } from '../../src/xmpp/connection/window.ts';

const stanza = (tag: string): OutgoingStanza<string> => ({
  xml: `<${tag}/>`,
  tag,
  done: false,
  priority: 'normal',
  key: undefined,
});
const tags = (held: OutgoingStanza<string>[] | undefined) => held?.map(({ tag }) => tag);

describe('what is written and not yet handed over', () => {
  test('an answered ping hands over what was written before it, and no more', () => {
    const window = new Window<string>();
    window.wrote(stanza('a'), 0);
    window.wrote(stanza('b'), 0);
    window.pinged('p1', 0);
    window.wrote(stanza('c'), 0);
    expect(tags(window.answered('p1', 1)?.handedOver)).toEqual(['a', 'b']);
    expect(window.count).toBe(1);
    expect(window.countSincePing).toBe(1);
  });

  test('a later answer stands for the earlier ones, which then hand over nothing', () => {
    const window = new Window<string>();
    window.wrote(stanza('a'), 0);
    window.pinged('p1', 0);
    window.wrote(stanza('b'), 0);
    window.pinged('p2', 1);
    expect(tags(window.answered('p2', 2)?.handedOver)).toEqual(['a', 'b']);
    expect(window.answered('p1', 3)).toBeUndefined();
    expect(window.waitingSince).toBeUndefined();
  });

  test('an answer tells since when the first of what it hands over was written', () => {
    const window = new Window<string>();
    window.pinged('p1', 5);
    window.wrote(stanza('a'), 10);
    window.wrote(stanza('b'), 20);
    window.pinged('p2', 30);
    window.wrote(stanza('c'), 40);
    window.pinged('p3', 50);
    window.wrote(stanza('d'), 60);
    window.pinged('p4', 70);
    expect(window.answered('p2', 80)).toMatchObject({ writtenSince: 10 });
    expect(window.answered('p4', 90)).toMatchObject({ writtenSince: 40 });
    window.wrote(stanza('e'), 100);
    window.pinged('p5', 110);
    window.pinged('p6', 120);
    expect(window.answered('p5', 130)).toMatchObject({ writtenSince: 100 });
    // It hands over nothing.
    expect(window.answered('p6', 140)).toEqual({ handedOver: [], writtenSince: 140, ping: expect.anything() });
  });

  test('an unknown ping, and one of a stream that is gone, hand over nothing', () => {
    const window = new Window<string>();
    window.wrote(stanza('a'), 0);
    window.pinged('p1', 0);
    expect(window.answered('forged', 1)).toBeUndefined();
    expect(tags(window.takeAll())).toEqual(['a']);
    expect(window.answered('p1', 2)).toBeUndefined();
    window.wrote(stanza('b'), 0);
    window.pinged('p2', 3);
    expect(tags(window.answered('p2', 4)?.handedOver)).toEqual(['b']);
  });

  test('a server that works off a backlog is not late while it answers', () => {
    const window = new Window<string>();
    window.pinged('p1', 10);
    window.pinged('p2', 10);
    expect(window.waitingSince).toBe(10);
    window.answered('p1', 500);
    expect(window.waitingSince).toBe(500);
  });

  test('a hundred thousand stanzas keep their order', () => {
    const window = new Window<string>();
    const handedOver: (string | undefined)[] = [];
    for (let i = 0; i < 100_000; i += 1) {
      window.wrote(stanza(String(i)), i);
      if (i % 1000 === 999) window.pinged(`p${i}`, i);
      // Answers come five pings late.
      if (i % 1000 === 999 && i >= 5999)
        handedOver.push(...(tags(window.answered(`p${i - 5000}`, i)?.handedOver) ?? []));
    }
    handedOver.push(...(tags(window.answered('p99999', 0)?.handedOver) ?? []));
    expect(handedOver).toEqual(Array.from({ length: 100_000 }, (_, i) => String(i)));
  });
});
