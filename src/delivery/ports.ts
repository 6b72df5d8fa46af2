import type { StoredRecord } from '../store/contract.ts';
import type { CoalescingKey, OutgoingStanza, Priority } from '../xmpp/connection/outgoing-stanza.ts';

/** What delivery needs of the rooms beside and above it. Each part gets these in its constructor. */

/** A copy of a message, or a notice to its sender, that the link has and the server has not yet proved to have. */
export interface Sent {
  readonly kind: 'copy' | 'notice';
  /** Moves on when it is claimed again after the link was down. */
  attempt: number;
  record: StoredRecord;
  held?: OutgoingStanza<Sent>;
  /** It was marked to be kept from offline storage. */
  noStore?: boolean;
  /** Its verdict has the gate acknowledge the message to its sender. */
  acknowledgedByGate?: boolean;
  /** It bears the message's own body. */
  quotes?: boolean;
  /** The recipient's resource that it was sent to, unless a first copy. */
  target?: string;
  /** Its receipt is on its way to the ledger: a hand-over would only be noted to be overwritten. */
  receiptArrived?: boolean;
  /** When (ms) it was given to the link. */
  givenAt?: number;
  /** When (ms) the server proved to have it, and how long before that it was written, at most. */
  provedAt?: number;
  took?: number;
  /** How often its lease was looked at; see {@link Leases}. */
  looks?: number;
}

/** The part of the link that is written to. */
export interface LinkPort {
  send(xml: string, tag?: Sent, priority?: Priority, key?: CoalescingKey, owner?: string): OutgoingStanza<Sent>;
}

/** A message that needed more than one attempt and is due again. */
export interface ScheduledAttempt {
  readonly record: StoredRecord;
  readonly attempt: number;
  /** ms since the epoch. */
  readonly due: number;
  /** Whether that is the end of its life. */
  readonly expires: boolean;
}

/**
 * The jobs that show an administrator what is in trouble. The ledger is the truth: what cannot be written is logged, and the
 * next sweep makes up for it.
 */
export interface JobsPort {
  /** Shows a message's next attempt. */
  attemptScheduled(scheduled: ScheduledAttempt): void;
  /** Takes a message's last attempt out of sight. */
  attemptOver(record: StoredRecord): void;
  /** Puts a dead letter down; one for each record. Never rejects. */
  putDeadLetter(record: StoredRecord): Promise<void>;
  removeDeadLetter(record: StoredRecord): void;
  /** Puts a stanza down that is no message of the ledger's, and cannot be sent again. Rejects when it cannot. */
  putStanza(xml: string, why: string): Promise<void>;
}
