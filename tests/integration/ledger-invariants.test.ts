// What holds of the ledger whatever is done in it, in whatever order.

import fc from 'fast-check';
import {
  bounce,
  cancel,
  claim,
  erase,
  handOver,
  notified,
  type Request,
  readdress,
  reject,
  requeue,
  type StoredRecord,
  settle,
  supersede,
  withdraw,
} from '../../src/store/contract.ts';
import { decodeRecord } from '../../src/store/redis/record-codec.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, spoil } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const once = <R extends Request>(request: R) => opened.ledger.perform(request);

const IDS = ['m', 'n'];
const write = fc.record({
  what: fc.constant('write' as const),
  id: fc.constantFrom(...IDS),
  body: fc.constantFrom('yes', 'no'),
  countable: fc.boolean(),
  resource: fc.constantFrom('phone', 'tablet'),
  corrects: fc.constantFrom(undefined, undefined, 'm'),
  reply: fc.constantFrom('heard' as const, 'heard' as const, 'lost, asked again' as const, 'lost, refused' as const),
});
/** Done to one of the records that there are. */
const act = fc.record({
  what: fc.constantFrom(
    ...(['hand over', 'claim', 'settle', 'settle by id', 'bounce', 'reject', 'requeue', 'cancel'] as const),
    ...(['supersede', 'tell', 'readdress', 'refuse again', 'damage', 'erase all'] as const),
  ),
  which: fc.nat(),
});

/** What was acknowledged: its attempt, where it is, and what it says. */
interface Acknowledged {
  readonly token: string;
  readonly key: string;
  readonly digest: string;
}

function readable(key: string, value: string): StoredRecord | undefined {
  try {
    return decodeRecord(key, value);
  } catch {
    return undefined;
  }
}

const digestOf = (value: string) => value.split('\x1f')[8] ?? '';

test('nothing acknowledged is missing or forgotten, nothing owed is, and no count drifts', async () => {
  let tokens = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 2, arbitrary: write }, { weight: 3, arbitrary: act }), {
        maxLength: 40,
        size: 'max',
      }),
      async (steps) => {
        opened = openLedger(server.url);
        const { redis, ledger } = opened;
        const prefix = ledger.keys.record('');
        const names = () => redis.keys(`${prefix.replace(/[{}]/g, '?')}*`);
        let acknowledged: Acknowledged[] = [];
        const refused: string[] = [];
        const notifiedOf = new Set<string>();
        const cancelled = new Set<string>();
        try {
          for (const step of steps) {
            if (step.what === 'write') {
              tokens += 1;
              const token = `t${tokens}`;
              const { id, body, countable, resource, corrects, reply } = step;
              const operation = aliceWrites({ id, body, countable, resource, token, ...(corrects && { corrects }) });
              const digest = operation.digest;
              let accepted = await once(operation);
              if (reply === 'lost, asked again') accepted = await once(operation);
              if (reply === 'lost, refused') {
                await once(withdraw(keyOf(id), token));
                refused.push(token);
              } else {
                const key = accepted.outcome === 'known' ? accepted.record.key : (accepted as { key: string }).key;
                acknowledged.push({ token, key, digest });
              }
            } else {
              const all = (await names()).sort();
              const name = all[step.which % Math.max(1, all.length)];
              if (name === undefined) continue;
              const key = name.slice(prefix.length);
              const record = readable(key, (await redis.get(name)) as string);
              // A tombstone that was damaged, and that nothing has come across since.
              if (record === undefined) continue;
              if (step.what === 'hand over') {
                const due = Date.now() + DAY;
                const { attempt, copies } = record;
                const about = { sender: ALICE, recipient: BOB, noStore: false, byTimetable: due, unconfirmed: due };
                await once(handOver({ key, attempt, copies: copies + 1, ...about }));
              } else if (step.what === 'claim') await once(claim(key, record.attempt));
              else if (step.what === 'settle') await once(settle(key, 'desk', Date.now()));
              else if (step.what === 'settle by id') await once(settle(key.slice(0, 14), 'desk', Date.now()));
              else if (step.what === 'bounce') await once(bounce(key));
              else if (step.what === 'reject') await once(reject(key, Date.now(), 'gone', undefined, undefined));
              else if (step.what === 'requeue') await once(requeue(key));
              else if (step.what === 'cancel') {
                if ((await once(cancel(key, ALICE, Date.now(), 'its sender'))).outcome === 'cancelled')
                  cancelled.add(key);
              } else if (step.what === 'supersede') await once(supersede(key));
              else if (step.what === 'readdress') await once(readdress(key, 'tablet', 'm'));
              else if (step.what === 'tell') {
                if (record.state !== 'pending') for (const one of notified([record])) await once(one);
                if (record.state !== 'pending') notifiedOf.add(key + record.state);
              } else if (step.what === 'refuse again') {
                const token = refused[step.which % Math.max(1, refused.length)];
                if (token !== undefined) for (const id of IDS) await once(withdraw(keyOf(id), token));
              } else if (step.what === 'damage') {
                await spoil(redis, name);
                await ledger.sweep(1000, 100, Date.now() + 60_000);
                for (const id of IDS) await once(settle(keyOf(id), 'desk', Date.now()));
                acknowledged = acknowledged.filter((one) => one.key !== key);
              } else {
                await once(
                  erase(
                    BOB,
                    all.map((one) => one.slice(prefix.length)),
                  ),
                );
                acknowledged = [];
              }
            }
            // What holds.
            let pending = 0;
            let held = 0;
            for (const name of await names()) {
              const key = name.slice(prefix.length);
              const value = (await redis.get(name)) as string;
              const due = async (member: string) => (await redis.zscore(ledger.keys.due, member)) !== null;
              if (value[1] === 'p') {
                pending += 1;
                if (!value.startsWith('00', 4)) held += 1;
                expect([key, await due(key)]).toEqual([key, true]);
              } else if (value[1] === 'd') {
                const owed = value[3] === '1' && !notifiedOf.has(`${key}delivered`);
                if (owed) expect([key, await due(key)]).toEqual([key, true]);
              } else if (
                (value[1] === 'x' || value[1] === 'r') &&
                !cancelled.has(key) &&
                !notifiedOf.has(`${key}rejected`)
              ) {
                expect([key, await due(key + value[1])]).toEqual([key, true]);
              }
            }
            expect((await ledger.figures()).pending).toBe(pending);
            expect(Number((await redis.hget(ledger.keys.holds(ALICE), BOB)) ?? 0)).toBe(held);
            expect(Math.floor(Number(await redis.hget(ledger.keys.load, ALICE)) / 1e10)).toBe(held);
            for (const { key, digest, token } of acknowledged) {
              const value = await redis.get(prefix + key);
              expect([token, digestOf(value ?? '')]).toEqual([token, digest]);
            }
          }
        } finally {
          opened.close();
        }
      },
    ),
    { numRuns: Number(process.env.RUNS ?? 40) },
  );
});
