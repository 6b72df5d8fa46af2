import type { Request, RequestOf } from '../contract.ts';
import { clusterPlanOf } from './cluster-plans.ts';
import { notes, type Part, type Plan } from './plan.ts';
import type { Shards } from './shards.ts';

/** The plan of a request, unless its shard ({@link shardOf} in routes.ts) answers it by itself. */
export function planOf(request: Request, shards: Shards, isCluster: boolean): Plan | undefined {
  if (shards.count === 1 && !isCluster) return undefined;
  return SPLIT.has(request.kind)
    ? split(request as Split, shards, isCluster)
    : isCluster
      ? clusterPlanOf(request, shards)
      : undefined;
}

const SPLIT_KINDS = [
  'notified',
  'release',
  'renewLease',
  'reported',
  'erase',
  'forgetUser',
  'forgetPresence',
  'anythingOut',
  'senderAvailable',
  'pause',
  'resume',
] as const;
const SPLIT: ReadonlySet<string> = new Set(SPLIT_KINDS);
type Split = RequestOf<(typeof SPLIT_KINDS)[number]>;

/** One step: each shard gets what is its own, and their replies are put together. */
function* split(request: Split, shards: Shards, isCluster: boolean): Plan {
  switch (request.kind) {
    case 'notified':
    case 'release': {
      yield partsOf(
        shards.split(request.endings, ({ key }) => shards.ofKey(key)),
        (endings) => ({ ...request, endings }),
      );
      return undefined;
    }
    case 'renewLease': {
      yield partsOf(
        shards.split(request.waiting, ({ key }) => shards.ofKey(key)),
        (waiting) => ({ ...request, waiting }),
      );
      return undefined;
    }
    case 'reported': {
      yield partsOf(
        shards.split(request.keys, (key) => shards.ofKey(key)),
        (keys) => ({ ...request, keys }),
      );
      return undefined;
    }
    case 'forgetPresence': {
      yield partsOf(
        shards.split(request.users, (user) => shards.ofUser(user)),
        (users) => ({ ...request, users }),
      );
      return undefined;
    }
    case 'anythingOut': {
      const found = yield partsOf(
        shards.split(request.users, (user) => shards.ofUser(user)),
        (users) => ({ ...request, users }),
      );
      return found.flat();
    }
    case 'erase':
      return sum(
        yield partsOf(
          shards.split(request.keys, (key) => shards.ofKey(key)),
          (keys) => ({ ...request, keys }),
        ),
      );
    case 'forgetUser':
      return yield* forgetUser(request, shards, isCluster);
    case 'senderAvailable': {
      const cursors = cursorsOf(request.cursor, shards.count);
      const replies = yield [...cursors].map(([shard, cursor]) => ({ shard, request: { ...request, cursor } }));
      return joined([...cursors.keys()], replies as string[]);
    }
    case 'pause':
    case 'resume':
      return (yield shards.keys.map((_, shard) => ({ shard, request })))[0];
  }
}

function partsOf<Each>(split: Map<number, Each[]>, make: (part: Each[]) => Request): Part[] {
  return [...split].map(([shard, part]) => ({ shard, request: make(part) }));
}

const sum = (counts: readonly unknown[]) => (counts as number[]).reduce((all, count) => all + count, 0);

function* forgetUser(request: RequestOf<'forgetUser'>, shards: Shards, isCluster: boolean): Plan {
  const { jid, contacts } = request;
  if (isCluster) {
    const [subscribers] = yield [{ shard: shards.ofUser(jid), request: { kind: 'subscribersOf', user: jid } }];
    const pairs = (subscribers as string[]).map((subscriber) => [subscriber, jid] as const);
    yield notes(pairs, shards, false);
  }
  const split = shards.split(contacts, (contact) => shards.ofUser(contact));
  // What he has sent lies wherever it was sent to.
  return sum(
    yield shards.keys.map((_, shard) => ({ shard, request: { ...request, contacts: split.get(shard) ?? [] } })),
  );
}

/** Cursors of shards in one text, `<shard>:<cursor>` for each that is not through; `0` at the beginning, and at the end. */
function cursorsOf(cursor: string, count: number): Map<number, string> {
  if (cursor === '0') return new Map(Array.from({ length: count }, (_, shard) => [shard, '0']));
  return new Map(
    cursor.split(',').map((part) => {
      const [shard = '', own = ''] = part.split(':');
      return [Number(shard), own];
    }),
  );
}

function joined(shards: readonly number[], cursors: readonly string[]): string {
  const left = cursors.flatMap((cursor, i) => (cursor === '0' ? [] : [`${shards[i]}:${cursor}`]));
  return left.length === 0 ? '0' : left.join(',');
}
