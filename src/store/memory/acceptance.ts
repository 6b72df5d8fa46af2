import { wireIdOf } from '../../xmpp/stanza/message-key.ts';
import { type Accepted, heldAsOf, type RequestOf, type StoredRecord, sizeOf } from '../contract.ts';
import { judge } from './quota.ts';
import { isDelivered } from './replaced.ts';
import { freeKey, knownAs } from './same-message.ts';
import { type Entry, KEY, MANY, type MemoryState, type MemoryTimes, shown } from './state.ts';

/** So many attempts to store a message are told apart; with more, `*` stands for the others, and the record stays. */
const MOST_TOKENS = 8;

/** Stores a message unless it is known. See scripts/include/accept.lua, whose rules these are. */
export function accept(state: MemoryState, request: RequestOf<'accept'>, times: MemoryTimes): Accepted {
  const { own, same, deliveredAs } = knownAs(state, request, times);
  const { taken, refused } = judge(state, request);
  if (refused !== undefined && own === undefined && same === undefined && deliveredAs === undefined) {
    return { outcome: 'refused', reason: refused, taken: taken as number };
  }
  if (own !== undefined) {
    const { key, target, state: stands } = own.record;
    if (stands !== 'pending') return { outcome: 'known', record: shown(own), taken };
    // Should that try have ended in the middle, it is made due now.
    state.due.set(key, times.leaseUntil);
    return { outcome: 'stored', key, target, taken };
  }
  if (same !== undefined) {
    const record = shown(same);
    vouch(state, same, request.token);
    return { outcome: 'known', record, taken };
  }
  const target = request.target === '' ? undefined : meantBy(state, request.target);
  if (deliveredAs !== undefined) {
    // To its sender it is what he sends now.
    const { record } = newEntry(request, deliveredAs, target);
    return { outcome: 'known', record: { ...record, state: 'delivered', inner: '' }, taken };
  }
  const isTaken = state.entries.has(request.key) || isDelivered(state, request.key, times);
  const key = isTaken ? freeKey(state, request, times) : request.key;
  state.entries.set(key, newEntry(request, key, target));
  state.due.set(key, times.leaseUntil);
  if (key !== request.key) {
    state.lead(request.key, key, times.keep);
    // A duplicate of this one is looked for through the first of its id.
    state.entries.extend(request.key, times.keep);
  }
  if (request.alias !== '') state.lead(request.alias, key, times.keep);
  if (target !== undefined) correct(state, target, key, times);
  return { outcome: 'stored', key, target, taken };
}

/** What a correction is about: what it names, or what that corrects itself. */
function meantBy(state: MemoryState, target: string): string {
  const record = state.newest(target)?.record;
  return record?.target ?? record?.key ?? target;
}

function correct(state: MemoryState, target: string, key: string, { keep }: MemoryTimes): void {
  const before = state.corrections.get(target) ?? [];
  state.corrections.set(target, [...before, key].slice(-MANY), keep);
}

function newEntry(request: RequestOf<'accept'>, key: string, target: string | undefined): Entry {
  const { message, storedAt, digest, token, alias, originId } = request;
  const { inner, ...envelope } = message;
  const record: StoredRecord = {
    ...envelope,
    key,
    target,
    state: 'pending',
    attempt: 1,
    copies: 0,
    copyOut: false,
    bounced: false,
    senderAway: false,
    wireId: wireIdOf(key, message.wireId, originId),
    // Nobody gives an id without a character.
    senderId: message.senderId || undefined,
    type: message.type || undefined,
    heldAs: heldAsOf(token),
    inner,
    firstStoredAt: storedAt,
    storedAt,
    settledAt: undefined,
    receiptResource: '',
    condition: undefined,
    conditionType: undefined,
    conditionText: undefined,
  };
  return { record, copy: 'none', digest, tokens: [token], alias, id: message.wireId, originId, size: sizeOf(message) };
}

/** A message that nothing has been done with since it was stored. */
const isUntouched = ({ record }: Entry) => record.state === 'pending' && record.attempt === 1 && record.copies === 0;

/** Another attempt is being answered from this record: it is taken back only with the last. */
function vouch(state: MemoryState, entry: Entry, token: string): void {
  const { tokens, record } = entry;
  if (!isUntouched(entry) || tokens.length === 0 || tokens.includes(token) || tokens.includes('*')) return;
  state.entries.replace(record.key, { ...entry, tokens: [...tokens, tokens.length < MOST_TOKENS ? token : '*'] });
}

/** Takes back what an attempt may have stored, or have been answered from. */
export function withdraw(state: MemoryState, { key, token }: RequestOf<'withdraw'>, { now }: MemoryTimes): undefined {
  const others = (state.index.get(key) ?? []).filter((other) => other.startsWith(key));
  for (const name of [key, ...others]) {
    const entry = state.entries.get(name);
    if (entry === undefined || !isUntouched(entry) || !entry.tokens.includes(token)) continue;
    const tokens = entry.tokens.filter((one) => one !== token);
    if (tokens.length === 0) takeAway(state, entry, others);
    else {
      state.entries.replace(name, { ...entry, tokens });
      // Whoever stored it will not send it.
      if (entry.tokens[0] === token) state.due.set(name, now);
    }
  }
}

/** Takes a record away. The first of an id leaves a mark where others are known: a duplicate of those is looked for there. */
function takeAway(state: MemoryState, entry: Entry, others: readonly string[]): void {
  const { key } = entry.record;
  if (key.length === KEY && others.length > 0) {
    // Of no attempt, of no text, and nobody is told of it.
    const mark: Entry = { ...entry, copy: 'none', digest: '-', tokens: [] };
    const nothing = { heldAs: undefined, owesReceipt: false, copyOut: false, bounced: false };
    state.end(mark, 'delivered', undefined, state.index.left(key), nothing);
  } else {
    state.entries.delete(key);
    state.unlink(state.index, key.slice(0, KEY), key);
    if (entry.alias !== '') state.unlink(state.index, entry.alias, key);
  }
  state.due.delete(key);
}

export function isTaken(state: MemoryState, { key }: RequestOf<'isTaken'>, times: MemoryTimes): boolean {
  return state.entries.has(key) || isDelivered(state, key, times);
}

export function readdress(state: MemoryState, request: RequestOf<'readdress'>): undefined {
  const entry = state.entries.get(request.key);
  if (entry?.record.state !== 'pending') return;
  const { senderResource, senderId, owesReceipt } = request;
  state.change(entry, {
    senderResource,
    senderId: senderId || undefined,
    owesReceipt: owesReceipt || entry.record.owesReceipt,
  });
}
