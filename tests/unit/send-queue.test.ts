import type { OutgoingStanza } from '../../src/xmpp/connection/outgoing-stanza.ts';
import { SendQueue } from '../../src/xmpp/connection/send-queue.ts';

const stanza = (tag: string): OutgoingStanza<string> => ({
  xml: `<${tag}/>`,
  tag,
  done: false,
  priority: 'normal',
  key: undefined,
});
const tags = (held: OutgoingStanza<string>[] | undefined) => held?.map(({ tag }) => tag);

function outgoing(options: { pingEvery?: number; maxWrite?: number } = {}) {
  let pings = 0;
  const all = new SendQueue<string>({
    pingEvery: options.pingEvery ?? 1000,
    maxWrite: options.maxWrite ?? 1_000_000,
    deferFor: 10_000,
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
    expect(tags(all.answered('p1', 1)?.handedOver)).toEqual(['a', 'b']);
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
    const [a] = send('a', 'b') as [OutgoingStanza<string>];
    a.done = true;
    expect(all.next(0)).toBe('<b/>');
    expect(all.size).toBe(4);
  });

  test('after a loss, the held come first, as their owner wants them', () => {
    const { all, send } = outgoing();
    const [, b] = send('a', 'b', 'c') as [OutgoingStanza<string>, OutgoingStanza<string>];
    all.next(0);
    expect(all.streamEnded('no', 0)).toBeUndefined();
    send('new');
    b.done = true;
    // What has waited meanwhile may be moot as well: its owner is asked about it too.
    const held = all.takeUnproved();
    expect(tags(held)).toEqual(['a', 'c', 'new']);
    send('newer');
    all.resume(held.slice(1));
    expect(all.next(0)).toBe('<c/><new/><newer/>');
    expect(all.size).toBe('<c/><new/><newer/>'.length);
  });
});

/** The link is up again, and its first ping was answered. */
function upAgain(all: SendQueue<string>): void {
  all.resume(all.takeUnproved());
  prove(all);
}

function prove(all: SendQueue<string>): void {
  all.answered(all.ping(0).slice(1, -1), 0);
}

/** What is written, up to the ping behind it, which is answered. */
function handledNext(all: SendQueue<string>): string {
  const text = all.next(0);
  const [id] = text.match(/(?<=\[)\w+(?=\])/) ?? [];
  if (id !== undefined) all.answered(id, 1);
  return text.replace(/\[.*\]/, '');
}

describe('a stanza that kills the link', () => {
  test('for a named fault is found by sending the candidates one at a time, and is out when it has done so alone twice', () => {
    const { all, send } = outgoing();
    send('a', 'poison', 'c');
    expect(all.next(0)).toBe('<a/><poison/><c/>');
    expect(all.streamEnded('named', 0)).toBeUndefined();
    send('new');
    upAgain(all);
    expect(handledNext(all)).toBe('<a/>');
    // Each waits for the answer to the ping behind the one before it.
    expect(all.next(0)).toMatch(/^<poison\/>\[p\d+\]$/);
    expect(all.next(0)).toBe('');
    expect(all.streamEnded('named', 0)).toBeUndefined();
    upAgain(all);
    all.next(0);
    expect(all.streamEnded('named', 0)?.tag).toBe('poison');
    upAgain(all);
    expect(handledNext(all)).toBe('<c/>');
    expect(all.next(0)).toBe('<new/>');
    expect(all.count).toBe(1);
    expect(all.size).toBe('<new/>'.length);
  });

  test('three ends without a word, each while it was written, have nobody rejected or even set aside', () => {
    const { all, send } = outgoing();
    send('innocent', 'b');
    const written: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      written.push(all.next(0));
      expect(all.streamEnded('bare', 0)).toBeUndefined();
      upAgain(all);
    }
    // One end makes no candidates, or every bad moment of the network would have all sent one by one.
    expect(written).toEqual(['<innocent/><b/>', '<innocent/><b/>', expect.stringMatching(/^<innocent\/>\[p\d+\]$/)]);
    expect([handledNext(all), handledNext(all)]).toEqual(['<innocent/>', '<b/>']);
    expect([all.count, all.size]).toEqual([0, 0]);
  });

  test('without a word is set aside after two ends alone, so that others go on, and is out after two more', () => {
    const { all, send } = outgoing();
    send('a', 'poison', 'c');
    for (let i = 0; i < 2; i += 1) {
      all.next(0);
      all.streamEnded('bare', 0);
      upAgain(all);
    }
    expect(handledNext(all)).toBe('<a/>');
    for (let i = 0; i < 2; i += 1) {
      expect(all.next(0)).toContain('poison');
      expect(all.streamEnded('bare', 0)).toBeUndefined();
      upAgain(all);
    }
    expect(handledNext(all)).toBe('<c/>');
    send('d');
    expect(all.next(0)).toBe('<d/>');
    expect([all.count, all.idle, all.dueAt]).toEqual([2, false, 10_000]);
    // Tried again, it waits until nothing else is in flight.
    expect(all.next(10_000)).toMatch(/^\[p\d+\]$/);
    all.streamEnded('no', 10_000);
    upAgain(all);
    expect(handledNext(all)).toBe('<d/>');
    expect(all.next(10_000)).toMatch(/^<poison\/>\[p\d+\]$/);
    expect(all.streamEnded('bare', 10_000)).toBeUndefined();
    upAgain(all);
    expect(all.next(10_000)).toBe('');
    expect([all.dueAt, all.idle, all.countUnproved()]).toEqual([40_000, true, 1]);
    expect(all.next(40_000)).toContain('poison');
    expect(all.streamEnded('bare', 40_000)?.tag).toBe('poison');
    expect([all.count, all.size]).toEqual([0, 0]);
  });

  test('set aside, it may still be settled, withdrawn, or handled after all', () => {
    const setAside = () => {
      const { all, send } = outgoing();
      const [stanza] = send('a') as [OutgoingStanza<string>];
      for (let i = 0; i < 4; i += 1) {
        all.next(0);
        all.streamEnded('bare', 0);
        upAgain(all);
      }
      expect([all.next(0), all.dueAt, all.count]).toEqual(['', 10_000, 1]);
      return { all, stanza };
    };
    const settled = setAside();
    settled.stanza.done = true;
    expect([settled.all.next(10_000), settled.all.count]).toEqual(['', 0]);
    const withdrawn = setAside();
    withdrawn.all.takeUnproved();
    withdrawn.all.resume([]);
    expect([withdrawn.all.next(10_000), withdrawn.all.dueAt, withdrawn.all.size]).toEqual(['', undefined, 0]);
    const handled = setAside();
    prove(handled.all);
    expect(handled.all.next(10_000)).toMatch(/^<a\/>/);
    prove(handled.all);
    expect([handled.all.dueAt, handled.all.count]).toEqual([undefined, 0]);
  });

  test('nothing counts against it before the link has answered a ping: such a link is no good to anybody', () => {
    const { all, send } = outgoing();
    send('a');
    for (let i = 0; i < 20; i += 1) {
      all.next(0);
      expect(all.streamEnded('bare', 0)).toBeUndefined();
      all.resume(all.takeUnproved());
    }
    prove(all);
    expect(handledNext(all)).toBe('<a/>');
  });

  test('a loss that is nobody’s fault makes no candidates', () => {
    const { all, send } = outgoing();
    send('a', 'b');
    for (let i = 0; i < 5; i += 1) {
      expect(all.next(0)).toBe('<a/><b/>');
      all.streamEnded('no', 0);
      all.resume(all.takeUnproved());
    }
  });

  test('a candidate that is confirmed, settled or withdrawn is none any more', () => {
    const { all, send } = outgoing();
    const [, b] = send('a', 'b', 'c', 'd') as [OutgoingStanza<string>, OutgoingStanza<string>];
    all.next(0);
    all.streamEnded('named', 0);
    b.done = true;
    all.resume(all.takeUnproved().filter(({ tag }) => tag !== 'c'));
    prove(all);
    expect([handledNext(all), handledNext(all)]).toEqual(['<a/>', '<d/>']);
    send('e', 'f');
    expect(all.next(0)).toBe('<e/><f/>');
  });

  test('an ordinary loss while a candidate is out does not blame it', () => {
    const { all, send } = outgoing();
    send('a', 'b');
    all.next(0);
    all.streamEnded('named', 0);
    upAgain(all);
    for (let i = 0; i < 5; i += 1) {
      expect(all.next(0)).toMatch(/^<a\/>\[p\d+\]$/);
      expect(all.streamEnded('no', 0)).toBeUndefined();
      upAgain(all);
    }
    expect([handledNext(all), handledNext(all)]).toEqual(['<a/>', '<b/>']);
  });

  test('two in doubt at once are both candidates again', () => {
    const { all, send } = outgoing();
    send('a');
    all.next(0);
    expect(all.streamEnded('named', 0)).toBeUndefined();
    upAgain(all);
    expect(handledNext(all)).toBe('<a/>');
    send('b', 'c');
    all.next(0);
    expect(all.streamEnded('named', 0)).toBeUndefined();
    upAgain(all);
    expect(all.next(0)).toMatch(/^<b\/>\[p\d+\]$/);
  });

  test('what comes meanwhile with a higher priority does not hold the candidates up', () => {
    const { all, send } = outgoing();
    send('a', 'b');
    all.next(0);
    all.streamEnded('named', 0);
    upAgain(all);
    const high = { xml: '<high/>', tag: 'high', done: false, priority: 'high', key: undefined } as const;
    all.push({ ...high });
    expect([handledNext(all), handledNext(all), handledNext(all)]).toEqual(['<a/>', '<b/>', '<high/>']);
  });
});
