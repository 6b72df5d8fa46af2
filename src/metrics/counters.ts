import { DEFINITIONS, type MetricName, PREFIX } from './definitions.ts';
import { TimeHistogram } from './histogram.ts';

export interface Counted {
  readonly name: MetricName;
  readonly labels?: Record<string, string>;
}

/** Where each plain count goes. */
export const COUNTED = {
  accepted: { name: 'accepted_total' },
  duplicates: { name: 'duplicates_total' },
  handedOver: { name: 'handed_over_total' },
  delivered: { name: 'delivered_total' },
  lateReceipts: { name: 'late_receipts_total' },
  repeatedReceipts: { name: 'repeated_receipts_total' },
  unmatchedReceipts: { name: 'unmatched_receipts_total' },
  redelivered: { name: 'redelivered_total' },
  expired: { name: 'expired_total' },
  unconfirmed: { name: 'unconfirmed_total' },
  rejected: { name: 'rejected_total' },
  bouncesTemporary: { name: 'bounces_total', labels: { kind: 'temporary' } },
  bouncesPermanent: { name: 'bounces_total', labels: { kind: 'permanent' } },
  evidenceSessionEnded: { name: 'evidence_total', labels: { kind: 'session-ended' } },
  evidenceSessionSilent: { name: 'evidence_total', labels: { kind: 'session-silent' } },
  evidenceBounced: { name: 'evidence_total', labels: { kind: 'bounced' } },
  evidenceNotStored: { name: 'evidence_total', labels: { kind: 'not-stored' } },
  evidenceGap: { name: 'evidence_total', labels: { kind: 'gap' } },
  provedByMarker: { name: 'proved_total', labels: { by: 'marker' } },
  provedByReply: { name: 'proved_total', labels: { by: 'reply' } },
  provedByReaction: { name: 'proved_total', labels: { by: 'reaction' } },
  passedThrough: { name: 'passed_through_total' },
  dropped: { name: 'dropped_total' },
  queries: { name: 'queries_total' },
  queriesAnswered: { name: 'queries_answered_total' },
  queriesTimedOut: { name: 'queries_timed_out_total' },
  repliesLate: { name: 'stray_replies_total', labels: { kind: 'late' } },
  repliesForged: { name: 'stray_replies_total', labels: { kind: 'forged' } },
  repliesUnknown: { name: 'stray_replies_total', labels: { kind: 'unknown' } },
  quarantined: { name: 'quarantined_total' },
  presencesRelayed: { name: 'presences_relayed_total' },
  presenceProbes: { name: 'presence_probes_total' },
  presenceReplies: { name: 'presence_replies_total' },
  staleSessions: { name: 'stale_sessions_total' },
  setAside: { name: 'set_aside_total' },
  gateHeld: { name: 'gate_held_total' },
  gateStored: { name: 'gate_verdicts_total', labels: { verdict: 'stored' } },
  gatePassed: { name: 'gate_verdicts_total', labels: { verdict: 'pass' } },
  gateDropped: { name: 'gate_verdicts_total', labels: { verdict: 'drop' } },
  gateLate: { name: 'gate_late_total' },
  gateUnheld: { name: 'gate_unheld_total' },
  gateOpened: { name: 'gate_opened_total' },
  gateOtherEpoch: { name: 'gate_other_epoch_total' },
  provedBySession: { name: 'proved_total', labels: { by: 'session' } },
  provedByRoutedReceipt: { name: 'proved_total', labels: { by: 'routed' } },
  proofsDoubted: { name: 'gate_proofs_doubted_total' },
  receiptsLeftToStore: { name: 'gate_receipts_left_to_store_total' },
  doubtsGivenUp: { name: 'gate_doubts_given_up_total' },
} as const satisfies Record<string, Counted>;

/** Plain numbers to add to; they are read when somebody looks. */
export type Counts = Record<keyof typeof COUNTED, number>;

/** What the rooms count and time, from their first stanza on; {@link Metrics} shows it. Plain numbers: it costs next to nothing. */
export class Counters {
  readonly counts: Counts = Object.fromEntries(Object.keys(COUNTED).map((key) => [key, 0])) as Counts;
  readonly timeToStored = histogram('time_to_stored_seconds');
  readonly timeToDelivered = histogram('time_to_delivered_seconds');
  /** Stanzas that went back to their senders, by condition. */
  readonly refusedBy = new Map<string, number>();
  /** Stanzas whose sender had used up a share, by that. */
  readonly overQuotaBy = new Map<string, number>();

  /** Counts a stanza that went back to its sender. */
  refused(condition: string): void {
    this.refusedBy.set(condition, (this.refusedBy.get(condition) ?? 0) + 1);
  }

  /** Counts a stanza whose sender had used up this share. */
  overQuota(share: string): void {
    this.overQuotaBy.set(share, (this.overQuotaBy.get(share) ?? 0) + 1);
  }
}

function histogram(short: 'time_to_stored_seconds' | 'time_to_delivered_seconds'): TimeHistogram {
  const { help, buckets } = DEFINITIONS[short];
  return new TimeHistogram(PREFIX + short, help, buckets);
}
