import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { handOver } from '../src/store/contract.ts';
import * as scripts from '../src/store/redis/scripts.ts';
import { DEFAULT_SHARDS } from '../src/store/redis/shards.ts';
import { recordKey } from '../src/xmpp/stanza/message-key.ts';
import { CommandWindow } from '../tests/support/clients/command-window.ts';
import { OpenfireStage } from '../tests/support/stages/openfire-stage.ts';
import { aliceWrites, ledgerIn } from '../tests/support/store/ledger.ts';
import { DAY } from './filling.ts';
import type { Goal } from './goals.ts';

export interface QueriesPlan {
  /** Messages that wait, and dead letters. */
  readonly filled: number;
  readonly letters: number;
  readonly rounds: number;
}

/** The call of one query that held Redis for longest, of each round: us, and what it was. */
export interface QueryCost {
  readonly name: string;
  readonly longest: readonly number[];
  readonly command: string;
}

interface Entry {
  readonly us: number;
  readonly command: string;
}

/** So short that it is not noted. */
const NONE: Entry = { us: 0, command: '-' };
const SCRIPT_NAMES = new Map(
  Object.entries(scripts).flatMap(([name, text]) =>
    typeof text === 'string' ? [[createHash('sha1').update(text).digest('hex'), name] as const] : [],
  ),
);

const BATCH = 500;
const SETTINGS = {
  ADMIN_JIDS: 'admin@example.org',
  MESSAGE_TTL: '7d',
  DEDUP_WINDOW: '8d',
  RETRY_SCHEDULE: '1h',
  UNCONFIRMED_RETRY_AFTER: '1h',
};
const at = (name: string) => `${name}@example.org`;

/**
 * Who writes to whom: a bot that has used up its quota, 20,000 messages to as many people; somebody who is away and has 30,000
 * from 1,000; the rest between 1,000 senders and 5,000 recipients.
 */
function pairOf(number: number): { sender: string; recipient: string } {
  if (number < 20_000) return { sender: at('bot'), recipient: at(`reader${number}`) };
  if (number < 50_000) return { sender: at(`user${number % 1000}`), recipient: at('away') };
  return { sender: at(`user${number % 1000}`), recipient: at(`friend${(number * 7) % 5000}`) };
}

/** Puts messages into the ledger that were handed over and wait for a receipt. */
async function fill(redis: Redis, prefix: string, { filled, letters }: QueriesPlan): Promise<void> {
  const ledger = ledgerIn(redis, { prefix, shards: DEFAULT_SHARDS });
  const now = Date.now();
  for (let first = 0; first < filled; first += BATCH) {
    const operations = Array.from({ length: Math.min(BATCH, filled - first) }, (_, i) => {
      const number = first + i;
      const pair = pairOf(number);
      const copy = { attempt: 1, copies: 1, byTimetable: now + DAY, unconfirmed: now + DAY, noStore: false };
      const key = recordKey(pair.sender, pair.recipient, `f-${number}`);
      return [
        aliceWrites({ id: `f-${number}`, at: now - filled + number, ...pair }),
        handOver({ ...pair, ...copy, key }),
      ];
    });
    await ledger.batch(operations.flat(), now + DAY);
  }
  // Their time is over: a sweep makes dead letters of them.
  for (let first = 0; first < letters; first += BATCH) {
    const operations = Array.from({ length: Math.min(BATCH, letters - first) }, (_, i) =>
      aliceWrites({ id: `l-${first + i}`, at: now - 8 * DAY, sender: at('user1'), recipient: at('gone') }),
    );
    await ledger.batch(operations, now);
  }
}

/** A call that is noted costs Redis a little, in a script each of its commands: not all are. us */
const NOTED = 200;

/** Calls since the last look that took long; of what Redis is asked otherwise too: there is nobody else. */
async function slowCalls(redis: Redis): Promise<Entry[]> {
  const log = (await redis.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
  await redis.call('SLOWLOG', 'RESET');
  return log
    .map(([, , us, [command = '', ...args]]) => ({
      us,
      command: `${command.toUpperCase()} ${SCRIPT_NAMES.get(args[0] ?? '') ?? (args[0] ?? '').trim().slice(0, 40)}`,
    }))
    .filter(({ command }) => !/^(SLOWLOG|CONFIG)\b/.test(command));
}

/** What each query of the console, of its API and of the commands costs Redis with so many messages in the ledger. */
export async function queryCosts(plan: QueriesPlan, say: (text: string) => void): Promise<QueryCost[]> {
  const stage = await OpenfireStage.open();
  const redis = new Redis(stage.redis.url);
  try {
    const openfire = await stage.openfire();
    const proxy = await stage.attach(SETTINGS);
    await fill(redis, stage.prefix, plan);
    const get = async (path: string) => {
      const response = await fetch(`${proxy.url}/api${path}`);
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.text();
    };
    while ((JSON.parse(await get('/now')) as { store: { deadLetters: number } }).store.deadLetters < plan.letters)
      await sleep(200);
    say(`${plan.filled} messages wait, and there are ${plan.letters} dead letters`);

    const admin = new CommandWindow(openfire.user('admin', 'desk'), 'receipts.example.org');
    const command = async (name: string, filled?: Record<string, string>) => {
      const { error } = await admin.open(name);
      const after = filled === undefined ? undefined : await admin.submit(filled);
      if (error ?? after?.error) throw new Error(`${name}: ${error ?? after?.error}`);
    };
    const [user, away, bot] = ['user1', 'away', 'bot'].map(at);
    const key = recordKey(at('user0'), at('away'), 'f-20000');
    const queries: Record<string, () => Promise<unknown>> = {};
    const paths = [
      ...['/now', '/people', `/people/${away}`, '/waiting', `/waiting?for=${away}`],
      ...[
        '/messages',
        '/messages?id=f-20000',
        `/messages?from=${user}`,
        `/messages?from=${bot}`,
        `/messages?to=${away}`,
      ],
      ...[`/messages/${key}`, '/dead-letters', `/dead-letters?of=${user}`, '/dead-letters.jsonl'],
    ];
    for (const path of paths) queries[`GET ${path.replace(key, 'KEY')}`] = () => get(path);
    queries['My undelivered messages'] = () => command('My undelivered messages');
    queries['Status of the proxy'] = () => command('Status of the proxy');
    queries['Look up a message'] = () =>
      command('Look up a message', { sender: at('user0'), recipient: at('away'), id: 'f-20000' });
    queries['Waiting for a user'] = () => command('Waiting for a user', { user: at('away') });
    queries['Queue figures'] = () => command('Queue figures');
    queries['Heaviest senders'] = () => command('Heaviest senders');
    queries['Retry or drop undelivered'] = () => command('Retry or drop undelivered', { user: at('user1') });
    queries['Forget a user, the count'] = () => command('Forget a user', { user: at('bot') });

    await redis.config('SET', 'slowlog-max-len', '1000000');
    await redis.config('SET', 'slowlog-log-slower-than', `${NOTED}`);
    const entries = new Map<string, Entry[]>();
    for (let round = 0; round < plan.rounds; round += 1) {
      // What waits is looked through once for all who ask within five seconds.
      await sleep(5200);
      for (const [name, ask] of Object.entries(queries)) {
        await slowCalls(redis);
        await ask();
        const worst = (await slowCalls(redis)).reduce((one, other) => (other.us > one.us ? other : one), NONE);
        entries.set(name, [...(entries.get(name) ?? []), worst]);
      }
    }
    const costs = [...entries].map(([name, longest]): QueryCost => {
      const worst = longest.reduce((one, other) => (other.us > one.us ? other : one));
      return { name, longest: longest.map(({ us }) => us), command: worst.command };
    });
    for (const cost of costs) say(lineOf(cost));
    return costs;
  } finally {
    redis.disconnect();
    await stage.close();
  }
}

const ms = (us: number) => (us / 1000).toFixed(2);

const lineOf = ({ name, longest, command }: QueryCost) =>
  `${name}: the longest call of each round ${longest.map(ms).join(', ')} ms (${command})`;

/** ms that one call may hold Redis. */
const GOAL = 5;

/** ms: of the longest call, and of the longest in each round. */
function longestOf(costs: readonly QueryCost[]): {
  readonly once: string;
  readonly always: string;
  readonly us: number;
} {
  const least = Math.max(...costs.map((cost) => Math.min(...cost.longest)));
  return { once: ms(Math.max(...costs.flatMap((cost) => cost.longest))), always: ms(least), us: least };
}

/** What happened in one round alone (the machine had others to run) does not count. */
export function queriesGoal(costs: readonly QueryCost[]): Goal {
  const { always, us } = longestOf(costs);
  const what = 'One call of a query holds Redis';
  return { what, wanted: `<= ${GOAL} ms`, measured: `${always} ms`, pass: us <= GOAL * 1000 };
}

export function queriesReport(costs: readonly QueryCost[]): string {
  const { once, always } = longestOf(costs);
  return `The longest call held Redis for ${once} ms; ${always} ms in each round.`;
}
