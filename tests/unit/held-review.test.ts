// How a message ends whose original the server did not take: with a gate that only says so.

import { EventEmitter } from 'node:events';
import { HeldReview, type HeldReviewOptions } from '../../src/delivery/held-review.ts';
import type { StoredRecord } from '../../src/store/contract.ts';

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
