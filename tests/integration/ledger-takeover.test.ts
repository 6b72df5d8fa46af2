// A ledger of the last version without partitions in its keys (commit c3f4df1) is taken over with nothing lost.
import { readFileSync } from 'node:fs';
import type { StoredRecord } from '../../src/store/contract.ts';
import { claim, type ReplyTo, type Request, settle } from '../../src/store/contract.ts';
import { LedgerPreparation } from '../../src/store/redis/preparation.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { encoded } from '../../src/util/octets.ts';
import { keyOfWireId } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, RETRY, SECOND } from '../support/store/ledger.ts';
import { type OlderKey, writeOlderLedger } from '../support/store/older-ledger.ts';

interface Fixture {
  readonly madeAt: number;
  readonly records: Readonly<Record<string, StoredRecord>>;
  readonly keys: readonly OlderKey[];
}

const {
  madeAt: T,
  records,
  keys,
}: Fixture = JSON.parse(readFileSync(new URL('../fixtures/ledger-format-2.json', import.meta.url), 'utf8'));
const PREFIX = '{old}';
const ORIGIN_ID = 'c0a8012e-7a53-4f43-9a9e-3a8f3e0a7c11';
const PENDING = ['pending', 'out', 'corrected', 'correction', 'c1'];

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const perform = <R extends Request>(request: R, at = T + 3 * SECOND): Promise<ReplyTo<R>> =>
  opened.ledger.perform(request, at);
const words = (id: string) => `words of ${id}, with é and 漢字`;
/** The same as a record has it. */
const octets = (id: string) => encoded(words(id));
/** Sends a message that was written then, again. */
const resend = (id: string, body: string, more: Parameters<typeof aliceWrites>[0] = {}) =>
  perform(aliceWrites({ id, body, at: T + 3 * SECOND, ...more }));

test('the fixture has pending messages, told and untold ones, an alias, a second message under an id and a correction', () => {
  const states = Object.values(records).map(({ wireId, state }) => `${wireId.replace(/~.*/, '~')} ${state}`);
  expect(states.sort()).toEqual(
    [
      'c1 pending',
      'c1~ pending',
      'corrected pending',
      'correction pending',
      'expired unconfirmed',
      'out pending',
      'owed delivered',
      'pending pending',
      'rejected rejected',
      'told delivered',
      'wire pending',
    ].sort(),
  );
});

describe.each([1, 16])('taken over into %d shards', (shards) => {
  afterEach(() => opened.close());
  beforeEach(async () => {
    opened = openLedger(server.url, { prefix: PREFIX, shards });
    const { redis, ledger } = opened;
    await redis.flushall();
    await writeOlderLedger(redis, PREFIX, keys);
    const times = RETRY.storeTimes({ dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY });
    const probe = new Probe(redis, PREFIX, undefined, ledger.shards);
    const common = { redis, shards: ledger.shards, times, probe, log: { info: () => {} }, settledAfter: 0 };
    await new LedgerPreparation({ ...common, isNumberSet: true }).prepare();
  });

  test('a message that is sent again is known, whatever became of it', async () => {
    for (const id of ['pending', 'out', 'told', 'owed', 'expired', 'rejected', 'corrected'])
      expect([id, (await resend(id, words(id))).outcome]).toEqual([id, 'known']);
    expect((await resend('wire', 'hello', { originId: ORIGIN_ID })).outcome).toBe('known');
    expect((await resend('c1', 'two', { countable: true })).outcome).toBe('known');
    expect((await resend('never', 'sent')).outcome).toBe('stored');
  });

  test('a receipt settles what is pending, by any of its names', async () => {
    for (const id of PENDING)
      expect([id, (await perform(settle(keyOf(id), 'desk', T + 3 * SECOND))).outcome]).toEqual([id, 'delivered']);
    // By the id that it had on the wire.
    expect((await perform(settle(keyOf('wire'), 'desk', T + 3 * SECOND))).outcome).toBe('delivered');
    expect((await perform(settle(keyOf('told'), 'desk', T + 3 * SECOND))).outcome).toBe('repeated');
    expect((await opened.ledger.figures(T)).pending).toBe(1);
    const second = Object.values(records).find(({ wireId }) => wireId.startsWith('c1~')) as StoredRecord;
    expect((await perform(settle(keyOfWireId(ALICE, BOB, second.wireId), 'desk', T + 3 * SECOND))).outcome).toBe(
      'delivered',
    );
    expect((await opened.ledger.figures(T)).pending).toBe(0);
  });

  test('a sweep takes what is pending with its words, and what is owed to senders', async () => {
    const { overdue, damaged } = await opened.ledger.sweep(SECOND, 1000, T + 6 * DAY);
    const taken = overdue.map(({ wireId, state }) => `${wireId.replace(/~.*/, '~')} ${state}`);
    expect(taken.sort()).toEqual(
      Object.values(records)
        .map(({ wireId, state }) => `${wireId.replace(/~.*/, '~')} ${state}`)
        .filter((text) => text !== 'told delivered' && text !== 'expired unconfirmed')
        .sort(),
    );
    expect(damaged).toBe(0);
    const pending = overdue.find(({ wireId }) => wireId === 'pending') as StoredRecord;
    const [letter] = await perform(claim(pending.key, pending.attempt)).then((it) =>
      it.outcome === 'claimed' ? [it.record] : [],
    );
    expect(letter?.inner).toContain(octets('pending'));
  });

  test('a correction still belongs to what it corrects', async () => {
    const [correction] = await opened.ledger.status([keyOf('correction')]);
    expect(correction).toMatchObject({ state: 'pending', target: keyOf('corrected') });
  });
});
