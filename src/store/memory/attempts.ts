import type { Bounced, Claimed, Explanation, RequestOf } from '../contract.ts';
import { type Rule, ruleFor, type Situation } from '../redelivery-rules.ts';
import { type RetryPolicy, SCRIPT_TIMES } from '../retry-policy.ts';
import { shown } from './acceptance.ts';
import { endOutdated } from './endings.ts';
import type { CopyOut, Entry, MemoryState, MemoryTimes } from './state.ts';

const COPY = { none: 'none', last: 'handed over', earlier: 'handed over', bounced: 'bounced' } as const;

/** Of a message to somebody of whose presence nothing is known. */
function situationOf(state: MemoryState, recipient: string, copy: CopyOut): Situation {
  return { presence: 'unknown', acknowledges: state.confirms.has(recipient) ? 'yes' : 'unknown', copy: COPY[copy] };
}

export function ruleOf(state: MemoryState, recipient: string, copy: CopyOut): Rule {
  return ruleFor(situationOf(state, recipient, copy));
}

export function explain(state: MemoryState, { key }: RequestOf<'explain'>): Explanation | undefined {
  const entry = state.entries.get(key);
  if (entry === undefined) return undefined;
  const { record, copy } = entry;
  return {
    record: { ...shown(entry), inner: '' },
    situation: situationOf(state, record.recipient, copy),
    due: state.due.get(key),
  };
}

function isDue(state: MemoryState, name: string, now: number, lease: number | '*'): boolean {
  const due = state.due.get(name);
  return lease === '*' || due === undefined || due <= now || due === lease;
}

/** What became of the later ones about the same message. */
function outdatedBy(state: MemoryState, key: string, target: string): 'delivered' | 'pending' | undefined {
  const keys = state.corrections.get(target) ?? [];
  const later = keys.slice(keys.indexOf(key) + 1).map((other) => state.entries.get(other)?.record.state);
  if (later.includes('delivered')) return 'delivered';
  return later.includes('pending') ? 'pending' : undefined;
}

const MOOT = { outcome: 'moot' } as const;

/** See scripts/include/attempt.lua, whose rules these are. */
export function claim(
  state: MemoryState,
  { key, attempt, lease }: RequestOf<'claim'>,
  { now, leaseUntil }: MemoryTimes,
  retry: RetryPolicy,
): Claimed {
  const entry = state.entries.get(key);
  if (entry === undefined) {
    state.due.delete(key);
    return MOOT;
  }
  const { record, copy } = entry;
  if (record.attempt !== attempt) return MOOT;
  const name = state.dueName(record);
  if (record.state !== 'pending') {
    if (!state.due.has(name) || !isDue(state, name, now, lease)) return MOOT;
    state.due.set(name, leaseUntil);
    const isFailure = record.state === 'expired' || record.state === 'rejected';
    const inner = isFailure ? (state.undelivered.get(key)?.record.inner ?? '') : '';
    state.change(entry, { attempt: attempt + 1 });
    return { outcome: 'claimed', record: { ...record, attempt: attempt + 1, inner }, noStore: false, target: '' };
  }
  if (!isDue(state, name, now, lease)) return MOOT;
  if (now >= retry.expiry(record.storedAt)) return { outcome: 'overdue' };
  if (record.copies > 0 && state.paused !== undefined) {
    state.due.set(key, now + SCRIPT_TIMES.WHILE_PAUSED);
    return MOOT;
  }
  const outdated = record.target === undefined ? undefined : outdatedBy(state, key, record.target);
  if (outdated === 'delivered') {
    endOutdated(state, entry, now);
    return MOOT;
  }
  if (outdated === 'pending') {
    state.due.set(key, Math.min(now + SCRIPT_TIMES.OUTDATED_CORRECTION, retry.expiry(record.storedAt)));
    return MOOT;
  }
  state.due.set(key, leaseUntil);
  // What is out from earlier copies stays out, whatever becomes of this one; after a bounce nothing is out.
  const copyNow = copy === 'last' ? 'earlier' : copy === 'bounced' ? 'none' : copy;
  const claimed = state.change(entry, { attempt: attempt + 1 }, copyNow);
  const noStore = state.confirms.has(record.recipient) || record.copies > 0;
  return { outcome: 'claimed', record: claimed.record, noStore, target: '' };
}

export function handOver(state: MemoryState, request: RequestOf<'handOver'>, retry: RetryPolicy): number | undefined {
  const entry = state.entries.get(request.key);
  if (entry?.record.state !== 'pending') return undefined;
  const copy = entry.copy === 'none' ? 'last' : entry.copy;
  // A later attempt is on its way and has its own lease; that this copy is out stays true.
  if (entry.record.attempt !== request.attempt) {
    state.change(entry, {}, copy);
    return undefined;
  }
  const { record } = state.change(entry, { copies: Math.max(entry.record.copies, request.copies) }, copy);
  const { timer } = ruleOf(state, request.recipient, copy);
  const dues = { timetable: request.byTimetable, unconfirmed: request.unconfirmed } as const;
  const due = timer === 'timetable' || timer === 'unconfirmed' ? dues[timer] : retry.expiry(record.storedAt);
  if (state.due.has(record.key)) state.due.set(record.key, due);
  return due;
}

export function bounce(state: MemoryState, { key }: RequestOf<'bounce'>): Bounced {
  const entry = state.oldestPending(key);
  if (entry === undefined) return { outcome: state.candidates(key).length === 0 ? 'unknown' : 'ended' };
  // An earlier copy may still be out: then a bounce of this one says nothing new.
  if (entry.copy !== 'earlier') state.change(entry, {}, 'bounced');
  return { outcome: 'done', record: shown(entry) };
}

export function bringForward(state: MemoryState, { key, due }: RequestOf<'bringForward'>): void {
  const current = state.due.get(key);
  if (current !== undefined && current > due) state.due.set(key, due);
}

export function renewLease(state: MemoryState, { waiting, leaseUntil }: RequestOf<'renewLease'>): void {
  for (const { key, attempt } of waiting) {
    const record = state.entries.get(key)?.record;
    const due = state.due.get(key);
    if (record?.state !== 'pending' || record.attempt !== attempt || due === undefined) continue;
    state.due.set(key, Math.max(due, leaseUntil));
  }
}

/** Gives back what was leased until then, if it is not somebody else's by now. */
export function release(state: MemoryState, { endings, leaseUntil }: RequestOf<'release'>, now: number): void {
  for (const ending of endings) {
    const name = state.dueName(ending);
    if (state.due.get(name) === leaseUntil) state.due.set(name, now);
  }
}

/** Takes up to `limit` that are due, for a lease. */
export function sweep(state: MemoryState, limit: number, now: number, leaseUntil: number, retry: RetryPolicy): Entry[] {
  const taken: Entry[] = [];
  const due = [...state.due].filter(([, at]) => at <= now).sort(([, one], [, other]) => one - other);
  for (const [name] of due) {
    if (taken.length >= limit) break;
    const entry = state.entries.get(name.split(' ')[0] as string);
    // What is owed about an ending that has since become another is owed no more.
    if (entry === undefined || state.dueName(entry.record) !== name) {
      state.due.delete(name);
      continue;
    }
    const { state: stands, copies, storedAt } = entry.record;
    const isKeptBack = state.paused !== undefined && stands === 'pending' && copies > 0 && now < retry.expiry(storedAt);
    state.due.set(name, isKeptBack ? now + SCRIPT_TIMES.WHILE_PAUSED : leaseUntil);
    if (!isKeptBack) taken.push(entry);
  }
  return taken;
}
