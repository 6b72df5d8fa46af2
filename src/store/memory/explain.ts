import type { Explanation, RequestOf } from '../contract.ts';
import { acknowledgesOf, situationOf } from './evidence.ts';
import { type MemoryState, shown } from './state.ts';

/** For the log: the row of the redelivery rules that a message stands in. */
export function explain(state: MemoryState, { key }: RequestOf<'explain'>): Explanation | undefined {
  const entry = state.entries.get(key);
  if (entry === undefined) return undefined;
  const { sender, recipient } = entry.record;
  const { presence, sessions } = state.presence.of(recipient);
  const acknowledges = acknowledgesOf(state, sender, recipient, sessions);
  return { record: shown(entry), situation: situationOf(presence, acknowledges, entry.copy), due: state.due.get(key) };
}
