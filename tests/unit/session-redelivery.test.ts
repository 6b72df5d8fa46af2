// Whose it is to send again what a recipient has missed, where several processes share a store behind one gate.

import { EventEmitter } from 'node:events';
import { SessionRedelivery, type SessionRedeliveryOptions } from '../../src/delivery/session-redelivery.ts';
import type { Missed } from '../../src/store/contract.ts';
import { RETRY } from '../support/store/ledger.ts';

const { jest } = import.meta;
const missed = (key: string): Missed => ({
  key,
  attempt: 1,
  evidence: 'session-ended',
  storedAt: 0,
  token: `g:${key}`,
});

let sent: string[][];
let redelivery: SessionRedelivery;
let isElsewhere: SessionRedeliveryOptions['isElsewhere'];

/** He has missed these, of which another process has sent those that begin with `o`. */
function comes(...keys: string[]): void {
  const answers = {
    sessionAvailable: { away: false, next: '0', missed: keys.map(missed), there: 'desk' },
    senderAvailable: '0',
  };
  redelivery = new SessionRedelivery({
    pipeline: {
      push: ({ request, done }: { request: { kind: keyof typeof answers }; done: (reply: unknown) => void }) =>
        done(answers[request.kind]),
    },
    windows: {
      add: (_user: string, some: readonly Missed[]) => {
        if (some.length > 0) sent.push(some.map(({ key }) => key));
      },
      remove: () => {},
    },
    sessions: new EventEmitter(),
    pings: new EventEmitter(),
    retry: RETRY,
    clock: { now: () => 0 },
    isElsewhere,
    ownerFirst: 400,
  } as unknown as SessionRedeliveryOptions);
  redelivery.sessionAvailable('bob@example.org', 'login');
}

beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
  isElsewhere = ({ key }) => key.startsWith('o');
});
afterEach(() => {
  redelivery.close();
  jest.useRealTimers();
});

test('what another process has sent is left to it for a while, and what is our own is not', () => {
  comes('o-1', 'm-2', 'o-3');
  expect(sent).toEqual([['m-2']]);
  jest.advanceTimersByTime(399);
  expect(sent).toHaveLength(1);
  jest.advanceTimersByTime(1);
  expect(sent).toEqual([['m-2'], ['o-1', 'o-3']]);
});

test('without another process nothing waits', () => {
  isElsewhere = undefined;
  comes('o-1', 'm-2');
  expect(sent).toEqual([['o-1', 'm-2']]);
});

test('a process that has ended sends nothing', () => {
  comes('o-1');
  redelivery.close();
  jest.advanceTimersByTime(1000);
  expect(sent).toEqual([]);
});
