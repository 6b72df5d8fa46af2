// What is sent through a gate, and when: with a gate that only notes what it is told.

import { EventEmitter } from 'node:events';
import { GateCopies } from '../../src/delivery/gate/gate-copies.ts';
import type { GatePort } from '../../src/delivery/gate/gate-port.ts';
import { HeldMessages } from '../../src/delivery/gate/held-messages.ts';
import type { Sent } from '../../src/delivery/ports.ts';
import type { CommandOutcome } from '../../src/gate/command-requests.ts';
import type { Outcome } from '../../src/gate/events.ts';
import { type Facts, type KnownSession, newFacts } from '../../src/gate/facts.ts';
import type { StoredRecord } from '../../src/store/contract.ts';

const { jest } = import.meta;
const BOB = 'bob@example.org';
const PHONE = { jid: `${BOB}/phone`, id: 'P', state: 'available', priority: 0, since: 0, began: 0 } as const;

function stage() {
  const told: string[] = [];
  const noted: string[] = [];
  const there: KnownSession[] = [PHONE];
  const facts = new Map([['e-1', newFacts()]]);
  const gate = Object.assign(new EventEmitter(), {
    epoch: 'e',
    isReady: true,
    give: (word: string, n: string, ack = false) => told.push(`${word} ${n}${ack ? ' ack' : ''}`),
    noteStored: (n: string) => noted.push(n),
    ask: (n: string, done: (outcome: CommandOutcome) => void) => {
      told.push(`ask ${n}`);
      done('done');
    },
    factsOf: (n: string) => facts.get(n),
    sessionsOf: () => there,
    deliver: () => {},
    forget: () => {},
    isOpen: () => false,
  });
  const messages = new HeldMessages();
  const counts = { gateOtherEpoch: 0, handedOver: 0 };
  const copies = new GateCopies({
    gate: gate as unknown as GatePort,
    messages,
    doubts: { sent: () => {}, taken: () => {}, ended: () => false, confirmedAgain: () => {}, remembers: () => false },
    clock: { now: () => 60_000 },
    graces: { proof: 5000, flush: 3000 },
    counts,
  });
  const outcome = (one: Partial<Outcome>) => {
    const whole: Outcome = {
      n: 'e-1',
      copy: 1,
      condition: undefined,
      acknowledged: false,
      sessions: [],
      missed: [],
      states: new Set(['sent']),
      ...one,
    };
    facts.get('e-1')?.outcomes.set(whole.copy, whole);
    gate.emit('outcome', whole);
  };
  const record = { heldAs: 'e-1', key: 'k', recipient: BOB, storedAt: 0, attempt: 1, copies: 1 };
  return { gate, told, noted, there, copies, messages, counts, facts, outcome, sent: { record } as Sent };
}

test('a message is another process’s that was not sent here, and of which the gate tells nothing here', () => {
  const { copies, facts, outcome, sent } = stage();
  expect(copies.isElsewhere('g:e-1')).toBe(true);
  // By its number alone: a mark without an outcome says nothing of it.
  expect(facts.has('e-1')).toBe(true);
  expect(copies.isElsewhere('not held')).toBe(false);
  outcome({ n: 'e-1' });
  expect(copies.isElsewhere('g:e-1')).toBe(false);
  facts.clear();
  copies.forward(sent);
  expect(copies.isElsewhere('g:e-1')).toBe(false);
  expect(copies.isElsewhere('g:e-2')).toBe(true);
});

test('of what another process has ended, or sees to, the one that was told of it is told that nothing more comes: it is kept no longer, nor waited for', () => {
  const { gate, copies, facts, messages, sent } = stage();
  const settled: string[] = [];
  const abandoned: Sent[] = [];
  copies.on('abandoned', (one) => abandoned.push(one));
  copies.forward(sent);
  copies.whenKnown('e-1', () => settled.push('e-1'));
  facts.clear();
  gate.emit('left', 'e-2');
  expect([messages.recipients(), abandoned, settled]).toEqual([[BOB], [], []]);
  gate.emit('left', 'e-1');
  expect([messages.recipients(), abandoned, settled]).toEqual([[], [sent], ['e-1']]);
  expect(copies.awaits('e-1')).toBe(false);
  expect(copies.isElsewhere('g:e-1')).toBe(true);
});

test('a message that waits behind others has no copy before its original, nor while nobody knows what became of it', () => {
  const { told, noted, copies, outcome, sent } = stage();
  copies.isCatchingUp = () => true;
  copies.forward(sent);
  expect(noted).toEqual(['e-1']);
  const look = () => copies.look('e-1', BOB, 1);
  expect(look()).toEqual({ what: 'wait' });
  copies.caughtUp(BOB);
  expect(look()).toEqual({ what: 'wait' });
  expect(told).toEqual(['stored e-1']);
  const known: string[] = [];
  copies.on('known', ({ key }) => known.push(key));
  outcome({ sessions: [{ jid: `${BOB}/other`, id: 'gone' }] });
  expect(known).toEqual(['k']);
  expect(look()).toEqual({ what: 'deliver', to: PHONE.jid, copy: 2 });
});

describe('what waits behind others goes after a second at the latest', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const waits = ({ copies, sent }: ReturnType<typeof stage>, n: string) => {
    copies.isCatchingUp = () => true;
    copies.forward({ record: { ...sent.record, heldAs: n } } as Sent);
  };

  test.each(['caught up', 'lost'] as const)('its own second, and not that of what waited before (%s)', (end) => {
    const all = stage();
    waits(all, 'e-1');
    jest.advanceTimersByTime(10);
    if (end === 'lost') all.gate.emit('lost');
    else all.copies.caughtUp(BOB);
    jest.advanceTimersByTime(900);
    waits(all, 'e-2');
    jest.advanceTimersByTime(990);
    expect(all.told).toEqual(end === 'lost' ? [] : ['stored e-1']);
    jest.advanceTimersByTime(10);
    expect(all.told.at(-1)).toBe('stored e-2');
    expect(jest.getTimerCount()).toBe(0);
  });
});

test('what the server stored while its recipient was there is looked at: the login may not bring it', () => {
  const { copies, outcome, there, sent } = stage();
  const known: string[] = [];
  copies.on('known', ({ key }) => known.push(key));
  const states = new Set(['offline'] as const);
  copies.forward(sent);
  outcome({ states });
  expect(known).toEqual(['k']);
  there.length = 0;
  copies.forward(sent);
  outcome({ states });
  expect(known).toEqual(['k']);
});

test('a message of another process is asked for, and looked at again when the gate has answered', () => {
  const answers: ((outcome: CommandOutcome) => void)[] = [];
  const facts = new Map<string, Facts>();
  const phone = { jid: 'bob@s/phone', id: 'P', state: 'available', priority: 0, since: 0, began: 0 };
  const gate = Object.assign(new EventEmitter(), {
    epoch: 'e',
    isReady: true,
    factsOf: (n: string) => facts.get(n),
    sessionsOf: () => [phone],
    ask: (_n: string, done: (outcome: CommandOutcome) => void) => void answers.push(done),
  }) as unknown as GatePort;
  const messages = new HeldMessages();
  const copies = new GateCopies({
    gate,
    messages,
    doubts: { sent: () => {}, taken: () => {}, ended: () => false, confirmedAgain: () => {}, remembers: () => false },
    clock: { now: () => 60_000 },
    graces: { proof: 0, flush: 0 },
    counts: { gateOtherEpoch: 0, handedOver: 0 },
  });
  const asked: string[] = [];
  copies.on('asked', (user) => asked.push(user));
  const record = { heldAs: 'e-1', key: 'k', recipient: 'bob@s', copies: 1 } as StoredRecord;
  copies.claimed(record);
  expect(copies.decide(record)).toBeUndefined();
  expect([answers.length, asked]).toEqual([1, []]);
  // As long as it says nothing at all, it has not let it go.
  answers[0]?.('done');
  expect(asked).toEqual([]);
  expect(copies.decide(record)).toBeUndefined();
  facts.set('e-1', newFacts());
  facts.get('e-1')?.outcomes.set(1, {
    n: 'e-1',
    copy: 1,
    states: new Set(['unknown']),
    condition: undefined,
    acknowledged: false,
    sessions: [],
    missed: [],
  });
  answers[1]?.('done');
  expect(asked).toEqual(['bob@s']);
  expect(messages.to('bob@s')).toHaveLength(1);
  expect(copies.decide(record)).toEqual({ what: 'deliver', to: 'bob@s/phone', copy: 2 });
});

test('what its recipient was given unheld is sent again only when the sessions that had it have ended', async () => {
  const { told, copies, sent, there } = stage();
  const handedOver: unknown[] = [];
  copies.on('handedOver', (batch) => handedOver.push(...batch));
  copies.recordUnheld(sent, ['P', 'Q']);
  expect(handedOver).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(handedOver).toEqual([sent]);
  expect(copies.look('e-1', BOB, 1)).toEqual({ what: 'wait' });
  there.splice(0, 1, { ...PHONE, id: 'later' });
  expect(copies.look('e-1', BOB, 1)).toEqual({ what: 'deliver', to: PHONE.jid, copy: 2 });
  expect(told).toEqual([]);
});

test('of what was given unheld before so much is known, and of no more', () => {
  const { copies, sent, facts } = stage();
  facts.clear();
  copies.recordUnheld(sent, ['P']);
  for (let i = 0; i < 20_000; i += 1) {
    if (i === 19_999) expect(copies.look('e-1', BOB, 1)).toEqual({ what: 'wait' });
    copies.recordUnheld({ record: { ...sent.record, heldAs: `e-${i + 2}` } } as Sent, ['P']);
  }
  expect(copies.look('e-1', BOB, 1)).toEqual({ what: 'ask' });
  expect(copies.look('e-20001', BOB, 1)).toEqual({ what: 'wait' });
});

describe('that an original was written to a session is recorded', () => {
  const recorded = () => {
    const all = stage();
    const batches: string[][] = [];
    all.copies.on('handedOver', (batch) => batches.push(batch.map(({ record }) => record.key)));
    const written = (key: string) => {
      const sent = { record: { ...all.sent.record, key } } as Sent;
      sent.held = all.copies.forward(sent);
      all.outcome({});
      return sent;
    };
    return { ...all, batches, written };
  };

  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('when it was not confirmed within half a second, with all others', () => {
    const { batches, written } = recorded();
    written('k');
    jest.advanceTimersByTime(300);
    written('l');
    expect(batches).toEqual([]);
    jest.advanceTimersByTime(200);
    expect(batches).toEqual([['k', 'l']]);
    jest.advanceTimersByTime(1000);
    expect(batches).toHaveLength(1);
  });

  test('not at all when it was confirmed sooner', () => {
    const { batches, written, counts } = recorded();
    const { held } = written('k');
    written('l');
    if (held !== undefined) held.done = true;
    jest.advanceTimersByTime(500);
    expect(batches).toEqual([['l']]);
    // The others are counted by whom they are told to.
    expect(counts.handedOver).toBe(1);
  });

  test.each(['session', 'lost'] as const)('before it is heard what %s means for it', (event) => {
    const { gate, batches, written } = recorded();
    const order: unknown[] = [];
    gate.on(event, () => order.push(...batches));
    written('k');
    gate.emit(event, {});
    expect(order).toEqual([['k']]);
  });

  test('before another copy is sent', () => {
    const { copies, batches, written } = recorded();
    written('k');
    copies.look('e-1', BOB, 1);
    expect(batches).toEqual([['k']]);
  });

  test('at once where it was not written to a session alone, and of further copies', () => {
    const { copies, batches, sent, outcome } = recorded();
    for (const states of [new Set(['offline'] as const), new Set(['sent', 'offline'] as const)]) {
      copies.forward(sent);
      outcome({ states });
    }
    expect(batches).toEqual([['k'], ['k']]);
  });
});

describe('a verdict that was given under a lease that is lost, and begins again before the original is let go', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const regained = () => {
    const all = stage();
    const abandoned: unknown[] = [];
    all.copies.on('abandoned', (sent) => abandoned.push(sent));
    all.copies.forward(all.sent);
    all.gate.emit('lost');
    all.gate.emit('enabled', false);
    all.gate.emit('ready');
    return { ...all, abandoned };
  };

  test('no copy goes beside the original, which is asked for until it is let go', () => {
    const { told, copies, abandoned, outcome } = regained();
    expect(told).toEqual(['stored e-1', 'ask e-1']);
    expect(abandoned).toEqual([]);
    expect(copies.look('e-1', BOB, 1)).toEqual({ what: 'wait' });
    jest.advanceTimersByTime(5000);
    expect(told).toEqual(['stored e-1', 'ask e-1', 'ask e-1']);
    outcome({ sessions: [{ jid: PHONE.jid, id: 'P' }] });
    jest.advanceTimersByTime(20_000);
    expect([told.length, abandoned.length]).toEqual([3, 0]);
    expect(copies.look('e-1', BOB, 1)).toEqual({ what: 'wait' });
  });

  test('what the gate has let go, and does not tell of by itself, is left to the store', () => {
    const { abandoned, facts, sent } = regained();
    facts.get('e-1')?.outcomes.set(2, {
      n: 'e-1',
      copy: 2,
      states: new Set(['unknown']),
      condition: undefined,
      acknowledged: false,
      sessions: [],
      missed: [],
    });
    jest.advanceTimersByTime(5000);
    expect(abandoned).toEqual([sent]);
  });
});

test('an acknowledgement that the gate was to write and could not is written otherwise, once', () => {
  const { told, copies, outcome, sent } = stage();
  const record = { ...sent.record, heldAs: 'e-1' };
  const missing: string[] = [];
  copies.on('unacknowledged', ({ key }) => missing.push(key));
  for (const states of [['sent'], ['offline'], ['bounced']] as const) {
    copies.forward({ ...sent, record, acknowledgedByGate: true });
    outcome({ states: new Set(states) });
  }
  expect(told).toEqual(['stored e-1 ack', 'stored e-1 ack', 'stored e-1 ack']);
  expect(missing).toEqual([]);
  for (const states of [['passed'], ['unknown']] as const) {
    copies.forward({ ...sent, record, acknowledgedByGate: true });
    outcome({ states: new Set(states) });
    outcome({ states: new Set(states) });
  }
  expect(missing).toEqual(['k', 'k']);
  // What the component has acknowledged itself is none of it, nor is what the gate says that it has.
  copies.forward({ ...sent, record, acknowledgedByGate: false });
  outcome({ states: new Set(['passed']) });
  copies.forward({ ...sent, record, acknowledgedByGate: true });
  outcome({ states: new Set(['unknown']), acknowledged: true });
  expect(missing).toHaveLength(2);
});

test('the server was killed: what it was to acknowledge is acknowledged again', () => {
  const { gate, copies, sent } = stage();
  const missing: string[] = [];
  copies.on('unacknowledged', ({ key }) => missing.push(key));
  copies.on('abandoned', () => missing.push('abandoned'));
  copies.forward({ ...sent, acknowledgedByGate: true });
  gate.emit('enabled', true);
  expect(missing).toEqual(['k', 'abandoned']);
});

test('a copy for the sake of a proof in doubt is sent once; a receipt that has ended the message before may be in doubt as well', () => {
  const { gate, copies, sent } = stage();
  const facts = gate.factsOf('e-1') as Facts;
  facts.suspected = 'S';
  copies.forward(sent);
  expect(facts.doubted).toBe(false);
  copies.deliver(sent, '<message/>', { to: PHONE.jid, copy: 2 });
  expect(facts.doubted).toBe(true);
});
