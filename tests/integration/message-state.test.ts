// The table of a message's life against what the scripts do: each event in each state, and ways through many of them.
import fc from 'fast-check';
import {
  after,
  ENDINGS,
  EVENTS,
  type Life,
  type MessageEvent,
  type MessageState,
  STATES,
} from '../../src/delivery/message-state.ts';
import {
  bounce,
  cancel,
  claim,
  expire,
  handOver,
  isProved,
  notified,
  prove,
  type Request,
  reject,
  requeue,
  type StoredRecord,
  settle,
  supersede,
} from '../../src/store/contract.ts';
import { decodeRecord } from '../../src/store/redis/record-codec.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, spoil } from '../support/store/ledger.ts';

const TTL = 7 * DAY;
const ALL_EVENTS = Object.keys(EVENTS) as MessageEvent[];
/** By which events each state is reached. */
const WAYS: Readonly<Record<MessageState, readonly MessageEvent[]>> = {
  pending: [],
  delivered: ['confirmed'],
  expired: ['timed out'],
  unconfirmed: ['timed out in doubt'],
  proved: ['proved'],
  rejected: ['refused'],
  cancelled: ['cancelled'],
  quarantined: ['damaged'],
};

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** One message in the ledger, to which things happen. It corrects another, so that a later correction may outdate it. */
class Subject {
  readonly #key = keyOf('m-1');
  readonly #opened = openLedger(server.url);
  #now = Date.now();
  #corrections = 0;

  async write(): Promise<void> {
    await this.#do(aliceWrites({ id: 'm-0', at: this.#now }));
    await this.#do(aliceWrites({ id: 'm-1', corrects: 'm-0', at: this.#now }));
  }

  async happens(event: MessageEvent): Promise<void> {
    this.#now += 1000;
    const [key, now] = [this.#key, this.#now];
    const record = await this.record();
    switch (event) {
      case 'handed over':
        await this.#handOver(record);
        break;
      case 'bounced':
        await this.#do(bounce(key));
        break;
      case 'confirmed':
        await this.#do(settle(key, 'desk', now));
        break;
      case 'proved':
        await this.#do(prove(key, 'desk', now, false));
        break;
      case 'superseded': {
        this.#corrections += 1;
        const id = `c-${this.#corrections}`;
        await this.#do(aliceWrites({ id, corrects: 'm-0', at: now }));
        await this.#do(settle(keyOf(id), 'desk', now));
        await this.#do(supersede(keyOf(id)));
        break;
      }
      case 'refused':
        await this.#do(reject(key, now, 'item-not-found', 'cancel', undefined));
        break;
      case 'unsendable':
        await this.#do(reject(key, now, 'policy-violation', undefined, 'why'));
        break;
      case 'timed out':
        // Of what came back, it is known that it did not arrive.
        await this.#do(bounce(key));
        this.#now += TTL;
        await this.#do(expire(key, this.#now));
        break;
      case 'timed out in doubt':
        // Nobody ever saw him confirm anything. A bounce is the answer to the attempt before it: a copy of a later one is out.
        if (record.state === 'pending') await this.#do(claim(key, record.attempt));
        await this.#handOver(await this.record());
        this.#now += TTL;
        await this.#do(expire(key, this.#now));
        break;
      case 'cancelled':
        await this.#do(cancel(key, ALICE, now, 'its sender'));
        break;
      case 'damaged':
        await spoil(this.#opened.redis, this.#opened.ledger.keys.record(key));
        await this.#do(claim(key, 0xffff));
        break;
      case 'requeued':
        await this.#do(requeue(key));
        break;
    }
  }

  async record(): Promise<StoredRecord> {
    const { redis, ledger } = this.#opened;
    return decodeRecord(this.#key, (await redis.get(ledger.keys.record(this.#key))) as string);
  }

  /** What the table speaks of, as Redis has it. */
  async life(): Promise<Life> {
    const { redis, ledger } = this.#opened;
    const record = await this.record();
    const { state, condition, conditionText } = record;
    const isKept = (await redis.exists(ledger.keys.undelivered(this.#key))) === 1;
    const isCancelled = conditionText?.startsWith('Cancelled by') === true;
    const isDamaged = condition === 'internal-server-error' && !isKept;
    if (isProved(record)) return { state: 'proved', isKept };
    if (state !== 'rejected') return { state, isKept };
    return { state: (isCancelled && 'cancelled') || (isDamaged && 'quarantined') || 'rejected', isKept };
  }

  /** Whether its sender is still to be told how it ended. */
  async isOwed(): Promise<boolean> {
    const { redis, ledger } = this.#opened;
    const { state } = await this.record();
    const letter = { pending: undefined, delivered: '', expired: 'x', unconfirmed: 'u', rejected: 'r' }[state];
    return letter !== undefined && (await redis.zscore(ledger.keys.due, this.#key + letter)) !== null;
  }

  /** Nothing of another ending than that of its state may be left to be told. */
  async owedMembers(): Promise<string[]> {
    const { redis, ledger } = this.#opened;
    return (await redis.zrange(ledger.keys.due, '0', '-1')).filter((member) => member.startsWith(this.#key));
  }

  async isNotified(): Promise<void> {
    for (const operation of notified([await this.record()])) await this.#do(operation);
  }

  close(): void {
    this.#opened.close();
  }

  #handOver({ attempt, copies }: StoredRecord): Promise<unknown> {
    const due = this.#now + TTL;
    const about = { sender: ALICE, recipient: BOB, noStore: false, byTimetable: due, unconfirmed: due };
    return this.#do(handOver({ key: this.#key, attempt, copies: copies + 1, ...about }));
  }

  async #do(request: Request): Promise<void> {
    await this.#opened.ledger.perform(request, this.#now);
  }
}

/** Lets an event happen in Redis and in the table, and compares what came of it. */
async function step(subject: Subject, life: Life, event: MessageEvent): Promise<Life> {
  const wasOwed = await subject.isOwed();
  await subject.happens(event);
  const { life: expected, ending } = after(life, event);
  expect([event, await subject.life()]).toEqual([event, expected]);
  const sender = ending === undefined || ending === 'discarded' ? undefined : ENDINGS[ending].sender;
  const isOwed = sender === undefined ? wasOwed : sender !== 'nothing';
  expect([event, ending, await subject.isOwed()]).toEqual([event, ending, isOwed]);
  const members = expected.state === 'pending' || isOwed ? 1 : 0;
  expect([event, (await subject.owedMembers()).length]).toEqual([event, members]);
  return expected;
}

const open: Subject[] = [];
afterEach(() => {
  for (const subject of open.splice(0)) subject.close();
});

async function subjectIn(state: MessageState): Promise<{ subject: Subject; life: Life }> {
  const subject = new Subject();
  open.push(subject);
  await subject.write();
  let life: Life = { state: 'pending', isKept: false };
  for (const event of WAYS[state]) life = await step(subject, life, event);
  expect(life.state).toBe(state);
  return { subject, life };
}

const CASES = STATES.flatMap((state) => ALL_EVENTS.map((event) => [state, event] as const))
  // What owes nothing and is damaged is put aside without a trace.
  .filter(([state, event]) => !((state === 'cancelled' || state === 'proved') && event === 'damaged'));

test.each(CASES)('%s, %s: the scripts do what the table says', async (state, event) => {
  const { subject, life } = await subjectIn(state);
  const next = await step(subject, life, event);
  // Once it is told, nothing brings it back: not the same event, nor another that changes nothing.
  if (next.state === 'pending') return;
  await subject.isNotified();
  expect(await subject.isOwed()).toBe(false);
  for (const again of ALL_EVENTS.filter((one) => one !== 'damaged' && after(next, one).ending === undefined)) {
    await subject.happens(again);
    expect([again, await subject.life(), await subject.isOwed()]).toEqual([again, next, false]);
  }
});

test('any way through a life is the same in Redis and in the table', async () => {
  // A damaged ending may lose what told it from another one; it is in the cases above.
  const events = ALL_EVENTS.filter((event) => event !== 'damaged');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...events), { maxLength: 12 }), async (way) => {
      const { subject, life: start } = await subjectIn('pending');
      let life = start;
      for (const event of way) {
        // What is outdated while it has ended ends again as soon as it is sent after all: two events at once, and no step.
        if (event === 'superseded' && life.state !== 'pending') continue;
        life = await step(subject, life, event);
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 40) },
  );
});
