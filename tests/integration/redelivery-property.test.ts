// Whatever has happened to a message, its copies and its recipient's sessions: when he comes again, it comes to him.
import {
  bounce,
  claim,
  endUnheardSessions,
  forgetPresence,
  handOver,
  type Missed,
  type ReplyTo,
  type Request,
  recordPing,
  recordPresence,
  type SessionEvent,
  sequenceGap,
  sessionAvailable,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { copiesOut } from '../../src/store/redis/copies.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, keyOf, openLedger, RETRY, SECOND, TIMETABLE } from '../support/store/ledger.ts';
import { SeededRandom } from '../support/store/seeded-random.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const RESOURCES = ['phone', 'tablet', 'desk'];
const STEP = TIMETABLE.schedule[0] as number;

/** Bob, his server and the proxy, in one thread and with a clock of its own. */
class Story {
  readonly opened = openLedger(server.url);
  readonly log: string[] = [];
  now = Date.now();
  readonly #random: SeededRandom;
  readonly #alive = new Map<string, 'answers' | 'silent'>();
  readonly #attempts = new Map<string, { attempt: number; copies: number; seen: number; storedAt: number }>();
  /** Keys of the messages of which a copy was sent since he sessionAvailable anew. */
  #sent = new Set<string>();
  #tokens = 0;

  constructor(
    seed: number,
    readonly confirms: boolean,
  ) {
    this.#random = new SeededRandom(seed);
  }

  async begin(): Promise<void> {
    await this.at(subscriptionStep('subscribed', BOB, ALICE, this.now, 'granted'));
    if (this.confirms) await this.opened.redis.set(this.opened.ledger.keys.confirms(BOB), '1');
    await this.sees('phone', true, 0);
  }

  at<R extends Request>(operation: R): Promise<ReplyTo<R>> {
    return this.opened.ledger.perform(operation, this.now);
  }

  pick<T>(from: readonly T[]): T {
    return this.#random.pick(from);
  }

  async sees(resource: string, available: boolean, priority: number): Promise<void> {
    this.#tokens += 1;
    const seen = await this.at(
      recordPresence(BOB, ALICE, resource, available, this.now, '', '', `t-${this.#tokens}`, { priority }),
    );
    if (available) this.#alive.set(resource, this.#alive.get(resource) ?? 'answers');
    else this.#alive.delete(resource);
    const event = { began: 'login', updated: 'update', returned: 'heard again', ended: 'ended' } as const;
    if (seen.what in event) await this.comes(event[seen.what as keyof typeof event]);
  }

  async comes(event: SessionEvent): Promise<void> {
    const missed: Missed[] = [];
    let cursor = '0';
    do {
      const times = { stepDue: this.now + STEP, leaseUntil: this.now + 60 * SECOND, unconfirmedRetries: 1 };
      const reply = await this.at(sessionAvailable({ user: BOB, event, cursor, ...times }));
      missed.push(...reply.missed);
      cursor = reply.next;
    } while (cursor !== '0');
    for (const { key, attempt } of missed) await this.claims(key, attempt, '*');
  }

  async claims(key: string, attempt: number, lease: number | '*'): Promise<void> {
    const claimed = await this.at(claim(key, attempt, lease));
    if (claimed.outcome === 'asks') {
      for (const resource of claimed.resources) {
        const state = this.#alive.get(resource);
        // The process may die, or the link be lost.
        if (this.#random.next() < 0.8) await this.at(recordPing(BOB, resource, this.now, state === 'answers'));
      }
      await this.comes('update');
    } else if (claimed.outcome === 'claimed') {
      const one = this.#attempts.get(key) as { attempt: number; copies: number; seen: number; storedAt: number };
      one.attempt = claimed.record.attempt;
      await this.hands(key);
    }
  }

  /** A copy goes out: it is handed over, it comes back, or the process dies. */
  async hands(key: string): Promise<void> {
    const how = this.#random.next();
    const one = this.#attempts.get(key) as { attempt: number; copies: number; seen: number; storedAt: number };
    if (how < 0.1) {
      this.log.push('  dies');
      return;
    }
    one.copies += 1;
    const progress = { storedAt: one.storedAt, copies: one.copies };
    const byTimetable = RETRY.bySchedule(progress.storedAt, progress.copies, this.now, 0);
    const unconfirmed = RETRY.unconfirmed(progress.storedAt, progress.copies, this.now, 0);
    const noStore = false;
    const out = { key, attempt: one.attempt, copies: one.copies, sender: ALICE, recipient: BOB, noStore };
    if (how < 0.2) {
      this.log.push('  bounces');
      await this.at(bounce(key));
    } else one.seen += 1;
    await this.at(handOver({ ...out, byTimetable, unconfirmed }));
    this.#sent.add(key);
  }

  async writes(): Promise<void> {
    const id = `m-${this.#attempts.size}`;
    await this.at(aliceWrites({ id, at: this.now }));
    this.#attempts.set(keyOf(id), { attempt: 1, copies: 0, seen: 0, storedAt: this.now });
    await this.hands(keyOf(id));
  }

  /** What a sweep finds. */
  async sweeps(): Promise<void> {
    const { redis, ledger } = this.opened;
    for (const key of await redis.zrangebyscore(ledger.keys.due, '-inf', this.now)) {
      const one = this.#attempts.get(key);
      if (one !== undefined) await this.claims(key, one.attempt, 0);
    }
  }

  /**
   * Messages of which no copy was sent to him since he sessionAvailable anew, but for those that sessions had which went on: what is out
   * of them. `answered`: or that a session had which answered since.
   */
  async forgotten(answered: boolean): Promise<string[]> {
    const { redis, ledger } = this.opened;
    const out = await copiesOut(redis, ledger.keys, BOB, 1000);
    const asked = Object.values(await redis.hgetall(ledger.keys.asked(BOB))).map((one) => one.split(';'));
    const lastAnswer = Math.max(0, ...asked.map(([, at, state]) => (state === 'a' ? Number(at) : 0)));
    const forgotten: string[] = [];
    for (const key of this.#attempts.keys()) {
      if (this.#sent.has(key)) continue;
      const { how, handed } = out.found.find((copy) => copy.key === key) ?? { how: 'none', handed: Number.NaN };
      if (how !== 'e' && !(answered && (how === 'a' || lastAnswer >= handed))) forgotten.push(`${how} ${handed}`);
    }
    return forgotten;
  }

  seen(): number[] {
    return [...this.#attempts.values()].map(({ seen }) => seen);
  }

  async step(): Promise<void> {
    const what = Math.floor(this.#random.next() * 11);
    const resource = this.pick(RESOURCES);
    this.log.push(`${this.now % 1e7} ${what} ${resource}`);
    if (what <= 1) await this.writes();
    else if (what === 2) await this.sees(resource, true, 0);
    else if (what === 3) await this.sees(resource, true, -1);
    else if (what === 4) await this.sees(resource, false, 0);
    else if (what === 5) {
      if (this.#alive.has(resource)) this.#alive.set(resource, 'silent');
    } else if (what === 6) {
      if (this.#alive.has(resource)) {
        this.#alive.set(resource, 'answers');
        await this.at(sequenceGap(BOB, resource, ALICE, this.now, this.now + 10 * SECOND));
      }
    } else if (what === 7) {
      await this.at(forgetPresence([BOB]));
      this.now += SECOND;
      if (this.#random.next() < 0.5) await this.sweeps();
      for (const one of [...this.#alive.keys()]) {
        if (this.#random.next() < 0.7) await this.sees(one, true, 0);
        else this.#alive.delete(one);
      }
      const ended = await this.at(endUnheardSessions(BOB, this.now, true));
      for (const _ of ended) await this.comes('ended');
    } else if (what === 8) this.now += 5 * SECOND;
    else if (what === 9) {
      this.now += STEP;
      await this.sweeps();
    } else {
      this.now += 5 * STEP;
      await this.sweeps();
    }
    this.now += this.pick([1, SECOND, 2 * SECOND]);
  }

  /** All his sessions end, and he comes with another, which is there for an hour. */
  async comesAnew(ends: boolean): Promise<void> {
    for (const resource of [...this.#alive.keys()]) {
      if (ends) await this.sees(resource, false, 0);
      else this.#alive.set(resource, 'silent');
    }
    this.now += SECOND;
    this.#sent = new Set();
    await this.sees('final', true, 0);
    for (let i = 0; i < 60; i += 1) {
      this.now += 60 * SECOND;
      await this.sweeps();
    }
  }
}

const SEEDS = Array.from({ length: 24 }, (_, seed) => seed);

/** What has gone wrong in stories of that many steps, each with its seed and what was done. */
async function problemsOf(confirms: boolean, ends: boolean, check: (story: Story) => unknown[] | Promise<unknown[]>) {
  const problems: unknown[] = [];
  for (const seed of SEEDS) {
    const story = new Story(seed, confirms);
    try {
      await story.begin();
      for (let i = 0; i < 25; i += 1) await story.step();
      await story.comesAnew(ends);
      const wrong = await check(story);
      if (wrong.length > 0) problems.push({ seed, wrong, log: story.log });
    } finally {
      story.opened.close();
    }
  }
  return problems;
}

test('what is not confirmed is sent when all his sessions have ended and he comes with another', async () => {
  expect(await problemsOf(true, true, (story) => story.forgotten(false))).toEqual([]);
});

test('and when they have fallen silent, but for what they had', async () => {
  expect(await problemsOf(true, false, (story) => story.forgotten(true))).toEqual([]);
});

test('who was never seen to confirm sees no more than UNCONFIRMED_RETRIES further copies', async () => {
  const most = 1 + TIMETABLE.unconfirmedRetries;
  expect(await problemsOf(false, true, (story) => story.seen().filter((copies) => copies > most))).toEqual([]);
});
