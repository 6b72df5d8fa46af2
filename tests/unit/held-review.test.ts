// How a message ends whose original the server did not take: with a gate that only says so.

import { EventEmitter } from 'node:events';
import { HeldReview, type HeldReviewOptions } from '../../src/delivery/gate/held-review.ts';
import { type Decision, newFacts } from '../../src/gate/facts.ts';
import type { Request, StoredRecord } from '../../src/store/contract.ts';

const { jest } = import.meta;
const ALICE = 'alice@example.org';

/** What follows from a bounce of a message of Alice's phone, while these resources of hers are there. */
function bounced(...there: string[]): string[] {
  const record = { key: 'k', sender: ALICE, senderResource: 'phone', recipient: 'bob@example.org' } as StoredRecord;
  const done: string[] = [];
  const gateCopies = new EventEmitter();
  const sessionAt = (user: string, resource: string) => (user === ALICE && there.includes(resource) ? {} : undefined);
  new HeldReview({
    gate: Object.assign(new EventEmitter(), { sessionAt }),
    gateCopies,
    pipeline: {
      push: ({ request, done: then }: { request: { kind: string }; done: (reply: object) => void }) => {
        done.push(request.kind);
        then({ outcome: 'done', record });
      },
    },
    endings: {
      conclude: (_record: StoredRecord, ending: string, isNotified: boolean) =>
        done.push(isNotified ? ending : `${ending}, which its sender is told`),
    },
    clock: { now: () => 0 },
  } as unknown as HeldReviewOptions);
  gateCopies.emit('bounced', record, 'service-unavailable');
  return done;
}

test('whom the server has returned an error is told nothing more', () => {
  expect(bounced('phone')).toEqual(['reject', 'rejected', 'notified']);
});

test('an error to a session that has ended reaches nobody: the sender is told, also on another device', () => {
  expect(bounced()).toEqual(['reject', 'rejected, which its sender is told']);
  expect(bounced('tablet')).toEqual(['reject', 'rejected, which its sender is told']);
});

test('what lies in storage is sent when that has had its time, also if a look for something else is due before', () => {
  jest.useFakeTimers();
  try {
    const bob = 'bob@example.org';
    const begun = Date.now();
    const now = () => Date.now() - begun;
    const decide = (): Decision =>
      now() < 6000 ? { what: 'wait', again: 6000 - now() } : { what: 'deliver', to: `${bob}/phone`, copy: 2 };
    const message = { n: 'e-1', key: 'k', recipient: bob, storedAt: 0, attempt: 1, copies: 1 };
    const gate = Object.assign(new EventEmitter(), { isReady: true, factsOf: () => newFacts() });
    const added: number[] = [];
    const review = new HeldReview({
      gate,
      gateCopies: Object.assign(new EventEmitter(), { look: decide }),
      messages: { to: () => [message], get: () => message },
      windows: { add: () => added.push(now()) },
      graces: { proof: 5000 },
      clock: { now },
    } as unknown as HeldReviewOptions);
    // Some other message of his is proved.
    gate.emit('has', { n: 'e-1' });
    jest.advanceTimersByTime(1000);
    gate.emit('session', { user: bob, resource: 'phone', session: { id: 'P' }, what: 'available' });
    jest.advanceTimersByTime(20_000);
    review.close();
    expect(added).toHaveLength(1);
    expect(added[0]).toBeLessThan(6050);
  } finally {
    jest.useRealTimers();
  }
});

test.each(['redelivery', 'receipt'] as const)(
  'a message whose sender has had a receipt is told to nobody when it is proved (%s)',
  (proofCounts) => {
    const record = { key: 'k', heldAs: 'e-1', recipient: 'bob@example.org' } as StoredRecord;
    const pushed: Request[] = [];
    const concluded: unknown[] = [];
    const gateCopies = new EventEmitter();
    new HeldReview({
      gate: Object.assign(new EventEmitter(), { factsOf: () => ({ ...newFacts(), told: true }) }),
      gateCopies,
      pipeline: {
        push: ({ request, done }: { request: Request; done: (reply: object) => void }) => {
          pushed.push(request);
          done({ outcome: 'delivered', record });
        },
      },
      endings: {
        conclude: (_: StoredRecord, ending: string, isNotified: boolean) => concluded.push(ending, isNotified),
      },
      clock: { now: () => 0 },
      counts: { provedBySession: 0, proofsDoubted: 0 },
      proofCounts,
    } as unknown as HeldReviewOptions);
    gateCopies.emit('proved', record, 'bob@example.org/phone');
    expect(pushed).toMatchObject([{ kind: 'prove', told: true, resource: 'phone', only: 'g:e-1' }]);
    expect(concluded).toEqual(['delivered', true]);
  },
);
