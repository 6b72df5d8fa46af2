/** What `/metrics` says; docs/metrics.md is made from it, by `npm run docs`. */
export interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram's buckets, in seconds. */
  readonly buckets?: readonly number[];
}

export const PREFIX = 'openfire_receipts_';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** By name, without {@link PREFIX}. */
export const DEFINITIONS = {
  accepted_total: { type: 'counter', help: 'Messages that were stored for the first time.' },
  duplicates_total: { type: 'counter', help: 'Messages that a sender sent again; they are answered, not forwarded.' },
  handed_over_total: { type: 'counter', help: 'Stanzas that the XMPP server has proved to have taken.' },
  delivered_total: { type: 'counter', help: "Messages that the recipient's client confirmed in time." },
  late_receipts_total: { type: 'counter', help: 'Messages that were confirmed after they had ended as failed.' },
  repeated_receipts_total: {
    type: 'counter',
    help: 'Receipts for what was already confirmed; they are not passed on.',
  },
  unmatched_receipts_total: {
    type: 'counter',
    help: 'Receipts for nothing that is known, or not from the recipient; they settle nothing and are passed on.',
  },
  redelivered_total: { type: 'counter', help: 'Further copies that were sent.' },
  expired_total: { type: 'counter', help: 'Messages that nobody confirmed in time; their senders are told.' },
  unconfirmed_total: {
    type: 'counter',
    help: 'Messages that ended without a receipt where a missing one means nothing: his client returns none, or most likely dropped a copy.',
  },
  rejected_total: { type: 'counter', help: "Messages that the recipient's server refused for good." },
  bounces_total: {
    type: 'counter',
    labels: ['kind'],
    help: "Copies that the recipient's server returned; kind is temporary (tried again) or permanent.",
  },
  refused_total: {
    type: 'counter',
    labels: ['condition'],
    help: 'Stanzas that were returned to their senders with an error, by its condition.',
  },
  over_share_total: {
    type: 'counter',
    labels: ['share'],
    help: 'Stanzas that were refused because their sender had used up a quota: of the rate, of messages or bytes that wait (messages, bytes), of those to one recipient (conversation), of his server (domain), or for want of memory in Redis (memory).',
  },
  evidence_total: {
    type: 'counter',
    labels: ['kind'],
    help: 'Messages that were sent again because of what was seen, not of the clock: the session that a copy went to ended (session-ended) or did not answer (session-silent), it came back (bounced), it was not stored for somebody who was away (not-stored), or a later message was confirmed and it was not (gap).',
  },
  proved_total: {
    type: 'counter',
    labels: ['by'],
    help: 'Messages that were delivered as something else than a receipt showed: a marker, a reply, a reaction, what the server saw of the session (session; only with a gate), or a receipt that it routed to the sender without us (routed; likewise).',
  },
  passed_through_total: { type: 'counter', help: 'Stanzas that were passed on without being tracked.' },
  dropped_total: {
    type: 'counter',
    help: 'Stanzas that were ignored: nobody could be told, or nothing was to be done.',
  },
  queries_total: { type: 'counter', help: 'Requests (IQ) between users that were passed on.' },
  queries_answered_total: { type: 'counter', help: 'Requests between users whose reply was passed back.' },
  queries_timed_out_total: {
    type: 'counter',
    help: 'Requests between users that nobody answered in time; their requesters are told.',
  },
  stray_replies_total: {
    type: 'counter',
    labels: ['kind'],
    help:
      'Replies that were ignored: late (nobody waits for it any more), forged (from or to somebody else than was asked) ' +
      'or unknown (to no request of ours).',
  },
  quarantined_total: {
    type: 'counter',
    help: 'Stanzas that were put aside because the server ended the link over them.',
  },
  presences_relayed_total: { type: 'counter', help: 'Presence stanzas that were passed on between users.' },
  presence_probes_total: {
    type: 'counter',
    help: 'Presence probes of our own: after the link was down, one for each subscription.',
  },
  presence_replies_total: {
    type: 'counter',
    help: "Presence stanzas that the proxy answered by itself, or with its own domain's presence.",
  },
  stale_sessions_total: {
    type: 'counter',
    help: 'Sessions that had ended unseen while the link was down; their subscribers are told.',
  },
  set_aside_total: {
    type: 'counter',
    help: 'Operations that Redis rejected for what is in them, and that were set aside; the log names each.',
  },
  gate_held_total: { type: 'counter', help: 'Messages that the gate showed us and held (MODE=transparent or both).' },
  gate_verdicts_total: {
    type: 'counter',
    labels: ['verdict'],
    help: 'Verdicts on them: stored, pass (not stored, routed as without the component) or drop (a duplicate, or a receipt of which the component notifies by itself).',
  },
  gate_late_total: { type: 'counter', help: 'Held messages that passed because Redis did not answer in time.' },
  gate_unheld_total: {
    type: 'counter',
    help: 'Messages that passed unheld, as the gate reported: while no lease was held, or beyond what the gate may hold. Each process is told of them, and counts them. The log lists them once a minute.',
  },
  gate_opened_total: { type: 'counter', help: 'How often the gate has ended a lease and released all held messages.' },
  gate_other_epoch_total: {
    type: 'counter',
    help: 'Messages that were sent again because the server was restarted since, so that nobody knows what became of them.',
  },
  gate_proofs_doubted_total: {
    type: 'counter',
    help: 'Proofs that a client has a message which did not count, since its session ended soon after (PROOF_GRACE).',
  },
  gate_receipts_left_to_store_total: {
    type: 'counter',
    help: 'Receipts that ended their message only when its session had lived on (PROOF_GRACE), since more that may come to be in doubt could not be kept in memory.',
  },
  gate_doubts_given_up_total: {
    type: 'counter',
    help: 'Messages that were confirmed and that memory had no room for: should the session end right after, they are not sent again. The log says so once a minute.',
  },
  gate_up: {
    type: 'gauge',
    help: '1 while a gate holds messages for us, else 0; missing without a gate (MODE=subdomain).',
  },
  gate_waiting: { type: 'gauge', help: 'Held messages that wait for our verdict.' },
  reconnects_total: { type: 'counter', help: 'How often the link to the XMPP server came up again.' },
  link_up: {
    type: 'gauge',
    help: '1 while the link to the XMPP server is up and the server answers, else 0; missing on a process that stands by (ACTIVE_PROCESSES=one).',
  },
  ready: { type: 'gauge', help: '1 while the process can do its work, else 0; /readyz says what keeps it from that.' },
  domain_shared: {
    type: 'gauge',
    help: '1 while somebody else, who does not share our Redis, holds the domain too, else 0.',
  },
  ledger_up: {
    type: 'gauge',
    help: '1 while Redis accepts writes and answers, else 0; when it does not answer, the figures that it keeps (pending and the like) are missing.',
  },
  ledger_losses_total: {
    type: 'counter',
    help: 'How often Redis was found to have lost its data, gone back to an older copy, or been replaced by another.',
  },
  redis_memory_used_ratio: {
    type: 'gauge',
    help: 'How much of its memory limit Redis uses, 0 to 1; missing when it has none, or its user may not ask (INFO).',
  },
  build_info: { type: 'gauge', labels: ['version', 'node'], help: '1; its labels say what runs.' },
  queues_paused: {
    type: 'gauge',
    help: 'Queues that somebody paused with the means of the queue library; what is in them is not worked off.',
  },
  pending: { type: 'gauge', help: 'Messages that wait for a receipt.' },
  oldest_pending_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest of them, to the minute: up to 60 s more than it is; 0 when there is none.',
  },
  damaged: {
    type: 'gauge',
    help: 'Records in Redis that were found damaged and are kept aside, for UNDELIVERED_RETENTION.',
  },
  undelivered: { type: 'gauge', help: 'Dead letters: jobs in the queue undelivered.' },
  redelivery_paused: { type: 'gauge', help: '1 while an administrator keeps further copies back, else 0.' },
  time_to_stored_seconds: {
    type: 'histogram',
    help: 'From the arrival of a message to its being stored in Redis, when it can be acknowledged.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  time_to_delivered_seconds: {
    type: 'histogram',
    help: "From a message's being stored to its receipt.",
    buckets: [
      0.01,
      0.025,
      0.05,
      0.1,
      0.25,
      0.5,
      1,
      2.5,
      5,
      10,
      30,
      MINUTE,
      5 * MINUTE,
      15 * MINUTE,
      HOUR,
      6 * HOUR,
      DAY,
      3 * DAY,
      7 * DAY,
    ],
  },
} as const satisfies Record<string, Definition>;

export type MetricName = keyof typeof DEFINITIONS;
