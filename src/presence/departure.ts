import type { AddressPolicy } from '../addressing/address-policy.ts';
import { forgetPresence, subscribersOf } from '../store/contract.ts';
import type { OperationQueue, PresenceStore } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';

interface DepartureOptions {
  readonly pipeline: OperationQueue;
  readonly stored: PresenceStore;
  readonly addresses: AddressPolicy;
  readonly sessions: SessionTracker;
}

/**
 * Shows everybody who sees somebody through the component that he is unavailable, and forgets whose sessions are there.
 * Rejects when Redis does not answer.
 */
export async function announceDeparture({ pipeline, stored, addresses, sessions }: DepartureOptions): Promise<void> {
  const announce = async (user: string) => {
    const [resources, subscribers] = await Promise.all([
      stored.sessionsOf(user),
      pipeline.perform(subscribersOf(user)),
    ]);
    sessions.announceUnavailable(user, resources, subscribers);
  };
  let cursor = '0';
  do {
    const { next, users } = await stored.contacts(cursor);
    const served = users.filter((user) => user !== addresses.componentDomain);
    await Promise.all(served.map(announce));
    if (served.length > 0) await pipeline.perform(forgetPresence(served));
    cursor = next;
  } while (cursor !== '0');
}
