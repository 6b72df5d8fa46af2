import { hash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';

/** The connection to the master that has a slot, as far as is known; undefined where none is. */
export function masterOf(cluster: Cluster, slot: number): Redis | undefined {
  const name = cluster.slots[slot]?.[0];
  return name === undefined ? undefined : cluster.nodes('master').find((node) => nameOf(node) === name);
}

/** `host:port`, as the cluster calls it. */
export const nameOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

/** Asks which master has which slot. Resolves in any case, when one of the nodes has answered or none does. */
export function refreshed(cluster: Cluster): Promise<void> {
  return new Promise((resolve) => cluster.refreshSlotsCache(() => resolve()));
}

/** What is to be looked at by itself: each master, or the one server. */
export function serversOf(redis: Redis | Cluster): readonly Redis[] {
  return 'nodes' in redis ? redis.nodes('master') : [redis];
}

/** Which servers there are, and which of them has which of these slots. */
export function layoutOf(cluster: Cluster, slots: readonly number[]): string {
  const names = cluster.nodes('master').map(nameOf);
  const places = slots.map((slot) => names.indexOf(cluster.slots[slot]?.[0] ?? ''));
  if (places.includes(-1)) throw new Error('No master of the cluster that has the slot is known');
  return hash('sha256', `${names} ${places}`, 'base64url').slice(0, 12);
}
