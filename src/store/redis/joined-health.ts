import type { StoreQueueHealth } from '../contract.ts';

/** What pipelines have last heard of the store, together: those of so many shards, and others. */
export function joinedHealth(all: readonly StoreQueueHealth[], shards: number): StoreQueueHealth {
  const failing = all.filter(({ failingSince }) => failingSince !== undefined);
  const [first] = failing;
  const answered = all.flatMap(({ lastSuccessAt }) => lastSuccessAt ?? []);
  const part = `${failing.length} of ${shards} shards`;
  return {
    lastSuccessAt: answered.length === 0 ? undefined : Math.max(...answered),
    failingSince: first && Math.min(...failing.map(({ failingSince }) => failingSince as number)),
    fault: first?.fault && {
      ...first.fault,
      text: `A part of the Redis Cluster takes no messages (${part}). ${first.fault.text}`,
    },
  };
}
