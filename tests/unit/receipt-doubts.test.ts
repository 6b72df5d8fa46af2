// A receipt that is followed at once by the end of its session (rule 18 of the gate).

import { EventEmitter } from 'node:events';
import { TransparentPolicy } from '../../src/addressing/transparent-policy.ts';
import { ReceiptDoubts, type ReceiptDoubtsOptions } from '../../src/delivery/gate/receipt-doubts.ts';
import { RecentTexts } from '../../src/delivery/gate/recent-texts.ts';
import type { CommandOutcome } from '../../src/gate/command-requests.ts';
import { type Facts, type KnownSession, newFacts } from '../../src/gate/facts.ts';
import { GateSessions } from '../../src/gate/sessions.ts';
import { type StoredRecord, sizeOf } from '../../src/store/contract.ts';

const { jest } = import.meta;
const GRACE = 5000;
const TTL = 7200_000;

class Stage extends EventEmitter {
  now = 1_000_000;
  order = 0;
  isReady = true;
  readonly sessions = new GateSessions();
  readonly delivered: string[] = [];
  /** What becomes of a copy that is to be delivered; undefined: the test says it later. */
  answer: CommandOutcome | undefined = 'done';
  answers: (outcome: CommandOutcome) => void = () => {};
  readonly facts = new Map<string, Facts>();
  readonly forgotten: string[] = [];
  readonly counts = { proofsDoubted: 0, redelivered: 0, receiptsLeftToStore: 0, doubtsGivenUp: 0 };
  readonly warned: string[] = [];
  readonly doubts: ReceiptDoubts;

  constructor(grace = GRACE, bounds: Pick<ReceiptDoubtsOptions, 'most' | 'mostBytes'> = {}) {
    super();
    const stage = this;
    const gate = {
      on: (name: string, listener: (...args: unknown[]) => void) => this.on(name, listener),
      get isReady() {
        return stage.isReady;
      },
      sessionsOf: (user: string) => this.sessions.of(user),
      sessionAt: (user: string, resource: string) => this.sessions.at(user, resource),
      deliver: (n: string, copy: number, to: string, _xml: string, done: (outcome: CommandOutcome) => void) => {
        this.delivered.push(`${n}/${copy} ${to}`);
        this.answers = done;
        if (this.answer !== undefined) done(this.answer);
      },
      forget: (n: string) => this.forgotten.push(n),
      factsOf: (n: string) => this.facts.get(n),
    } as unknown as ReceiptDoubtsOptions['gate'];
    this.doubts = new ReceiptDoubts({
      gate,
      addresses: new TransparentPolicy({
        componentDomain: 'receipts.s',
        servedDomain: 's',
        allowedDomains: [],
      } as never),
      clock: { now: () => this.now, aheadOfWall: () => 0 },
      graces: { proof: grace, flush: 0 },
      messageTtl: TTL,
      counts: this.counts,
      log: { warn: (_, message) => void this.warned.push(message) },
      ...bounds,
    });
    this.emit('ready');
  }

  /** The lease is lost, and begins again after so many ms; meanwhile all sessions end without a word. */
  lease(ms: number, restarted = false): void {
    this.emit('lost');
    this.now += ms;
    this.sessions.clear(this.now - ms);
    this.emit('enabled', restarted);
    this.emit('ready');
  }

  session(
    state: 'bound' | 'available' | 'detached' | 'resumed' | 'gone',
    id = 'P',
    resource = 'phone',
    graceful = false,
  ): void {
    const seen = { jid: `bob@s/${resource}`, id, state, priority: 0, graceful } as const;
    this.order += 1;
    for (const change of this.sessions.seen(seen, this.now, this.order)) this.emit('session', change);
  }

  /** A message goes to that session, which confirms it. */
  confirmed(n: string, facts = this.sent(n), receiptResource = 'phone', settledAt = this.now): void {
    const record = {
      heldAs: n,
      recipient: 'bob@s',
      recipientResource: '',
      sender: 'alice@s',
      senderResource: 'x',
      wireId: n,
    } as StoredRecord;
    const details = {
      inner: '<body>text</body>',
      key: n,
      copies: 1,
      firstStoredAt: this.now,
      storedAt: this.now,
      otherAttributes: '',
      recipientResource: '',
      type: 'chat',
    };
    this.doubts.sent({ ...record, ...details, state: 'pending' } as StoredRecord);
    this.doubts.ended(
      { ...record, ...details, inner: '', state: 'delivered', receiptResource, settledAt } as StoredRecord,
      facts,
    );
  }

  sent(n: string, ...sessions: Pick<KnownSession, 'jid' | 'id'>[]): Facts {
    const facts = newFacts();
    this.order += 1;
    facts.given = this.order;
    const to = [{ jid: 'bob@s/phone', id: 'P' }, ...sessions];
    facts.outcomes.set(1, {
      n,
      copy: 1,
      states: new Set(['sent']),
      condition: undefined,
      acknowledged: false,
      sessions: to,
      missed: [],
    });
    return facts;
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
  stage.session('bound');
  stage.session('available');
});
afterEach(() => stage.doubts.close());

test('it goes to the next session, in order, and once', () => {
  for (const n of ['e-1', 'e-2']) stage.confirmed(n);
  stage.now += GRACE - 1;
  stage.session('gone');
  expect(stage.delivered).toEqual([]);
  stage.session('bound', 'Q');
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone', 'e-2/2 bob@s/phone']);
  expect(stage.forgotten).toEqual(['e-1', 'e-2']);
  stage.session('gone', 'Q');
  stage.session('available', 'R');
  expect(stage.delivered).toHaveLength(2);
  expect(stage.counts).toMatchObject({ proofsDoubted: 2, redelivered: 2 });
});

describe('a client that has ended its session in order has kept what it confirmed', () => {
  const closes = (id = 'P', resource = 'phone') => stage.session('gone', id, resource, true);

  test('nothing goes to the next session', () => {
    stage.confirmed('e-1');
    closes();
    stage.session('bound', 'Q');
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual([]);
    expect(stage.counts).toMatchObject({ proofsDoubted: 0, redelivered: 0 });
  });

  test('also when its receipt is handled only after that', () => {
    const receivedAt = stage.now;
    stage.now += 1;
    closes();
    stage.now += 10;
    stage.confirmed('e-1', stage.sent('e-1'), 'phone', receivedAt);
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual([]);
  });

  test('it need not be remembered of other sessions that were sent it', () => {
    const desk = { jid: 'bob@s/desk', id: 'D' };
    stage.session('available', 'D', 'desk');
    stage.facts.set('e-1', stage.sent('e-1', desk));
    stage.confirmed('e-1', stage.facts.get('e-1'));
    closes();
    expect(stage.forgotten).toEqual(['e-1']);
    stage.session('gone', 'D', 'desk');
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual([]);
  });

  test('one whose client was killed is in no doubt when another session that has confirmed it as well ends in order', () => {
    const desk = { jid: 'bob@s/desk', id: 'D' };
    stage.session('available', 'D', 'desk');
    stage.facts.set('e-1', stage.sent('e-1', desk));
    stage.confirmed('e-1', stage.facts.get('e-1'));
    stage.session('gone');
    stage.doubts.confirmedAgain('bob@s', 'desk', 'e-1');
    closes('D', 'desk');
    expect(stage.forgotten).toEqual(['e-1']);
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual([]);
  });
});

describe('where no more can be known', () => {
  const bounded = (bounds: Pick<ReceiptDoubtsOptions, 'most' | 'mostBytes'>) => {
    stage.doubts.close();
    stage = new Stage(GRACE, bounds);
    stage.session('bound');
    stage.session('available');
  };
  /** A message went through the gate, and its receipt went to the sender by itself: whether it is to stay in the store. */
  const stays = (n: string, facts = stage.sent(n)) => {
    const from = { sender: 'alice@s', senderResource: 'x', recipient: 'bob@s', recipientResource: '' };
    const message = { ...from, wireId: n, otherAttributes: '', inner: '<body>text</body>' };
    stage.doubts.sent({ ...message, heldAs: n } as StoredRecord);
    return stage.doubts.leavesToStore(n, facts);
  };

  test('what is confirmed now, or waits for its recipient, leaves no room: the next stays in the store', () => {
    bounded({ most: 2 });
    expect(stays('e-0')).toBe(false);
    for (const n of ['e-1', 'e-2']) stage.confirmed(n);
    expect(stays('e-3')).toBe(true);
    stage.session('gone');
    expect(stays('e-4')).toBe(true);
    expect(stage.counts).toMatchObject({ receiptsLeftToStore: 2, doubtsGivenUp: 0 });
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual(['e-1/2 bob@s/phone', 'e-2/2 bob@s/phone']);
    expect(stays('e-5')).toBe(false);
  });

  test('so it is with what is shared with other sessions, and with the bytes of all', () => {
    bounded({ mostBytes: 300 });
    const desk = { jid: 'bob@s/desk', id: 'D' };
    stage.session('available', 'D', 'desk');
    for (const n of ['e-1', 'e-2']) {
      stage.facts.set(n, stage.sent(n, desk));
      stage.confirmed(n, stage.facts.get(n));
    }
    expect(stays('e-3')).toBe(false);
    stage.session('gone');
    expect(stays('e-4')).toBe(true);
    stage.doubts.forget(() => true);
    expect(stays('e-5')).toBe(false);
  });

  test('one whose text is not known any more stays in the store, but for what is in no doubt', () => {
    expect(stage.doubts.leavesToStore('e-1', stage.sent('e-1'))).toBe(true);
    expect(stage.doubts.leavesToStore('e-1', undefined)).toBe(false);
    expect(stage.doubts.leavesToStore('e-1', newFacts())).toBe(false);
    const proved = stage.sent('e-2');
    proved.has.set('P', stage.now - GRACE);
    expect(stage.doubts.leavesToStore('e-2', proved)).toBe(false);
    const doubted = stage.sent('e-3');
    doubted.doubted = true;
    expect(stage.doubts.leavesToStore('e-3', doubted)).toBe(false);
  });

  // On Openfire each message was taken up in the store by itself beyond 4,000 a second, which was the end of what passed.
  test('what a busy process has confirmed within the time of doubt has room', () => {
    const busy = 50_000;
    for (let i = 0; i < busy; i += 1) stage.confirmed(`e-${i}`);
    expect(stays('one more')).toBe(false);
    expect(stage.counts).toMatchObject({ receiptsLeftToStore: 0, doubtsGivenUp: 0 });
    stage.session('gone');
    expect(stage.counts).toMatchObject({ proofsDoubted: busy, doubtsGivenUp: 0 });
  });

  test('what was ended all the same is not sent again, and that is counted, and said once in a while', () => {
    bounded({ most: 1 });
    for (const n of ['e-1', 'e-2', 'e-3']) stage.confirmed(n);
    expect([stage.counts.doubtsGivenUp, stage.warned.length]).toEqual([2, 1]);
    stage.now += 60_000;
    stage.confirmed('e-4');
    expect([stage.counts.doubtsGivenUp, stage.warned.length]).toEqual([3, 2]);
  });
});

test('a proof that was in doubt, and counted, before its receipt came is not counted again', () => {
  const suspected = stage.sent('e-1');
  suspected.suspected = 'P';
  const other = stage.sent('e-2');
  other.suspected = 'earlier';
  stage.confirmed('e-1', suspected);
  stage.confirmed('e-2', other);
  stage.session('gone');
  expect(stage.counts.proofsDoubted).toBe(1);
  stage.session('available', 'Q');
  expect(stage.delivered).toHaveLength(2);
});

test('at once to another session that is there and was not sent it', () => {
  stage.session('available', 'D', 'desk');
  stage.confirmed('e-1');
  stage.session('gone');
  expect(stage.delivered).toEqual(['e-1/2 bob@s/desk']);
});

describe('another session was sent it as well', () => {
  /** Both were sent it, and one of them confirms it. */
  const toBoth = (n: string): Facts => {
    const facts = stage.sent(n, { jid: 'bob@s/desk', id: 'D' });
    stage.facts.set(n, facts);
    stage.confirmed(n, facts);
    return facts;
  };
  const has = (n: string, id: string, resource: string) => {
    stage.facts.get(n)?.has.set(id, stage.now);
    stage.emit('has', { n, session: { jid: `bob@s/${resource}`, id } });
  };

  beforeEach(() => stage.session('available', 'D', 'desk'));

  test('it waits while that one lives, and is over when it has proved to have it', () => {
    toBoth('e-1');
    has('e-1', 'P', 'phone');
    expect(stage.doubts.remembers('e-1')).toBe(true);
    stage.session('gone');
    expect(stage.doubts.remembers('e-1')).toBe(true);
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual([]);
    expect(stage.forgotten).toEqual([]);
    has('e-1', 'D', 'desk');
    stage.now += GRACE;
    // Its end is heard before anybody looked again.
    stage.session('gone', 'D', 'desk');
    expect(stage.delivered).toEqual([]);
    expect(stage.forgotten).toEqual(['e-1']);
    expect(stage.doubts.remembers('e-1')).toBe(false);
  });

  test('a receipt of that one settles it, before or after the other has ended', () => {
    toBoth('e-1');
    stage.doubts.confirmedAgain('bob@s', 'desk', 'e-1');
    stage.session('gone');
    stage.session('available', 'Q');
    toBoth('e-2');
    stage.session('gone', 'Q');
    stage.doubts.confirmedAgain('bob@s', 'desk', 'e-2');
    stage.now += GRACE;
    stage.session('gone', 'D', 'desk');
    stage.session('available', 'R');
    expect(stage.delivered).toEqual([]);
  });

  test('one that has no connection may never come back: who logs in is sent it', () => {
    stage.session('detached', 'D', 'desk');
    toBoth('e-1');
    stage.session('gone');
    expect(stage.delivered).toEqual([]);
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
    expect(stage.forgotten).toEqual(['e-1']);
    stage.session('gone', 'D', 'desk');
    expect(stage.delivered).toHaveLength(1);
    expect(stage.counts).toMatchObject({ proofsDoubted: 1, redelivered: 1 });
  });

  test('nor may one that seemed to live: it ends without it, or right after it had it', () => {
    toBoth('e-1');
    toBoth('e-2');
    stage.session('gone');
    has('e-2', 'D', 'desk');
    stage.now += GRACE - 1;
    stage.session('gone', 'D', 'desk');
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual(['e-1/2 bob@s/phone', 'e-2/2 bob@s/phone']);
  });

  test('that one had it and ended right after that, before the other did, and a third has no connection', () => {
    stage.session('available', 'T', 'tablet');
    stage.session('detached', 'T', 'tablet');
    const facts = stage.sent('e-1', { jid: 'bob@s/desk', id: 'D' }, { jid: 'bob@s/tablet', id: 'T' });
    stage.facts.set('e-1', facts);
    stage.confirmed('e-1', facts);
    stage.doubts.confirmedAgain('bob@s', 'desk', 'e-1');
    stage.now += 100;
    stage.session('gone', 'D', 'desk');
    stage.session('gone');
    stage.now += GRACE;
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
  });

  test('both end while no lease is held, right after they had it, and a third has no connection', () => {
    const facts = stage.sent('e-1', { jid: 'bob@s/desk', id: 'D' }, { jid: 'bob@s/tablet', id: 'T' });
    stage.facts.set('e-1', facts);
    stage.confirmed('e-1', facts);
    stage.doubts.confirmedAgain('bob@s', 'desk', 'e-1');
    stage.emit('lost');
    stage.sessions.clear(stage.now);
    stage.now += 3600_000;
    stage.emit('enabled', false);
    stage.session('available', 'T', 'tablet');
    stage.session('detached', 'T', 'tablet');
    stage.emit('ready');
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
  });

  test('it ends while no lease is held', () => {
    toBoth('e-1');
    stage.session('gone');
    has('e-1', 'D', 'desk');
    stage.lease(3600_000);
    stage.session('available', 'Q');
    expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
  });

  test('the gate is told to forget it when its session has lived on, and when its user was forgotten', () => {
    jest.useFakeTimers();
    try {
      toBoth('e-1');
      expect(stage.forgotten).toEqual([]);
      stage.now += GRACE;
      jest.advanceTimersByTime(GRACE);
      expect(stage.forgotten).toEqual(['e-1']);
      expect(stage.doubts.remembers('e-1')).toBe(false);
    } finally {
      jest.useRealTimers();
    }
    toBoth('e-2');
    stage.session('gone');
    stage.doubts.forget(({ recipient }) => recipient === 'bob@s');
    expect(stage.forgotten).toEqual(['e-1', 'e-2']);
    expect(stage.doubts.remembers('e-2')).toBe(false);
  });
});

test('not when the session lived on, nor when it was proved before, nor when it was doubted before', () => {
  stage.confirmed('e-1');
  const proved = stage.sent('e-2');
  proved.has.set('P', stage.now);
  stage.now += GRACE;
  stage.confirmed('e-2', proved);
  const doubted = stage.sent('e-3');
  doubted.doubted = true;
  stage.confirmed('e-3', doubted);
  stage.session('gone');
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual([]);
});

test('a session that is detached lives no more, until it is resumed', () => {
  stage.confirmed('e-1');
  stage.now += 10;
  stage.session('detached');
  stage.now += 60_000;
  stage.session('bound', 'Q');
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
  stage.confirmed('e-2', undefined, 'phone');
  stage.session('detached', 'Q');
  stage.session('resumed', 'Q');
  stage.now += GRACE;
  stage.session('gone', 'Q');
  stage.session('available', 'R');
  expect(stage.delivered).toHaveLength(1);
});

test('a session that had ended before its receipt was handled, or while no lease was held', () => {
  stage.session('gone');
  stage.confirmed('e-1');
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
  stage.confirmed('e-2');
  stage.lease(0);
  stage.session('available', 'R');
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone', 'e-2/2 bob@s/phone']);
});

test('what counts is when the receipt was heard, not when Redis had it', () => {
  const heard = stage.now;
  stage.now += GRACE;
  stage.session('gone');
  stage.now += 1000;
  stage.confirmed('e-1', undefined, 'phone', heard);
  // Handled just before the end of its session, and heard long before.
  stage.session('available', 'Q');
  stage.now += GRACE;
  stage.confirmed('e-2', undefined, 'phone', stage.now - GRACE);
  stage.session('gone', 'Q');
  stage.session('available', 'R');
  expect(stage.delivered).toEqual([]);
});

test('its session had ended, and another has its resource, when Redis had it: it goes there at once', () => {
  const heard = stage.now;
  stage.now += 10;
  stage.session('gone');
  stage.now += 10;
  stage.session('available', 'Q');
  stage.confirmed('e-1', undefined, 'phone', heard);
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
  // This one is of the session that is there.
  stage.now += 10;
  stage.confirmed('e-2');
  expect(stage.delivered).toHaveLength(1);
});

test('the same when all of that is heard in one millisecond', () => {
  const facts = stage.sent('e-1');
  stage.session('gone');
  stage.session('available', 'Q');
  stage.confirmed('e-1', facts);
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
});

test('a session that ended while no lease was held was there until the lease was lost, however long that lasts', () => {
  stage.confirmed('e-1');
  stage.now += 1;
  stage.confirmed('e-2');
  stage.now += GRACE - 1;
  stage.lease(3600_000);
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual(['e-2/2 bob@s/phone']);
});

test('the same of one whose receipt Redis had only after that', () => {
  const heard = stage.now;
  stage.now += 10;
  stage.lease(3600_000);
  stage.confirmed('e-1', undefined, 'phone', heard);
  stage.confirmed('e-2', undefined, 'phone', heard + 10 - GRACE);
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual(['e-1/2 bob@s/phone']);
});

test('not when the server was started again: that ended the session, and no client was killed', () => {
  stage.confirmed('e-1');
  stage.lease(1000, true);
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual([]);
});

test('a copy that could not be delivered goes to the next session, and one that was lost with the lease when there is one again', () => {
  stage.answer = { command: 'deliver', n: 'e-1', reason: 'no-session' };
  stage.confirmed('e-1');
  stage.session('gone');
  stage.session('available', 'Q');
  stage.answer = 'lost';
  stage.session('available', 'R', 'desk');
  expect(stage.delivered).toHaveLength(2);
  expect(stage.forgotten).toEqual([]);
  stage.answer = 'done';
  stage.emit('lost');
  stage.emit('ready');
  expect(stage.delivered).toHaveLength(3);
  expect(stage.forgotten).toEqual(['e-1']);
});

test('the gate is to remember it while it waits and while its copy is on its way, which may be lost with the lease', () => {
  stage.answer = undefined;
  stage.confirmed('e-1');
  expect(stage.doubts.remembers('e-1')).toBe(false);
  stage.session('gone');
  expect(stage.doubts.remembers('e-1')).toBe(true);
  stage.session('available', 'Q');
  expect(stage.delivered).toHaveLength(1);
  expect(stage.doubts.remembers('e-1')).toBe(true);
  stage.answers('lost');
  expect(stage.doubts.remembers('e-1')).toBe(true);
  stage.emit('ready');
  stage.answers('done');
  expect(stage.doubts.remembers('e-1')).toBe(false);
  stage.confirmed('e-2');
  stage.session('gone', 'Q');
  stage.doubts.forget(({ recipient }) => recipient === 'bob@s');
  expect(stage.doubts.remembers('e-2')).toBe(false);
  expect(stage.forgotten).toEqual(['e-1', 'e-2']);
});

test('not once more if the gate says that the copy which was lost with the lease was sent', () => {
  stage.answer = 'lost';
  stage.confirmed('e-1');
  stage.session('gone');
  stage.session('available', 'Q');
  const facts = newFacts();
  const states = new Set(['sent'] as const);
  facts.outcomes.set(2, {
    n: 'e-1',
    copy: 2,
    states,
    condition: undefined,
    acknowledged: false,
    sessions: [],
    missed: [],
  });
  stage.facts.set('e-1', facts);
  stage.emit('lost');
  stage.emit('ready');
  expect(stage.delivered).toHaveLength(1);
  expect(stage.forgotten).toEqual(['e-1']);
});

test.each(['alice@s', 'bob@s'])('what waits is not sent when %s was forgotten', (user) => {
  stage.confirmed('e-1');
  stage.session('gone');
  stage.doubts.forget(({ sender, recipient }) => sender === user || recipient === user);
  stage.session('available', 'Q');
  // Nor what may come to wait.
  stage.confirmed('e-2');
  stage.doubts.forget(({ sender, recipient }) => sender === user || recipient === user);
  stage.session('gone', 'Q');
  stage.session('available', 'R');
  expect(stage.delivered).toEqual([]);
  stage.confirmed('e-3');
  stage.doubts.forget(({ sender }) => sender === 'carol@s');
  stage.session('gone', 'R');
  stage.session('available', 'S');
  expect(stage.delivered).toHaveLength(1);
});

test('what waits for longer than messages may is not sent', () => {
  stage.confirmed('e-1');
  stage.now += 1;
  stage.confirmed('e-2');
  stage.session('gone');
  stage.now += TTL - 1;
  stage.session('available', 'Q');
  expect(stage.delivered).toEqual(['e-2/2 bob@s/phone']);
});

test('PROOF_GRACE=0s: nothing is in doubt', () => {
  const sure = new Stage(0);
  sure.session('available');
  sure.confirmed('e-1');
  sure.session('gone');
  sure.confirmed('e-2');
  sure.session('available', 'Q');
  expect(sure.delivered).toEqual([]);
});

test('texts are kept up to a bound, the oldest go first', () => {
  const addresses = { sender: 'alice@s', senderResource: 'x', recipient: 'bob@s', recipientResource: '' };
  const record = (inner: string, wireId = 'm') =>
    ({ ...addresses, inner, wireId, otherAttributes: '' }) as StoredRecord;
  const texts = new RecentTexts(2.5 * sizeOf(record('12345')));
  texts.put('1', record('12345'));
  texts.put('2', record('12345'));
  texts.put('1', record('1234'));
  texts.put('3', record('12'));
  expect(texts.take('2')).toBeUndefined();
  expect(texts.take('1')?.inner).toBe('1234');
  expect(texts.take('3')?.inner).toBe('12');
  // Nor are long ids kept with short texts.
  texts.put('4', record('1', 'm'.repeat(500)));
  expect(texts.take('4')).toBeUndefined();
});
