// What people have of before format 6 of the ledger: forms, links and dead letters with keys of that time.
import type { CommandContext, DeadLetter } from '../../src/commands/command-context.ts';
import { cancelAll, retryAll } from '../../src/commands/undelivered.ts';
import { retryAllTo } from '../../src/console/model/changes.ts';
import { deadLetters } from '../../src/console/model/dead-letters.ts';
import type { ConsolePorts } from '../../src/console/ports.ts';
import type { Request } from '../../src/store/contract.ts';

const KEY = 'ABcdefghijklmn';
const OLDER = `${KEY}opqrstuv`;
const BOB = 'bob@example.org';
const LETTER: DeadLetter = {
  id: OLDER,
  key: KEY,
  from: 'alice@example.org',
  to: BOB,
  messageId: 'm-1',
  stored: '',
  ended: '',
  why: '',
};

let asked: string[];
let removed: string[];
beforeEach(() => {
  asked = [];
  removed = [];
});

const context = {
  perform: async (request: Request) => {
    if ('key' in request) asked.push(`${request.kind} ${request.key}`);
    if (request.kind === 'retryNow') return 'undelivered';
    return request.kind === 'cancel' ? { outcome: 'dropped' } : { key: KEY };
  },
  requeued: () => {},
  ended: () => {},
  queries: { paused: async () => undefined, records: async () => [{ record: { key: KEY } }] },
  deadLetters: {
    list: async () => ({ letters: [LETTER], total: 1, all: true }),
    each: async function* () {
      yield LETTER;
    },
    remove: async (id: string) => void removed.push(id),
  },
} as unknown as CommandContext;
const ports = { context } as unknown as ConsolePorts;

test('a dead letter of that time is sent after all, and is not listed any more', async () => {
  expect(await retryAll(context, [OLDER], undefined)).toEqual(new Map([['sent', 1]]));
  expect(asked).toEqual([`retryNow ${KEY}`, `requeue ${KEY}`]);
  expect(removed).toEqual([OLDER]);
  expect(await retryAllTo(ports, BOB)).toMatchObject({ sent: 1 });
  expect(removed).toEqual([OLDER, OLDER]);
});

test('one of today is removed by what follows from its new life', async () => {
  await retryAll(context, [KEY], undefined);
  expect(removed).toEqual([]);
});

test('it is dropped, too', async () => {
  expect(await cancelAll(context, [OLDER], undefined, 'an administrator')).toEqual(new Map([['cancelled', 1]]));
  expect(asked).toEqual([`cancel ${KEY}`]);
});

test('the console takes it for a message, and not for a stanza without a record', async () => {
  expect((await deadLetters(ports, undefined, 10)).letters).toMatchObject([{ id: OLDER, message: true }]);
});
