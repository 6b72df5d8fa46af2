import type { Kind, Request, StoredRecord } from '../../../src/store/contract.ts';
import { KEY_LENGTH, recordKey } from '../../../src/xmpp/stanza/message-key.ts';
import { DAY, SECOND } from './ledger.ts';
import { CONVERSATIONS, RANDOM_REQUESTS, USERS } from './random-requests.ts';
import { SeededRandom } from './seeded-random.ts';
import type { Implementation } from './store-contract.ts';

const STEPS = 45;
/** By so much (ms) time goes on from one step to the next. */
const WAITS = [1, 1, 200, SECOND, 2 * SECOND, 6 * SECOND, 31 * SECOND, 61 * SECOND, 900 * SECOND, 3600 * SECOND, DAY];
/** What happens more often than the rest. */
const OFTEN: readonly Kind[] = [
  ...([
    'accept',
    'accept',
    'accept',
    'accept',
    'handOver',
    'handOver',
    'handOver',
    'handOver',
    'claim',
    'claim',
  ] as const),
  ...([
    'settle',
    'recordPresence',
    'recordPresence',
    'recordPresence',
    'subscriptionStep',
    'sessionAvailable',
  ] as const),
  ...(['sessionAvailable', 'recordPing', 'sequenceGap', 'bounce', 'explain'] as const),
];
/** What takes much away, and leaves little to compare. */
const SELDOM: ReadonlySet<Kind> = new Set(['erase', 'forgetUser', 'quarantine', 'pause', 'cancel', 'forgetPresence']);
const KINDS = Object.keys(RANDOM_REQUESTS) as Kind[];

/** Lists whose order says nothing are compared without it. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return value.name;
  if (Array.isArray(value)) {
    return value.map(plain).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const isAway = 'senderAway' in value && value.senderAway === true;
  // Of what is told to nobody now, a reply does not say what became of its copies.
  const left = isAway ? { ...value, copyOut: undefined, bounced: undefined } : value;
  const members = Object.entries(left).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(members.sort().map(([name, inner]) => [name, plain(inner)]));
}

/** All portions. */
async function contactsOf(store: Implementation['store']): Promise<string[]> {
  const all: string[] = [];
  let cursor = '0';
  do {
    const { next, users } = await store.contacts(cursor);
    all.push(...users);
    cursor = next;
  } while (cursor !== '0');
  return all;
}

/** All that can be seen of a store, but for what its messages take in bytes. */
async function stateOf({ store, queries }: Implementation, keys: readonly string[], now: number): Promise<unknown> {
  const bases = [...new Set(keys.map((key) => key.slice(0, KEY_LENGTH)))];
  const portion = await queries.portion('0');
  const all = [...portion.keys];
  for (let next = portion.next; next !== undefined; ) {
    const more = await queries.portion(next);
    all.push(...more.keys);
    next = more.next;
  }
  return plain({
    figures: await store.figures(now),
    records: await queries.records(keys),
    byKey: await Promise.all(bases.map((key) => queries.byKey(key))),
    status: (await store.status(bases)).map((one, i) => [bases[i], one]),
    forSender: (await store.status(bases, true)).map((one, i) => [bases[i], one]),
    lives: await Promise.all(
      keys.map(async (key) => [key, ...(await queries.life(key)).map(({ at, what }) => `${at} ${what}`)]),
    ),
    inTrouble: await Promise.all(USERS.map((user) => queries.inTrouble(user, 100))),
    sessions: await Promise.all(USERS.map(async (user) => [user, ...(await store.sessionsOf(user))])),
    contacts: await queries.contacts(),
    contactsAgain: await contactsOf(store),
    loads: (await queries.heaviest(10)).map(({ of, messages }) => `${of} ${messages}`),
    paused: await queries.paused(),
    keys: [...new Set(all)],
  });
}

export interface Difference {
  readonly seed: number;
  readonly step: number;
  readonly requests: unknown;
  readonly one: unknown;
  readonly other: unknown;
  readonly before: readonly string[];
}

/**
 * Gives two stores the same random requests, and compares replies and all that can be seen of them.
 *
 * @param kinds counts what was asked, by kind
 */
export async function compareStores(
  seed: number,
  one: Implementation,
  other: Implementation,
  kinds: Map<Kind, number>,
  everyStep = false,
): Promise<Difference | undefined> {
  const random = new SeededRandom(seed);
  const keys = new Set<string>();
  for (const [sender, recipient] of CONVERSATIONS) keys.add(recordKey(sender, recipient, 'm-1'));
  let tokens = 0;
  const token = () => {
    tokens += 1;
    return `t${tokens}`;
  };
  const told: string[] = [];
  const leases: number[] = [];
  let records: readonly StoredRecord[] = [];
  let now = 1_795_000_000_000 + random.below(DAY);
  let requests: Request[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const isRepetition = requests.length > 0 && random.chance(0.08);
    if (!isRepetition) now += random.pick(WAITS);
    const different = (left: unknown, right: unknown): Difference | undefined => {
      const [a, b] = [plain(left), plain(right)];
      return JSON.stringify(a) === JSON.stringify(b)
        ? undefined
        : { seed, step, requests, one: a, other: b, before: told.slice() };
    };
    let found: Difference | undefined;
    if (!isRepetition && random.chance(0.08)) {
      requests = [];
      const [lease, limit] = [random.pick([5, 15]) * SECOND, 100];
      told.push(`${step} ${now} sweep ${lease} ${limit}`);
      leases.push(now + lease);
      // Nothing that is pending is missing, whether that was looked at or not.
      const sweptBy = async (store: Implementation['store']) => {
        const { missing = 0, ...rest } = await store.sweep(lease, limit, now);
        return { ...rest, missing };
      };
      found = different(await sweptBy(one.store), await sweptBy(other.store));
    } else {
      const world = { random, now, records, leases: leases.slice(-2), token };
      if (!isRepetition) {
        const count = random.chance(0.2) ? 1 + random.below(4) : 1;
        requests = Array.from({ length: count }, (_, i) => {
          let kind = random.chance(0.6) ? random.pick(OFTEN) : random.pick(KINDS);
          if (SELDOM.has(kind) && random.chance(0.7)) kind = 'accept';
          return { ...RANDOM_REQUESTS[kind]({ ...world, isFirst: i === 0 }), kind } as Request;
        });
      }
      told.push(`${step} ${now}${isRepetition ? ' again' : ''} ${JSON.stringify(requests)}`);
      for (const { kind } of requests) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      const replies = await one.store.batch(requests, now);
      found = different(
        replies.map((reply, i) => [i, reply]),
        (await other.store.batch(requests, now)).map((reply, i) => [i, reply]),
      );
      for (const reply of replies) {
        const named = reply as { readonly key?: string; readonly record?: { readonly key: string } } | undefined;
        const key = named?.key ?? named?.record?.key;
        if (key !== undefined) keys.add(key);
      }
    }
    if (found !== undefined) return found;
    records = (await one.queries.records([...keys])).map(({ record }) => record);
    if (everyStep || step % 15 === 14) {
      const all = [...keys];
      found = different(await stateOf(one, all, now), await stateOf(other, all, now));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
