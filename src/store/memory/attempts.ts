import type { Bounced, Claimed, RequestOf } from '../contract.ts';
import type { Rule } from '../redelivery-rules.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { askFirst } from './ask-first.ts';
import {
  acknowledgesOf,
  answersOf,
  noticeDue,
  outOf,
  putInTrouble,
  putOut,
  ruleOf,
  surest,
  towardsSender,
  writeOut,
} from './evidence.ts';
import { HOW, WITH_SESSION } from './out.ts';
import { isDelivered, isKnown } from './replaced.ts';
import { endOutdated } from './settlement.ts';
import { type Entry, type MemoryState, type MemoryTimes, shown } from './state.ts';

/** Whether a job may still take this up: what was handed over since its sweep is due later, and no longer that job's. */
function isDue(state: MemoryState, name: string, now: number, lease: number | '*'): boolean {
  const due = state.due.get(name);
  return lease === '*' || due === undefined || due <= now || due === lease;
}

/**
 * Whether nothing is to be sent whatever the clock says: he is known to be away and comes back, or a missing receipt of his
 * means nothing.
 */
export function mustWait({ timer, sessionEnded, presence }: Rule, isOffline: boolean): boolean {
  return timer === 'none' && (isOffline || (sessionEnded === 'never' && !presence));
}

/** What became of the later ones about the same message. What ended otherwise takes no other's place. */
function outdatedBy(
  state: MemoryState,
  key: string,
  target: string,
  times: MemoryTimes,
): 'delivered' | 'pending' | undefined {
  const keys = state.corrections.get(target) ?? [];
  const later = keys.slice(keys.indexOf(key) + 1).map((other) => {
    const entry = state.entries.get(other);
    return entry === undefined && isDelivered(state, other, times) ? 'delivered' : entry?.record.state;
  });
  if (later.includes('delivered')) return 'delivered';
  return later.includes('pending') ? 'pending' : undefined;
}

const MOOT = { outcome: 'moot' } as const;
const nextOf = (attempt: number) => (attempt + 1) % 65_536;

/** See scripts/include/claim.lua and hand-over.lua, whose rules these are. */
export function claim(state: MemoryState, request: RequestOf<'claim'>, times: MemoryTimes): Claimed {
  const entry = state.entries.get(request.key);
  if (entry === undefined) {
    state.due.delete(request.key);
    return MOOT;
  }
  if (entry.record.attempt !== request.attempt) return MOOT;
  return entry.record.state === 'pending'
    ? claimCopy(state, request, entry, times)
    : claimNotice(state, request, entry, times);
}

/** The notice of how a message ended, a failure with its payload where that is kept. */
function claimNotice(state: MemoryState, { lease }: RequestOf<'claim'>, entry: Entry, times: MemoryTimes): Claimed {
  const { record } = entry;
  const name = state.dueName(record);
  if (!state.due.has(name) || !isDue(state, name, times.now, lease)) return MOOT;
  // A receipt is a message that servers keep for somebody who is away.
  const forSender = record.state === 'delivered' ? record : towardsSender(state, record);
  state.due.set(name, noticeDue(forSender, times));
  if (forSender.senderAway) {
    putInTrouble(state, record.key, record.sender, times.keep);
    return MOOT;
  }
  const isFailure = record.state === 'expired' || record.state === 'rejected';
  const kept = isFailure ? state.undelivered.get(record.key)?.record.inner : undefined;
  const attempt = nextOf(record.attempt);
  state.change(entry, { attempt });
  return {
    outcome: 'claimed',
    record: { ...forSender, attempt, inner: record.inner || (kept ?? '') },
    noStore: false,
    target: '',
  };
}

function claimCopy(state: MemoryState, { lease }: RequestOf<'claim'>, entry: Entry, times: MemoryTimes): Claimed {
  const { record, copy } = entry;
  const { key, recipient, copies } = record;
  const { now } = times;
  const expiry = record.storedAt + times.messageTtl;
  if (!isDue(state, key, now, lease)) return MOOT;
  if (now >= expiry) return { outcome: 'overdue' };
  const later = (due: number): Claimed => {
    state.due.set(key, due);
    return MOOT;
  };
  // A first copy, which was never handed over, goes on.
  if (copies > 0 && state.paused !== undefined) return later(now + SCRIPT_TIMES.WHILE_PAUSED);
  const outdated = record.target === undefined ? undefined : outdatedBy(state, key, record.target, times);
  if (outdated === 'delivered') {
    endOutdated(state, entry, times);
    return MOOT;
  }
  if (outdated === 'pending') return later(Math.min(now + SCRIPT_TIMES.OUTDATED_CORRECTION, expiry));
  const { presence, sessions } = state.presence.of(recipient);
  const acknowledges = acknowledgesOf(state, record.sender, recipient, sessions);
  const rule = ruleOf(presence, acknowledges, copy);
  if (mustWait(rule, presence === 'offline')) return later(expiry);
  const out = outOf(state, key, recipient);
  const isWithSession = out !== undefined && WITH_SESSION.has(out.how);
  // After the link was down his presence is not known for a while, and the sessions that it went to may be there.
  if (presence === 'unknown' && lease !== '*' && sessions.size > 0 && copies > 0 && isWithSession) {
    return later(now + times.firstStep);
  }
  let target = '';
  if (rule.timer === 'ask') {
    // What somebody wants now is not asked about.
    const question = lease === '*' ? undefined : askFirst(state, entry, sessions, times);
    if (question !== undefined) return question;
    const { best, isOneSilent } = surest(sessions, answersOf(state, recipient, sessions));
    const last = outOf(state, key, recipient);
    if (isOneSilent || last?.how === HOW.inDoubt) target = best;
    if (target !== '' && last !== undefined && WITH_SESSION.has(last.how)) {
      writeOut(state, key, recipient, { ...last, how: HOW.missedTargeted });
    }
  }
  state.due.set(key, times.leaseUntil);
  state.note(key, now, 'claimed', times.keep);
  // Where nothing is known of him, each copy more would be one more in offline storage.
  const noStore = presence === 'unknown' && (acknowledges === 'yes' || copies > 0);
  // What is out from earlier copies stays out, whatever becomes of this one; after a bounce nothing is out.
  const copyNow = copy === 'last' ? 'earlier' : copy === 'bounced' ? 'none' : copy;
  const claimed = state.change(entry, { attempt: nextOf(record.attempt) }, copyNow);
  return { outcome: 'claimed', record: claimed.record, noStore, target };
}

/** A temporary bounce: the last copy did not arrive, and the record stays pending. */
export function bounce(state: MemoryState, { key }: RequestOf<'bounce'>, times: MemoryTimes): Bounced {
  const entry = state.oldestPending(key);
  if (entry === undefined) return { outcome: isKnown(state, key, times) ? 'ended' : 'unknown' };
  // An earlier copy may still be out: then a bounce of this one says nothing new.
  if (entry.copy === 'earlier') return { outcome: 'done', record: shown(entry) };
  const { record } = entry;
  // The same call may have been carried out before.
  const wasNoted = entry.copy === 'bounced' && outOf(state, record.key, record.recipient)?.how === HOW.bounced;
  if (wasNoted) return { outcome: 'done', record: shown(entry) };
  const { now, keep } = times;
  const bounced = state.change(entry, {}, 'bounced');
  const out = { how: HOW.bounced, storedAt: record.storedAt, handedAt: now, passed: false };
  putOut(state, record.key, record, out, times);
  state.note(record.key, now, 'bounced', keep);
  return { outcome: 'done', record: shown(bounced) };
}
