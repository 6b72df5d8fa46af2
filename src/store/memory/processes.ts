import type { Replies, RequestOf } from '../contract.ts';
import { ALIVE_FOR, CLAIM_FOR, JOINS_FOR } from '../presence-times.ts';
import type { MemoryState } from './state.ts';

/** There is one claim. */
const CLAIM = '';

function forgetDead({ presence }: MemoryState, now: number): void {
  for (const [process, at] of presence.alive) if (at <= now - ALIVE_FOR) presence.alive.delete(process);
}

/** A process' link is up. */
export function heartbeat(state: MemoryState, { process, now, own }: RequestOf<'heartbeat'>): Replies['heartbeat'] {
  const { alive, subscriptions } = state.presence;
  alive.set(process, now);
  forgetDead(state, now);
  return { others: alive.size - 1, subscribers: subscriptions.get(own)?.size ?? 0 };
}

/** Its link is down. */
export function leaveService(state: MemoryState, { process, now }: RequestOf<'leaveService'>): number {
  state.presence.alive.delete(process);
  forgetDead(state, now);
  return state.presence.alive.size;
}

/** One process probes everybody for all. */
export function claimProbing(
  { presence }: MemoryState,
  { process, now }: RequestOf<'claimProbing'>,
): Replies['claimProbing'] {
  const other = presence.probing.get(CLAIM);
  if (other !== undefined && other.process !== process && presence.alive.has(other.process)) {
    return now - other.since < JOINS_FOR ? 'joined' : 'wait';
  }
  presence.probing.set(CLAIM, { process, since: now }, CLAIM_FOR);
  return 'go';
}

export function renewProbing({ presence }: MemoryState, { process }: RequestOf<'renewProbing'>): undefined {
  const claim = presence.probing.get(CLAIM);
  if (claim?.process === process) presence.probing.set(CLAIM, claim, CLAIM_FOR);
}

export function releaseProbing({ presence }: MemoryState, { process }: RequestOf<'releaseProbing'>): undefined {
  if (presence.probing.get(CLAIM)?.process === process) presence.probing.delete(CLAIM);
}
