import { Redis } from 'ioredis';
import { RULES } from '../../../src/store/redelivery-rules.ts';
import { Keys } from '../../../src/store/redis/keys.ts';
import { encodeRecord } from '../../../src/store/redis/record-codec.ts';
import { textOf } from '../../../src/util/octets.ts';
import { payloadDigest } from '../../../src/xmpp/stanza/message-key.ts';
import { opened } from '../process/opened.ts';
import { ALICE, BOB, DAY, keyOf, SECOND } from './ledger.ts';

/** The time that scripts are given, ms. */
export const NOW = 1_795_000_000_000;

let prefixes = 0;

/** A prefix of its own in a running Redis, to call scripts by themselves with whatever arguments. */
export function openScripts(url: string) {
  const redis = new Redis(url);
  prefixes += 1;
  const keys = new Keys(`{script${prefixes}}`);
  const closed = opened('a connection for scripts', () => redis.disconnect());
  return {
    redis,
    keys,
    /** Calls a script. Rejects with Redis' error. */
    call: (script: string, ...args: (string | number)[]) =>
      redis.eval(script, 1, keys.prefix, ...args) as Promise<string[]>,
    /** Everything under the prefix, byte by byte, but for the clock. */
    async content(): Promise<Record<string, string>> {
      const names = (await redis.keys('*')).filter((name) => name.startsWith(keys.prefix) && name !== keys.clock);
      const dumps = await Promise.all(names.sort().map((name) => redis.dumpBuffer(name)));
      return Object.fromEntries(
        names.map((name, i) => [name.slice(keys.prefix.length), String(dumps[i]?.toString('hex'))]),
      );
    },
    close() {
      closed();
      redis.disconnect();
    },
  };
}

/** What a batch is given before its operations. */
export const BATCH_ARGUMENTS = [
  `=${NOW}`,
  10 * SECOND,
  8 * DAY,
  30 * DAY,
  7 * DAY,
  90 * DAY,
  30 * SECOND,
  RULES,
  0,
  1,
] as const;

/** What a sweep is given. */
export const SWEEP_ARGUMENTS = [`=${NOW}`, 10 * SECOND, 100, 7 * DAY, 8 * DAY, 30 * DAY, 0] as const;

/** A record of alice's message to bob, as Redis holds it. */
export function recordOf(id: string, storedAt = NOW - SECOND): string {
  const inner = `<body>${id}</body>`;
  const envelope = {
    sender: ALICE,
    senderResource: 'phone',
    recipient: BOB,
    recipientResource: '',
    wireId: id,
    senderId: id,
    owesReceipt: true,
    type: 'chat',
    otherAttributes: '',
  };
  return textOf(encodeRecord(envelope, inner, payloadDigest(inner), storedAt, `token-${id}`));
}

/** An operation that stores it. */
export const accepts = (id: string) => ['accept', keyOf(id), recordOf(id)] as const;
