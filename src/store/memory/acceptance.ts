import { hash } from 'node:crypto';
import { wireIdOf } from '../../xmpp/stanza/message-key.ts';
import {
  type Accepted,
  type Limits,
  type QuotaReason,
  type RequestOf,
  type StoredRecord,
  sizeOf,
} from '../contract.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

/** How long its sender may be in doubt about a message whose id he counts, ms. */
const IN_DOUBT = 300_000;
/** How long word of an end is on its way to him, and what comes from him was written before it reached him, ms. */
const ON_ITS_WAY = 2000;
const CROSSES = 300;
const MOST_TOKENS = 8;

/** Whether the same words under a counted id are the message that is known already, of a sender of whose sessions nothing is known. */
function isResend(state: MemoryState, { record }: Entry, { message }: RequestOf<'accept'>, now: number): boolean {
  if (now - record.storedAt > IN_DOUBT || record.senderResource !== message.senderResource) return false;
  if (record.state === 'pending') return true;
  const ended = now - (record.settledAt ?? 0);
  return ended < ON_ITS_WAY ? ended < CROSSES : state.due.has(state.dueName(record));
}

/** The key of a message that is another one than those that its sender gave the same id, by the attempt that stores it. */
const markedKey = ({ key, token }: RequestOf<'accept'>) => `${key}~${hash('sha1', token, 'hex').slice(0, 16)}`;

/** What is known of this very message: our own record, or the newest of its id when that says the same. */
function knownAs(state: MemoryState, request: RequestOf<'accept'>, now: number): { own?: Entry; same?: Entry } {
  const { key, digest, token, countable } = request;
  for (const name of [key, `${key}-${digest}`, markedKey(request)]) {
    const entry = state.entries.get(name);
    if (entry?.tokens[0] === token) return { own: entry };
  }
  const newest = state.newest(key);
  const same = newest?.digest === digest && (!countable || isResend(state, newest, request, now));
  return newest !== undefined && same ? { same: newest } : {};
}

/** Under which key a message is stored whose own is taken. */
function freeKey(state: MemoryState, request: RequestOf<'accept'>): string {
  const { key, digest, countable } = request;
  const withDigest = `${key}-${digest}`;
  const isVersion = state.newest(key)?.digest !== digest && state.entries.get(key)?.digest !== digest;
  return !countable && isVersion && !state.entries.has(withDigest) ? withDigest : markedKey(request);
}

/** Stores a message unless it is known. See scripts/include/accept.lua, whose rules these are. */
export function accept(state: MemoryState, request: RequestOf<'accept'>, times: MemoryTimes): Accepted {
  const { now, leaseUntil } = times;
  const { own, same } = knownAs(state, request, now);
  const { taken, refused } = judge(state, request);
  if (refused !== undefined && own === undefined && same === undefined) {
    return { outcome: 'refused', reason: refused, taken: taken as number };
  }
  if (same !== undefined) {
    vouch(state, same, request.token);
    return { outcome: 'known', record: shown(same), taken };
  }
  if (own !== undefined) {
    const { record } = own;
    if (record.state !== 'pending') return { outcome: 'known', record: shown(own), taken };
    state.due.set(record.key, leaseUntil);
    return { outcome: 'stored', key: record.key, target: record.target, taken };
  }
  const key = state.entries.has(request.key) ? freeKey(state, request) : request.key;
  const target = request.target === '' ? undefined : meantBy(state, request.target);
  state.entries.set(key, newEntry(request, key, target));
  state.due.set(key, leaseUntil);
  if (key !== request.key) state.lead(request.key, key);
  if (request.alias !== '') state.lead(request.alias, key);
  if (target !== undefined) state.corrections.set(target, [...(state.corrections.get(target) ?? []), key]);
  return { outcome: 'stored', key, target, taken };
}

/** What a correction is about: what it names, or what that corrects itself. */
function meantBy(state: MemoryState, target: string): string {
  const record = state.newest(target)?.record;
  return record?.target ?? record?.key ?? target;
}

function newEntry(request: RequestOf<'accept'>, key: string, target: string | undefined): Entry {
  const { message, storedAt, digest, token, alias, originId } = request;
  const record: StoredRecord = {
    key,
    target,
    state: 'pending',
    attempt: 1,
    copies: 0,
    copyOut: false,
    bounced: false,
    senderAway: false,
    sender: message.sender,
    senderResource: message.senderResource,
    recipient: message.recipient,
    recipientResource: message.recipientResource,
    wireId: wireIdOf(key, message.wireId, originId),
    senderId: message.senderId,
    owesReceipt: message.owesReceipt,
    type: message.type,
    otherAttributes: message.otherAttributes,
    inner: message.inner,
    firstStoredAt: storedAt,
    storedAt,
    settledAt: undefined,
    receiptResource: '',
    condition: undefined,
    conditionType: undefined,
    conditionText: undefined,
  };
  return { record, copy: 'none', digest, tokens: [token], alias, size: sizeOf(message) };
}

/** Without its payload, as all but copies are shown. */
export function shown({ record }: Entry): StoredRecord {
  return { ...record, inner: '' };
}

const isUntouched = ({ record }: Entry) => record.state === 'pending' && record.attempt === 1 && record.copies === 0;

/** Another attempt is being answered from this record: it is taken back only with the last. */
function vouch(state: MemoryState, entry: Entry, token: string): void {
  const { tokens, record } = entry;
  if (!isUntouched(entry) || tokens.length === 0 || tokens.includes(token) || tokens.includes('*')) return;
  state.entries.set(record.key, { ...entry, tokens: [...tokens, tokens.length < MOST_TOKENS ? token : '*'] });
}

/** Takes back what an attempt may have stored, or have been answered from. */
export function withdraw(state: MemoryState, { key, token }: RequestOf<'withdraw'>, { now }: MemoryTimes): void {
  for (const entry of state.candidates(key, true)) {
    if (!isUntouched(entry) || !entry.tokens.includes(token)) continue;
    const tokens = entry.tokens.filter((one) => one !== token);
    if (tokens.length === 0) state.erase(entry);
    else {
      state.entries.set(entry.record.key, { ...entry, tokens });
      // Whoever stored it will not send it.
      if (entry.tokens[0] === token) state.due.set(entry.record.key, now);
    }
  }
}

export function readdress(state: MemoryState, request: RequestOf<'readdress'>): void {
  const entry = state.entries.get(request.key);
  if (entry?.record.state !== 'pending') return;
  const { senderResource, senderId } = request;
  state.change(entry, { senderResource, senderId, owesReceipt: request.owesReceipt || entry.record.owesReceipt });
}

/** How much of his quota is taken, in percent, and why a message is not to be stored. */
function judge(state: MemoryState, { message, quota }: RequestOf<'accept'>): { taken?: number; refused?: QuotaReason } {
  if (quota === undefined) return {};
  const { part, reason } = mostTaken(state, message.sender, message.recipient, quota.limits);
  const refused = quota.refuse ?? (part >= 100 ? reason : undefined);
  return { taken: Math.floor(part), ...(refused !== undefined && { refused }) };
}

function mostTaken(
  state: MemoryState,
  sender: string,
  recipient: string,
  limits: Limits,
): { part: number; reason: QuotaReason } {
  const domain = sender.slice(sender.lastIndexOf('@'));
  const load = { messages: 0, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
  for (const { record, size } of state.handedOver()) {
    if (record.sender.endsWith(domain)) {
      load.domainMessages += 1;
      load.domainBytes += size;
    }
    if (record.sender !== sender) continue;
    load.messages += 1;
    load.bytes += size;
    if (record.recipient === recipient) load.toOne += 1;
  }
  let most: { part: number; reason: QuotaReason } = { part: 0, reason: 'messages' };
  const reasons = {
    messages: 'messages',
    bytes: 'bytes',
    toOne: 'conversation',
    domainMessages: 'domain',
    domainBytes: 'domain',
  } as const;
  for (const name of Object.keys(reasons) as (keyof Limits)[]) {
    const part = limits[name] > 0 ? (load[name] * 100) / limits[name] : 0;
    if (part > most.part) most = { part, reason: reasons[name] };
  }
  return most;
}
