// What is the same message: the table of docs/guarantees.md, cell by cell, in a real Redis.

import { readFileSync } from 'node:fs';
import { notified, settle } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, DAY, keyOf, openLedger, SECOND, type Written } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
});
afterEach(() => opened.close());

const STATES = ['pending', 'ended, he could not be told yet', 'ended, he was told'] as const;
type State = (typeof STATES)[number];
type Verdict = 'a resend' | 'new';

/** When the first one was stored. */
const FIRST = Date.now() - DAY;
/** When it comes again. */
const AGAIN = FIRST + 4 * 60 * SECOND;

/** How it comes again. */
interface Again {
  /** Alice's sessions by their resource, and when each began (ms); absent when nothing is known of her. */
  readonly sessions?: Readonly<Record<string, number>>;
  /** By default the one that the first came from. */
  readonly resource?: string;
  /** By default {@link AGAIN}. */
  readonly at?: number;
  /** Other words came under the id meanwhile. */
  readonly otherWords?: boolean;
  /** By default both. */
  readonly countable?: boolean;
}

interface Row {
  readonly id: string;
  readonly from: string;
  readonly cells: readonly [Verdict, Verdict, Verdict];
  /** Each is a case of the row. */
  readonly cases: readonly Again[];
}

const counted = { countable: true };
const THERE = { phone: FIRST - 60 * SECOND };

const ROWS: readonly Row[] = [
  {
    id: 'unique',
    from: 'anywhere, for `DEDUP_WINDOW`',
    cells: ['a resend', 'a resend', 'a resend'],
    cases: [
      { countable: false },
      { countable: false, resource: 'tablet' },
      { countable: false, sessions: { phone: FIRST + SECOND } },
      { countable: false, sessions: { ...THERE, tablet: FIRST - SECOND }, resource: 'tablet' },
      { countable: false, at: FIRST + 6 * DAY },
    ],
  },
  {
    id: 'countable',
    from: 'the same login',
    cells: ['a resend', 'a resend', 'a resend'],
    cases: [{ ...counted, sessions: THERE }],
  },
  {
    id: 'countable',
    from: 'the same resource, and nothing is known of his logins',
    cells: ['a resend', 'a resend', 'new'],
    cases: [counted],
  },
  {
    id: 'countable',
    from: 'the same resource, in a later login',
    cells: ['a resend', 'a resend', 'new'],
    cases: [{ ...counted, sessions: { phone: FIRST + SECOND } }],
  },
  {
    id: 'countable',
    from: 'another resource that logged in after the first; the first session is known to have ended',
    cells: ['a resend', 'a resend', 'new'],
    cases: [{ ...counted, sessions: { tablet: FIRST + SECOND }, resource: 'tablet' }],
  },
  {
    id: 'countable',
    from: 'another resource otherwise: two windows, or nothing is known',
    cells: ['new', 'new', 'new'],
    cases: [
      { ...counted, resource: 'tablet' },
      { ...counted, resource: 'tablet', sessions: { ...THERE, tablet: FIRST + SECOND } },
      { ...counted, resource: 'tablet', sessions: { tablet: FIRST - SECOND } },
      { ...counted, resource: 'tablet', sessions: {} },
    ],
  },
  {
    id: 'countable',
    from: 'anywhere, more than 5 minutes after the first was stored',
    cells: ['new', 'new', 'new'],
    cases: [
      { ...counted, at: FIRST + 301 * SECOND, sessions: THERE },
      { ...counted, at: FIRST + 301 * SECOND },
    ],
  },
  {
    id: 'either',
    from: 'anywhere, and other words have come under this id since',
    cells: ['new', 'new', 'new'],
    cases: [
      { otherWords: true, sessions: THERE },
      { otherWords: true, sessions: THERE, countable: true },
    ],
  },
];

const TABLE = [
  `| id | it comes from | the first is ${STATES.join(' | ')} |`,
  '|---|---|---|---|---|',
  ...ROWS.map(({ id, from, cells }) => `| ${[id, from, ...cells].join(' | ')} |`),
].join('\n');

test('the table is the one in docs/guarantees.md', () => {
  expect(readFileSync('docs/guarantees.md', 'utf8')).toContain(TABLE);
});

async function verdictOf(state: State, again: Again): Promise<Verdict> {
  const { sessions, resource, at = AGAIN, otherWords = false, countable = false } = again;
  const { ledger, redis } = opened;
  const write = async (written: Written, when: number) => {
    const operation = aliceWrites({ countable, at: when, ...written });
    return ledger.perform(operation, when);
  };
  await write({}, FIRST);
  if (otherWords) await write({ body: 'other words' }, FIRST + SECOND);
  if (state !== 'pending') {
    await ledger.batch([settle(keyOf('m-1'), 'desk', FIRST + 2 * SECOND)], FIRST + 2 * SECOND);
    if (state === 'ended, he was told') {
      await ledger.batch(notified([{ key: keyOf('m-1'), state: 'delivered' }]), FIRST + 3 * SECOND);
    }
  }
  if (sessions !== undefined) {
    const fields = Object.entries(sessions).map(([name, since]) => [name, `${since};y;${since};`] as const);
    await redis.hset(ledger.keys.sessions(ALICE), { '': `${FIRST}`, ...Object.fromEntries(fields) });
  }
  const accepted = await write(resource === undefined ? {} : { resource }, at);
  // Whatever it is taken for is what it stays.
  const { pending } = await ledger.figures(at);
  const before = (state === 'pending' ? 1 : 0) + (otherWords ? 1 : 0);
  expect(pending).toBe(before + (accepted.outcome === 'stored' ? 1 : 0));
  return accepted.outcome === 'stored' ? 'new' : 'a resend';
}

const CELLS = ROWS.flatMap(({ id, from, cells, cases }) =>
  STATES.flatMap((state, i) =>
    cases.map((again) => [id, from, state, cells[i] as Verdict, JSON.stringify(again), again] as const),
  ),
);

test('a first session whose priority is negative has not ended', async () => {
  const [phone, tablet] = [FIRST - 60 * SECOND, FIRST + SECOND];
  await opened.redis.hset(opened.ledger.keys.sessions(ALICE), '\0phone', `${phone}`);
  const sessions = { phone, tablet };
  for (const state of STATES) {
    expect([state, await verdictOf(state, { ...counted, resource: 'tablet', sessions })]).toEqual([state, 'new']);
    await opened.redis.flushall();
    await opened.redis.hset(opened.ledger.keys.sessions(ALICE), '\0phone', `${phone}`);
  }
  expect(await verdictOf('ended, he was told', { ...counted, sessions: { phone } })).toBe('a resend');
});

test('what has just ended counts as told: word of it is on its way', async () => {
  const ended = FIRST + 2 * SECOND;
  const again = (at: number) => verdictOf('ended, he could not be told yet', { countable: true, at });
  expect(await again(ended + 1999)).toBe('new');
  await opened.redis.flushall();
  expect(await again(ended + 2000)).toBe('a resend');
});

test('what crosses with that word was written before it came, unless it is from a later login', async () => {
  const at = FIRST + 2 * SECOND + 299;
  for (const state of ['ended, he could not be told yet', 'ended, he was told'] as const) {
    expect([state, await verdictOf(state, { countable: true, at })]).toEqual([state, 'a resend']);
    await opened.redis.flushall();
    expect([state, await verdictOf(state, { countable: true, at: at + 1 })]).toEqual([state, 'new']);
    await opened.redis.flushall();
    const sessions = { phone: FIRST + SECOND };
    expect([state, await verdictOf(state, { countable: true, at, sessions })]).toEqual([state, 'new']);
    await opened.redis.flushall();
  }
});

test.each(CELLS)('%s, from %s, the first is %s: %s (%s)', async (_id, _from, state, verdict, _case, again) => {
  expect(await verdictOf(state, again)).toBe(verdict);
});
