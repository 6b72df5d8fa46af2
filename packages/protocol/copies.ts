import { carbons, chatStates, delay, hints, legacyDelay, markers, receipts, sid } from './namespaces.ts';

/**
 * The namespaces of what may differ between copies of one message: a client, a server or the component may add or
 * leave it out. The component and the recipient's client compare copies by the rest.
 */
export const NOT_PAYLOAD: ReadonlySet<string | undefined> = new Set([
  receipts,
  chatStates,
  markers,
  hints,
  sid,
  delay,
  legacyDelay,
  carbons,
]);
