import { Redis } from 'ioredis';
import { RULES } from '../../../src/store/redelivery-rules.ts';
import { inColumns } from '../../../src/store/redis/codec/columns.ts';
import { Keys } from '../../../src/store/redis/keys.ts';
import { encodeRecord } from '../../../src/store/redis/record-codec.ts';
import { BATCH } from '../../../src/store/redis/scripts.ts';
import { textOf } from '../../../src/util/octets.ts';
import { payloadDigest } from '../../../src/xmpp/stanza/message-key.ts';
import { opened } from '../process/opened.ts';
import { ALICE, BOB, DAY, keyOf, SECOND } from './ledger.ts';

/** The time that scripts are given, ms. */
export const NOW = 1_795_000_000_000;

/** How many arguments an operation has, its name among them, and what it usually replies. */
const USUAL: Readonly<Record<string, readonly [width: number, reply: string]>> = {
  accept: [3, 'stored'],
  acceptCounted: [3, 'stored'],
  withinQuota: [9, 'within\0' + '0\0stored'],
  settleAtHand: [3, 'delivered-at-hand\0' + '000001'],
  settleToldAtHand: [3, 'delivered-at-hand\0' + '000001'],
  notified: [2, 'done'],
  anythingOut: [2, 'list'],
  shard: [2, 'done'],
};

/** A batch's reply with one for each of these operations, also where all came to what they usually do. */
export function eachReply(reply: readonly string[], operations: readonly (string | number)[]): string[] {
  if (reply[1] !== 'as-usual') return [...reply];
  const others = new Map<string, string>();
  for (let at = 2; at < reply.length; at += 2) others.set(reply[at] as string, reply[at + 1] as string);
  const replies = [reply[0] as string];
  for (let at = 0; at < operations.length; ) {
    const name = operations[at] as string;
    const [width, usual] = USUAL[name] as readonly [number, string];
    replies.push(others.get(`${replies.length}`) ?? usual);
    at += name === 'notified' || name === 'anythingOut' ? width + Number(operations[at + 1]) : width;
  }
  return replies;
}

/** A batch's arguments as they are sent: in columns where they can be (codec/columns.ts). */
export function asSent(args: readonly (string | number)[], prefixes: readonly string[]): readonly (string | number)[] {
  return (inColumns(args, BATCH_ARGUMENTS.length, prefixes) as (string | number)[] | undefined) ?? args;
}

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
    async call(script: string, ...args: (string | number)[]): Promise<string[]> {
      const given = script === BATCH ? asSent(args, [keys.prefix]) : args;
      const reply = (await redis.eval(script, 1, keys.prefix, ...given)) as string[];
      return Array.isArray(reply) ? eachReply(reply, args.slice(BATCH_ARGUMENTS.length)) : reply;
    },
    /** Everything under the prefix, byte by byte, but for the clock. */
    async content(): Promise<Record<string, string>> {
      const names = (await redis.keys(`${keys.prefix}*`)).filter((name) => name !== keys.clock).sort();
      const contents = await Promise.all(names.map((name) => contentOf(redis, name)));
      return Object.fromEntries(names.map((name, i) => [name.slice(keys.prefix.length), String(contents[i])]));
    },
    /** Removes it. */
    async empty(): Promise<void> {
      const names = await redis.keys(`${keys.prefix}*`);
      if (names.length > 0) await redis.del(...names);
    },
    close() {
      closed();
      redis.disconnect();
    },
  };
}

/** A hash and a set have no order, which their dumps have all the same: that in which it was written first. */
async function contentOf(redis: Redis, name: string): Promise<string | undefined> {
  const read = async (command: string) =>
    ((await redis.callBuffer(command, name)) as Buffer[]).map((each) => each.toString('hex'));
  switch (await redis.type(name)) {
    case 'hash': {
      const all = await read('HGETALL');
      return all
        .flatMap((field, i) => (i % 2 === 0 ? [`${field}=${all[i + 1]}`] : []))
        .sort()
        .join(' ');
    }
    case 'set':
      return (await read('SMEMBERS')).sort().join(' ');
    default:
      return (await redis.dumpBuffer(name))?.toString('hex');
  }
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
