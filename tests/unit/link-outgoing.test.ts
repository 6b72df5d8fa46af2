import { Outgoing } from '../../src/link/outgoing.ts';
import type { Held } from '../../src/link/window.ts';

const stanza = (tag: string): Held<string> => ({ xml: `<${tag}/>`, tag, done: false });
const tags = (held: Held<string>[] | undefined) => held?.map(({ tag }) => tag);

function outgoing(options: { pingEvery?: number; maxWrite?: number } = {}) {
  let pings = 0;
  const all = new Outgoing<string>({
    pingEvery: options.pingEvery ?? 1000,
    maxWrite: options.maxWrite ?? 1_000_000,
    ping: () => ({ id: `p${++pings}`, xml: `[p${pings}]` }),
  });
  const send = (...names: string[]) => {
    const sent = names.map(stanza);
    for (const held of sent) all.push(held);
    return sent;
  };
  return { all, send };
}

describe('what is to be written', () => {
  test('goes out in order, in one piece, with a ping after so many', () => {
    const { all, send } = outgoing({ pingEvery: 2 });
    send('a', 'b', 'c');
    expect(all.next(0)).toBe('<a/><b/>[p1]<c/>');
    expect(all.next(0)).toBe('');
    expect(all.size).toBe(12);
    expect(tags(all.answered('p1', 1))).toEqual(['a', 'b']);
    expect(all.size).toBe(4);
    expect(all.count).toBe(1);
  });

  test('one piece is bounded', () => {
    const { all, send } = outgoing({ maxWrite: 8 });
    send('a', 'b', 'c');
    expect([all.next(0), all.next(0), all.next(0)]).toEqual(['<a/><b/>', '<c/>', '']);
  });

  test('what is done is not written', () => {
    const { all, send } = outgoing();
    const [a] = send('a', 'b') as [Held<string>];
    a.done = true;
    expect(all.next(0)).toBe('<b/>');
    expect(all.size).toBe(4);
  });

  test('after a loss, the held come first, as their owner wants them', () => {
    const { all, send } = outgoing();
    const [, b] = send('a', 'b', 'c') as [Held<string>, Held<string>];
    all.next(0);
    expect(all.lost('no')).toBeUndefined();
    send('new');
    b.done = true;
    // What has waited meanwhile may be moot as well: its owner is asked about it too.
    const held = all.held();
    expect(tags(held)).toEqual(['a', 'c', 'new']);
    send('newer');
    all.resume(held.slice(1));
    expect(all.next(0)).toBe('<c/><new/><newer/>');
    expect(all.size).toBe('<c/><new/><newer/>'.length);
  });
});

describe('a stanza that kills the link', () => {
  test('is found by sending the suspects one at a time, and is out after the second time', () => {
    const { all, send } = outgoing();
    send('a', 'poison', 'c');
    expect(all.next(0)).toBe('<a/><poison/><c/>');
    expect(all.lost('plain')).toBeUndefined();
    send('new');
    all.resume(all.held());
    // Each waits for the answer to the ping behind the one before it.
    expect(all.next(0)).toBe('<a/>[p1]');
    expect(all.next(0)).toBe('');
    all.answered('p1', 1);
    expect(all.next(0)).toBe('<poison/>[p2]');
    expect(all.lost('plain')?.tag).toBe('poison');
    all.resume(all.held());
    expect(all.next(0)).toBe('<c/>[p3]');
    all.answered('p3', 1);
    expect(all.next(0)).toBe('<new/>');
    expect(all.count).toBe(1);
    expect(all.size).toBe('<new/>'.length);
  });

  test('must be met alone twice where the server does not say why, as a network that resets looks the same', () => {
    const { all, send } = outgoing();
    send('a', 'poison');
    all.next(0);
    all.lost('perhaps');
    all.resume(all.held());
    expect(all.next(0)).toBe('<a/>[p1]');
    expect(all.lost('perhaps')).toBeUndefined();
    all.resume(all.held());
    expect(all.next(0)).toBe('<a/>[p2]');
    all.answered('p2', 1);
    expect(all.next(0)).toBe('<poison/>[p3]');
    expect(all.lost('perhaps')).toBeUndefined();
    all.resume(all.held());
    expect(all.next(0)).toBe('<poison/>[p4]');
    expect(all.lost('perhaps')?.tag).toBe('poison');
  });

  test('a loss that is nobody’s fault makes no suspects', () => {
    const { all, send } = outgoing();
    send('a', 'b');
    all.next(0);
    all.lost('no');
    all.resume(all.held());
    expect(all.next(0)).toBe('<a/><b/>');
  });

  test('a suspect that is confirmed, settled or withdrawn is none any more', () => {
    const { all, send } = outgoing();
    const [, b] = send('a', 'b', 'c', 'd') as [Held<string>, Held<string>];
    all.next(0);
    all.lost('plain');
    b.done = true;
    all.resume(all.held().filter(({ tag }) => tag !== 'c'));
    expect(all.next(0)).toBe('<a/>[p1]');
    all.answered('p1', 1);
    expect(all.next(0)).toBe('<d/>[p2]');
    all.answered('p2', 1);
    send('e', 'f');
    expect(all.next(0)).toBe('<e/><f/>');
  });

  test('an ordinary loss while a suspect is out does not blame it', () => {
    const { all, send } = outgoing();
    send('a', 'b');
    all.next(0);
    all.lost('plain');
    all.resume(all.held());
    expect(all.next(0)).toBe('<a/>[p1]');
    expect(all.lost('no')).toBeUndefined();
    all.resume(all.held());
    expect(tags(all.held())).toEqual(['a', 'b']);
    expect(all.next(0)).toBe('<a/>[p2]');
  });

  test('two in doubt at once are both suspects again', () => {
    const { all, send } = outgoing();
    send('a');
    all.next(0);
    expect(all.lost('plain')).toBeUndefined();
    all.resume(all.held());
    expect(all.next(0)).toBe('<a/>[p1]');
    all.answered('p1', 1);
    send('b', 'c');
    all.next(0);
    expect(all.lost('plain')).toBeUndefined();
    all.resume(all.held());
    expect(all.next(0)).toBe('<b/>[p2]');
  });
});
