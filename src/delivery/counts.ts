/** What this room counts; plain fields, since it counts tens of thousands of stanzas a second. */
export interface Counts {
  accepted: number;
  duplicates: number;
  delivered: number;
  redelivered: number;
  handedOver: number;
  rejected: number;
  expired: number;
  unconfirmed: number;
  quarantined: number;
  lateReceipts: number;
  repeatedReceipts: number;
  unmatchedReceipts: number;
  bouncesTemporary: number;
  bouncesPermanent: number;
  passedThrough: number;
  evidenceSessionEnded: number;
  evidenceSessionSilent: number;
  evidenceBounced: number;
  evidenceNotStored: number;
  evidenceGap: number;
  provedByMarker: number;
  provedByReply: number;
  provedByReaction: number;
  dropped: number;
  presencesRelayed: number;
  presenceProbes: number;
  presenceReplies: number;
  staleSessions: number;
  setAside: number;
}
