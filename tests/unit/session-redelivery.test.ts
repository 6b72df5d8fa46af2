// Whose it is to send again what a recipient has missed, where several processes share a store behind one gate.

import { EventEmitter } from 'node:events';
import { AskedUsers } from '../../src/delivery/redelivery/asked-users.ts';
import { SessionRedelivery, type SessionRedeliveryOptions } from '../../src/delivery/redelivery/session-redelivery.ts';
import type { Missed, Request } from '../../src/store/contract.ts';
import { RETRY } from '../support/store/ledger.ts';

const { jest } = import.meta;
const missed = (key: string): Missed => ({
  key,
  attempt: 1,
  evidence: 'session-ended',
  storedAt: 0,
  token: `g:${key}`,
});

const BOB = 'bob@example.org';

let sent: string[][];
let sessions: EventEmitter;
let asked: AskedUsers;
let answered: string[];
let redelivery: SessionRedelivery;
let isElsewhere: SessionRedeliveryOptions['isElsewhere'];

/** What the store says: in portions; undefined: it cannot. */
type Answers = ({ away: boolean; next: string; missed: Missed[]; there: string } | undefined)[];

/** He has missed these, of which another process has sent those that begin with `o`. */
const comes = (...keys: string[]) => asks([{ away: false, next: '0', missed: keys.map(missed), there: 'desk' }]);

function asks(portions: Answers): void {
  redelivery = new SessionRedelivery({
    pipeline: {
      push: ({
        request: { kind },
        done,
        failed,
      }: {
        request: Request;
        done: (reply: unknown) => void;
        failed: () => void;
      }) => {
        const answer = kind === 'senderAvailable' ? '0' : portions.shift();
        if (kind === 'sessionAvailable') expect(asked.has(BOB)).toBe(true);
        if (answer === undefined) failed();
        else done(answer);
      },
    },
    windows: {
      add: (_user: string, some: readonly Missed[]) => {
        if (some.length > 0) sent.push(some.map(({ key }) => key));
      },
      remove: () => {},
    },
    sessions,
    asked,
    pings: new EventEmitter(),
    retry: RETRY,
    clock: { now: () => 0 },
    isElsewhere,
    ownerFirst: 400,
  } as unknown as SessionRedeliveryOptions);
  redelivery.sessionAvailable(BOB, 'login');
}

beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
  answered = [];
  sessions = new EventEmitter();
  asked = new AskedUsers((user) => answered.push(user));
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

test.each<[string, Answers]>([
  ['he has missed something', [{ away: false, next: '0', missed: [missed('m-1')], there: '' }]],
  [
    'he has missed much',
    [
      { away: false, next: '7', missed: [missed('m-1')], there: '' },
      { away: false, next: '0', missed: [], there: '' },
    ],
  ],
  ['he is away', [{ away: true, next: '0', missed: [], there: '' }]],
  ['the store cannot say', [undefined]],
])('it is asked no more what he has missed when that is known: %s', (_what, portions) => {
  asks([...portions]);
  expect([asked.has(BOB), answered]).toEqual([false, [BOB]]);
});

test('as long as a session is being recorded, what he has missed may be asked', () => {
  comes();
  answered = [];
  sessions.emit('reported', BOB);
  expect([asked.has(BOB), asked.has('carol@example.org')]).toEqual([true, false]);
  sessions.emit('began', BOB);
  expect(answered).toEqual([]);
  sessions.emit('recorded', BOB);
  expect([asked.has(BOB), answered]).toEqual([false, [BOB]]);
});
