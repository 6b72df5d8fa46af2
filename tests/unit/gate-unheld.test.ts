// What a gate let pass unheld, and the receipts for it.

import { Gate, type GateOptions } from '../../src/gate/gate.ts';
import { UnheldMessages } from '../../src/gate/unheld-messages.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const NS = 'urn:openfire-receipts:gate:1';
const RECEIPT = { to: 'a@s/x', by: 'b@s/phone' };

/** A gate with a lease, which is then told these events. */
function gateThatHears(
  events: string,
  hears: (gate: Gate) => void = () => {},
  counts: { gateUnheld: number } = { gateUnheld: 0 },
): Gate {
  let written = '';
  const link = {
    send(xml: string) {
      written = xml;
      return { done: false };
    },
  };
  const log = { info: () => {}, warn: () => {} };
  const gate = new Gate({
    link,
    componentDomain: 'c.s',
    servedDomain: 's',
    log,
    clock: { now: () => 0 },
    counts,
  } as unknown as GateOptions);
  hears(gate);
  gate.online();
  const request = /id="([^"]*)"/.exec(written)?.[1];
  gate.take(
    parseStanza(
      `<iq type="result" from="s" to="c.s" id="${request}"><gate xmlns="${NS}"><enabled version="1" token="T" epoch="E"/></gate></iq>`,
    ),
  );
  gate.take(parseStanza(`<message from="s" to="c.s"><gate xmlns="${NS}" token="T">${events}</gate></message>`));
  return gate;
}

const unheld = (id: string, attributes: string, session = 'P') =>
  `<unheld from="a@s/x" to="b@s" id="${id}"${attributes}>${session && `<session id="${session}"/>`}</unheld>`;

/** The receipts that follow when what passed under this id, told so often and with a receipt or not, is written again and stored. */
function passed(id: string, ...confirmed: boolean[]): unknown[] {
  const gate = gateThatHears(confirmed.map((by) => unheld(id, by ? ' confirmed="b@s/phone"' : '')).join(''));
  const receipts = storedAgain(gate, id);
  gate.close();
  return receipts;
}

function storedAgain(gate: Gate, id: string): unknown[] {
  const receipts: unknown[] = [];
  gate.on('unheldReceipt', (receipt) => receipts.push(receipt));
  gate.unheldStored('a@s', 'b@s', id);
  return receipts;
}

const UNIQUE = '0b1c7a5e-9d2f-4c3b-8a61-5e7f90d1c2b3';

test('a receipt counts when what it is for is written again, and stored', () => {
  expect(passed(UNIQUE, false)).toEqual([]);
  expect(passed(UNIQUE, true)).toEqual([RECEIPT]);
  expect(passed(UNIQUE, false, true)).toEqual([RECEIPT]);
});

test('also when another of the same passed after it, but not under an id that a client may give another message', () => {
  expect(passed(UNIQUE, true, false)).toEqual([RECEIPT]);
  expect(passed('2', true, false)).toEqual([]);
});

test('what is told again under the same number is counted once, with an id or without; another one of the same id is counted', () => {
  const count = (...events: string[]) => {
    const counts = { gateUnheld: 0 };
    gateThatHears(events.join(''), undefined, counts).close();
    return counts.gateUnheld;
  };
  const [one, two] = [' number="e-1"', ' number="e-2"'];
  expect(count(unheld(UNIQUE, one), unheld(UNIQUE, one))).toBe(1);
  expect(count(unheld(UNIQUE, one), unheld(UNIQUE, `${one} confirmed="b@s/phone"`))).toBe(1);
  expect(count(unheld(UNIQUE, `${one} confirmed="b@s/phone"`))).toBe(1);
  expect(count(unheld(UNIQUE, one), unheld(UNIQUE, two), unheld(UNIQUE, one))).toBe(2);
  expect(count(unheld('', one), unheld('', two), unheld('', one), unheld('', two))).toBe(2);
});

test('a receipt that is told, maybe again, settles nothing under an id that a client counts: it may be another message', () => {
  const told = (id: string) => {
    const receipts: unknown[] = [];
    gateThatHears(unheld(id, ' confirmed="b@s/phone"'), (gate) =>
      gate.on('unheldReceipt', (receipt) => receipts.push(receipt)),
    ).close();
    return receipts;
  };
  expect(told(UNIQUE)).toEqual([RECEIPT]);
  expect(told('2')).toEqual([]);
});

describe('what is written again goes to nobody once more', () => {
  const PHONE = '<session jid="b@s/phone" id="P" state="available" priority="0"/>';
  const whom = (events: string, id = UNIQUE, since?: number) => {
    const gate = gateThatHears(events);
    const to = gate.unheldTo('a@s', 'b@s', id, since);
    gate.close();
    return to;
  };

  test('while a session that had it is there, or the server may keep it', () => {
    expect(whom(PHONE + unheld(UNIQUE, ''))).toEqual({ sessions: ['P'], isConfirmed: false });
    expect(whom(PHONE + unheld(UNIQUE, '', ''))).toEqual({ sessions: [], isConfirmed: false });
    expect(whom(unheld(UNIQUE, ''))).toBeUndefined();
    expect(whom(PHONE + unheld(UNIQUE, ''), UNIQUE, 1)).toBeUndefined();
  });

  test('not what was stored after it had passed, however late that is told: only what was stored before was written again unheld', () => {
    const told = PHONE + unheld(UNIQUE, ' ago="5000"');
    expect(whom(told, UNIQUE, -4999)).toBeUndefined();
    expect(whom(told, UNIQUE, -5000)).toEqual({ sessions: ['P'], isConfirmed: false });
  });

  test('also when that session has ended, if it had confirmed it', () => {
    expect(whom(unheld(UNIQUE, ' confirmed="b@s/phone"'))).toEqual({ sessions: ['P'], isConfirmed: true });
  });

  test('but another message under an id that a client counts does', () => {
    expect(whom(PHONE + unheld('aab5a', ''), 'aab5a')).toBeUndefined();
    expect(whom(unheld('aab5a', '', ''), 'aab5a')).toBeUndefined();
    expect(whom(unheld('aab5a', ' confirmed="b@s/phone"'), 'aab5a')).toBeUndefined();
  });

  test('nor what was let go since it could not be stored, while a session that takes messages has it', () => {
    const low = '<session jid="b@s/low" id="L" state="available" priority="-1"/>';
    const gate = gateThatHears(PHONE + low);
    gate.notePassed('a@s', 'b@s', UNIQUE);
    expect(gate.unheldTo('a@s', 'b@s', UNIQUE)).toEqual({ sessions: ['P'], isConfirmed: false });
    gate.noteConfirmed(RECEIPT, UNIQUE);
    gate.notePassed('a@s', 'b@s', UNIQUE);
    expect(storedAgain(gate, UNIQUE)).toEqual([RECEIPT]);
    gate.close();
  });

  test('nor what was confirmed when nobody had stored it', () => {
    const gate = gateThatHears(PHONE);
    for (const id of [UNIQUE, 'aab5a']) gate.noteConfirmed(RECEIPT, id);
    expect(gate.unheldTo('a@s', 'b@s', UNIQUE)).toEqual({ sessions: [], isConfirmed: true });
    expect(gate.unheldTo('a@s', 'b@s', 'aab5a')).toBeUndefined();
    expect(gate.unheldTo('b@s', 'a@s', UNIQUE)).toBeUndefined();
    expect(storedAgain(gate, UNIQUE)).toEqual([RECEIPT]);
    gate.close();
  });
});

test('what passed unheld, or was confirmed, is forgotten in time', () => {
  const hour = 3_600_000;
  const unheld = new UnheldMessages(hour);
  unheld.note('a b 1', ['P'], undefined, UNIQUE, hour);
  unheld.noteConfirmed('a b 2', RECEIPT, hour);
  unheld.note('a b 3', ['P'], undefined, UNIQUE, 2 * hour);
  expect(unheld.receiptFor('a b 2')).toEqual(RECEIPT);
  unheld.note('a b 4', ['P'], undefined, UNIQUE, 2.5 * hour);
  const known = (name: string) => unheld.to(name, UNIQUE, 0, () => [{ id: 'P' }]) !== undefined;
  expect(['a b 1', 'a b 2', 'a b 3', 'a b 4'].map(known)).toEqual([false, false, true, true]);
});

test('an id so long that it would fill the memory is not kept', () => {
  const unheld = new UnheldMessages();
  const name = `a b ${'x'.repeat(5000)}`;
  expect(unheld.note(name, ['P'], undefined, UNIQUE, 0)).toBe(true);
  unheld.noteConfirmed(name, RECEIPT, 0);
  expect(unheld.isEmpty).toBe(true);
});

test('what cannot be handled of one event keeps nothing from being heard that came with it', () => {
  const heard: string[] = [];
  const gate = gateThatHears(`${unheld(UNIQUE, ' confirmed="b@s/phone"')}<ready/>`, (one) => {
    one.on('unheldReceipt', () => {
      throw new Error('as the test wants it');
    });
    one.on('ready', () => heard.push('ready'));
  });
  expect([heard, gate.isReady]).toEqual([['ready'], true]);
  gate.close();
});
