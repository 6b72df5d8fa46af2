import { SessionPings, type SessionPingsOptions } from '../../src/delivery/redelivery/session-pings.ts';
import { type Request, recordPing, recordStrayPing } from '../../src/store/contract.ts';

const { jest } = import.meta;
const BOB = 'bob@example.org';
type Outcome = Awaited<ReturnType<SessionPingsOptions['ping']>>;

/** What the ledger says. */
let isNews = false;
beforeEach(() => {
  isNews = false;
});

function setUp(...outcomes: (Outcome | Promise<Outcome>)[]) {
  const asked: string[] = [];
  const noted: Request[] = [];
  const doubted: string[] = [];
  const looks: string[] = [];
  let judged = () => {};
  const pings = new SessionPings({
    pipeline: {
      push: ({ request, done }) => {
        if (request !== undefined) noted.push(request);
        (done as (isNews: boolean) => void)(isNews);
      },
    },
    clock: { now: () => 1000 },
    ping: async (full) => {
      asked.push(full);
      return outcomes.shift() ?? 'unknown';
    },
    presence: { probeUser: (user) => void doubted.push(user) },
  });
  pings.on('judged', (user) => {
    looks.push(user);
    judged();
  });
  const ask = (...resources: string[]) =>
    new Promise<void>((resolve) => {
      judged = resolve;
      pings.ask(BOB, resources);
    });
  return { pings, asked, noted, doubted, looks, ask };
}

/** As the ledger is told: at 1000 it was asked. */
const note = (resource: string, state: 'a' | 's') => recordPing(BOB, resource, 1000, state === 'a');

test('what each answered is noted before it is looked what that means', async () => {
  const { ask, asked, noted, doubted } = setUp('answered', 'silent', 'gone', 'refused', 'unknown');
  await ask('a', 'b', 'c', 'd', 'e');
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'e'].map((resource) => `${BOB}/${resource}`));
  expect(noted).toEqual([note('a', 'a'), note('b', 's'), note('c', 's'), note('d', 'a')]);
  // Only his server knows who refused.
  expect(doubted).toEqual([BOB]);
});

test('nobody is asked where it is only to be looked again', async () => {
  const { ask, asked } = setUp();
  await ask();
  expect(asked).toEqual([]);
});

test('the link was down meanwhile: no answer proves nothing, an answer what it says', async () => {
  let silent = (_: Outcome) => {};
  const { ask, noted, pings } = setUp(new Promise<Outcome>((resolve) => (silent = resolve)), 'answered');
  const over = ask('a', 'b');
  pings.offline();
  silent('silent');
  await over;
  expect(noted).toEqual([note('b', 'a')]);
});

test('an answer that nobody waits for is noted, if it is a session of one of ours', () => {
  const { pings, noted } = setUp();
  const address = { inner: BOB, resource: 'a' };
  pings.strayReply(address, false);
  pings.strayReply({ ...address, resource: '' }, false);
  pings.strayReply({ ...address, inner: '' }, false);
  expect(noted).toEqual([recordStrayPing(BOB, 'a')]);
});

test('a session that was asked to settle is waited for no longer than it takes to answer or not', async () => {
  const { pings, noted } = setUp('silent', 'answered');
  await pings.caughtUp(BOB, 'a');
  await pings.caughtUp(BOB, 'b');
  expect(noted).toEqual([note('a', 's'), note('b', 'a')]);
});

test('of a refusal that nobody waits for, his server is asked whose it was, once', () => {
  const { pings, doubted } = setUp();
  const address = { inner: BOB, resource: 'a' };
  isNews = true;
  pings.strayReply(address, false);
  expect(doubted).toEqual([]);
  pings.strayReply(address, true);
  isNews = false;
  pings.strayReply(address, true);
  expect(doubted).toEqual([BOB]);
});

test('a thousand messages to one who is silent are looked at together', async () => {
  jest.useFakeTimers();
  try {
    const { pings, looks } = setUp();
    for (let i = 0; i < 1000; i += 1) pings.ask(BOB, []);
    pings.ask('carol@example.org', []);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([BOB, 'carol@example.org']);
    pings.ask(BOB, []);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(3);
  } finally {
    jest.useRealTimers();
  }
});
