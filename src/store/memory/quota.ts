import type { Limits, Load, QuotaReason, RequestOf } from '../contract.ts';
import type { MemoryState } from './state.ts';

const domainOf = (sender: string) => `@${sender.slice(sender.lastIndexOf('@') + 1)}`;

/** How much of his quota is taken, in percent, and why a message is not to be stored. */
export function judge(
  state: MemoryState,
  { message, quota }: RequestOf<'accept'>,
): { readonly taken?: number; readonly refused?: QuotaReason } {
  if (quota === undefined) return {};
  const { part, reason } = mostTaken(state, message.sender, message.recipient, quota.limits);
  const refused = quota.refuse ?? (Math.floor(part) >= 100 ? reason : undefined);
  return { taken: Math.floor(part), ...(refused !== undefined && { refused }) };
}

function mostTaken(
  state: MemoryState,
  sender: string,
  recipient: string,
  limits: Limits,
): { readonly part: number; readonly reason: QuotaReason } {
  const loads = loadsOf(state);
  const his = loads.get(sender);
  const domain = loads.get(domainOf(sender));
  const toOne = [...state.handedOver()].filter(
    ({ record }) => record.sender === sender && record.recipient === recipient,
  ).length;
  const parts: [QuotaReason, number, number][] = [
    ['messages', his?.messages ?? 0, limits.messages],
    ['bytes', his?.bytes ?? 0, limits.bytes],
    ['conversation', toOne, limits.toOne],
    ['domain', domain?.messages ?? 0, limits.domainMessages],
    ['domain', domain?.bytes ?? 0, limits.domainBytes],
  ];
  let most: { part: number; reason: QuotaReason } = { part: 0, reason: 'messages' };
  for (const [reason, taken, limit] of parts) {
    const part = limit > 0 ? (taken * 100) / limit : 0;
    if (part > most.part) most = { part, reason };
  }
  return most;
}

/** What each sender has in the store, and all of a domain (`@` and its name): messages that were handed over and not ended. */
export function loadsOf(state: MemoryState): Map<string, Load> {
  const loads = new Map<string, Load>();
  for (const { record, size } of state.handedOver()) {
    for (const whose of [record.sender, domainOf(record.sender)]) {
      const { messages = 0, bytes = 0 } = loads.get(whose) ?? {};
      loads.set(whose, { of: whose, messages: messages + 1, bytes: bytes + size });
    }
  }
  return loads;
}
