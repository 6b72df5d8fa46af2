// A gate tells all again when a lease begins: what was heard before still counts (rule 18).

import { EventEmitter } from 'node:events';
import { HeldMessages } from '../../src/delivery/gate/held-messages.ts';
import { HeldReview, type HeldReviewOptions } from '../../src/delivery/gate/held-review.ts';
import { KnownMessages } from '../../src/gate/known-messages.ts';
import { GateSessions } from '../../src/gate/sessions.ts';
import type { StoredRecord } from '../../src/store/contract.ts';

const GRACE = 5000;
const BOB = 'bob@s';

/** Bob's phone has a message of that number; a lease is lost and taken again by the test. */
class Stage extends EventEmitter {
  now = 1_000_000;
  readonly known = new KnownMessages();
  readonly sessions = new GateSessions();
  readonly counts = { provedBySession: 0, proofsDoubted: 0 };
  readonly review: HeldReview;

  constructor() {
    super();
    const messages = new HeldMessages();
    messages.put({ heldAs: 'e-1', key: 'k', recipient: BOB } as StoredRecord);
    const gate = {
      on: (name: string, listener: (...args: unknown[]) => void) => this.on(name, listener),
      isReady: false,
      factsOf: (n: string) => this.known.facts.get(n),
      sessionsOf: (user: string) => this.sessions.of(user),
    };
    this.review = new HeldReview({
      gate,
      gateCopies: new EventEmitter(),
      messages,
      clock: { now: () => this.now },
      graces: { proof: GRACE, flush: GRACE },
      counts: this.counts,
    } as unknown as HeldReviewOptions);
    this.phone('available');
  }

  phone(state: 'available' | 'detached' | 'gone', graceful = false): void {
    const seen = { jid: `${BOB}/phone`, id: 'P', state, priority: 0, graceful } as const;
    for (const change of this.sessions.seen(seen, this.now, 0)) this.emit('session', change);
  }

  has(): void {
    this.known.noteProof('e-1', 'P', this.now);
  }

  /** The lease is lost, and begins again after so many ms; by what the gate tells then. */
  again(ms: number, tell: () => void, knows = true): void {
    this.emit('lost');
    const lostAt = this.now;
    this.now += ms;
    this.known.begin(knows);
    this.sessions.clear(lostAt);
    tell();
    this.known.complete();
    this.sessions.complete();
    this.emit('ready');
  }

  get facts() {
    return this.known.facts.get('e-1');
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.review.close());

test('a proof was heard when it was told first', () => {
  const heard = stage.now;
  stage.has();
  stage.again(1000, () => {
    stage.phone('available');
    stage.has();
  });
  expect(stage.facts?.has.get('P')).toBe(heard);
  stage.again(
    1000,
    () => {
      stage.phone('available');
      stage.has();
    },
    false,
  );
  expect(stage.facts?.has.get('P')).toBe(heard + 2000);
});

test('the same when the lease is lost before all was told', () => {
  const heard = stage.now;
  stage.has();
  stage.known.begin(true);
  stage.now += 1000;
  stage.again(1000, () => {
    stage.phone('available');
    stage.has();
  });
  expect(stage.facts?.has.get('P')).toBe(heard);
});

test('a proof that was in doubt is none when it is told again', () => {
  stage.has();
  stage.now += GRACE - 1;
  stage.phone('gone');
  expect(stage.facts).toMatchObject({ has: new Map(), suspected: 'P' });
  stage.again(1000, () => stage.has());
  expect(stage.facts).toMatchObject({ has: new Map(), returned: new Set(['P']), suspected: 'P' });
  expect(stage.counts.proofsDoubted).toBe(1);
});

test('a proof of a session that its client has ended in order is in no doubt, nor when it is told again', () => {
  stage.has();
  stage.phone('gone', true);
  stage.again(1000, () => stage.has());
  expect(stage.facts).toMatchObject({ has: new Map([['P', Number.NEGATIVE_INFINITY]]), suspected: undefined });
  expect(stage.counts.proofsDoubted).toBe(0);
});

test('a session that ended while no lease was held was there until the lease was lost', () => {
  stage.has();
  stage.now += GRACE - 1;
  stage.again(3600_000, () => stage.has());
  expect(stage.facts).toMatchObject({ has: new Map(), suspected: 'P' });
});

test('one that had lived on for long enough by then has it', () => {
  const heard = stage.now;
  stage.has();
  stage.now += GRACE;
  stage.again(1000, () => stage.has());
  expect(stage.facts).toMatchObject({ has: new Map([['P', heard]]), suspected: undefined });
});

test('what was proved while no lease was held counts, as nobody knows how long before the end that was', () => {
  stage.again(1000, () => stage.has());
  expect(stage.facts).toMatchObject({ has: new Map([['P', stage.now]]), suspected: undefined });
});

test('since when a session is detached that is told of again as detached', () => {
  const detachedAt = stage.now;
  stage.phone('detached');
  stage.now += 1000;
  stage.again(1000, () => stage.phone('detached'));
  expect(stage.sessions.at(BOB, 'phone')?.detachedAt).toBe(detachedAt);
  stage.phone('available');
  const lostAt = stage.now;
  stage.again(1000, () => stage.phone('detached'));
  expect(stage.sessions.at(BOB, 'phone')?.detachedAt).toBe(lostAt);
  // Of one that nobody told of before, nobody knows.
  stage.phone('gone');
  stage.again(1000, () => stage.phone('detached'));
  expect(stage.sessions.at(BOB, 'phone')?.detachedAt).toBeUndefined();
});

test('what was heard before is bounded, however often a lease is lost before all was told', () => {
  const { known, now } = stage;
  known.noteProof('first', 'P', now);
  for (let lease = 0; lease < 3; lease += 1) {
    for (let i = 0; i < 50_000; i += 1) known.note(`${lease}-${i}`);
    known.noteProof(`last-${lease}`, 'P', now);
    known.begin(true);
  }
  for (const n of ['first', 'last-2']) known.noteProof(n, 'P', now + 1000);
  expect(known.facts.get('first')?.has.get('P')).toBe(now + 1000);
  expect(known.facts.get('last-2')?.has.get('P')).toBe(now);
});

test('leases that end before all is told again leave no more behind than is kept of what is told', () => {
  const known = new KnownMessages(16);
  const proofs = (turn: number) => {
    for (let i = 0; i < 16; i += 1) known.noteProof(`e-${turn * 16 + i}`, 'P', turn);
  };
  for (const turn of [1, 2, 3]) {
    proofs(turn);
    known.begin(true);
  }
  // What was heard last is known, and the rest makes room for it.
  known.noteProof('e-63', 'P', 9);
  known.noteProof('e-16', 'P', 9);
  expect([known.facts.get('e-63')?.has.get('P'), known.facts.get('e-16')?.has.get('P')]).toEqual([3, 9]);
});
