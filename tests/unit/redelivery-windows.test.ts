// The windows of redelivery on a store and a link that do what the test says.

import type { InTurn } from '../../src/delivery/redelivery/in-turn.ts';
import { RedeliveryWindows, type RedeliveryWindowsOptions } from '../../src/delivery/redelivery/redelivery-windows.ts';
import type { Missed, StoredRecord, Work } from '../../src/store/contract.ts';
import { RETRY } from '../support/store/ledger.ts';

const BOB = 'bob@example.org';
const missed = (key: string): Missed => ({
  key,
  attempt: 1,
  evidence: 'bounced',
  storedAt: Number(key[2]),
  token: key,
});
/** After the one whose number it has. */
const inTurn = (key: string, send: () => void): InTurn => ({ key, send, storedAt: Number(key[2]), token: key });

let claims: Work[];
let sent: string[];
let events: string[];
let windows: RedeliveryWindows;

beforeEach(() => {
  claims = [];
  sent = [];
  events = [];
  windows = new RedeliveryWindows({
    pipeline: { push: (work: Work) => claims.push(work) },
    copies: {
      redeliver: ({ key }: StoredRecord) => {
        if (key === 'm-1') throw new Error('As of a fault of ours');
        sent.push(key);
        return true;
      },
    },
    retry: RETRY,
    clock: { now: () => 1000 },
    redeliveryWindow: 2,
    status: async () => [],
    counts: { evidenceSessionEnded: 0, evidenceSessionSilent: 0, evidenceBounced: 0, evidenceNotStored: 0 },
    onSent: () => events.push(`all sent, ${sent}`),
  } as unknown as RedeliveryWindowsOptions);
});
afterEach(() => windows.close());

/** As the store does: what `done` throws is a failure. */
function answer({ request, done, failed }: Work): void {
  const record = { key: request !== undefined && 'key' in request ? request.key : '', state: 'pending' };
  try {
    done({ outcome: 'claimed', record } as never);
  } catch (error) {
    failed?.(error as Error);
  }
}

test('a message whose copy cannot be made counts once, and makes way for the next', () => {
  windows.add(BOB, [missed('m-1'), missed('m-2'), missed('m-3')], '');
  expect(claims).toHaveLength(2);
  answer(claims[0] as Work);
  expect(claims).toHaveLength(3);
  answer(claims[1] as Work);
  expect([windows.isSending(BOB), events]).toEqual([true, []]);
  answer(claims[2] as Work);
  expect([windows.isSending(BOB), events]).toEqual([false, ['all sent, m-2,m-3']]);
});

test('what goes behind a message goes, and its claim counts once, though another behind it throws', () => {
  windows.add(BOB, [missed('m-2'), missed('m-3')], '', false, [
    inTurn('m-2a', () => {
      throw new Error('As of a fault of ours');
    }),
    inTurn('m-2b', () => sent.push('m-2b')),
  ]);
  expect(claims).toHaveLength(2);
  answer(claims[0] as Work);
  expect([windows.isSending(BOB), events]).toEqual([true, []]);
  answer(claims[1] as Work);
  expect([windows.isSending(BOB), events]).toEqual([false, ['all sent, m-2,m-2b,m-3']]);
});

test('where the store refuses the last of them, that is all', () => {
  windows.add(BOB, [missed('m-2'), missed('m-3')], '');
  answer(claims[0] as Work);
  claims[1]?.failed?.(new Error('Damaged'));
  expect([windows.isSending(BOB), events]).toEqual([false, ['all sent, m-2']]);
});
