/** A request between users (IQ) that waits for its response. Addresses of the served side are prepared. */
export interface RelayedIq {
  /** The requester's bare JID: how many of his wait is bounded. */
  readonly requester: string;
  /** Whom he asks, and who else may answer in that one's stead, if anybody. */
  readonly responder: string;
  readonly substitute: string | undefined;
  /** The proxied address that we asked in the name of; a response must come to it. */
  readonly proxied: string;
  /** The request's own from, to and id, as they were written. */
  readonly from: string;
  readonly to: string;
  readonly id: string;
}

/** How many requests may wait at a time. */
export interface IqBounds {
  readonly all: number;
  readonly each: number;
}

/** Records a request under the id that it goes out with. Gives whether it was; false when too many wait. Idempotent. */
export interface RecordIq {
  readonly kind: 'recordIq';
  readonly id: string;
  readonly iq: RelayedIq;
  /** ms since the epoch. */
  readonly deadline: number;
  readonly bounds: IqBounds;
}

export const recordIq = (id: string, iq: RelayedIq, deadline: number, bounds: IqBounds): RecordIq => ({
  kind: 'recordIq',
  id,
  iq,
  deadline,
  bounds,
});

/** Takes the response to a request; only the first counts. Idempotent by its token. */
export interface TakeIqResponse {
  readonly kind: 'takeIqResponse';
  readonly id: string;
  /** Names this response, so that a repetition after a lost reply of the store's is told from a second one. */
  readonly token: string;
  readonly from: string;
  readonly to: string;
  /** Until when (ms) that is remembered. */
  readonly forgetAt: number;
}

export const takeIqResponse = (
  id: string,
  token: string,
  from: string,
  to: string,
  forgetAt: number,
): TakeIqResponse => ({ kind: 'takeIqResponse', id, token, from, to, forgetAt });

/** What a response met: its request, nobody who waits for it (`late`), or one that went to somebody else (`forged`). */
export type IqResponse =
  | { readonly outcome: 'answers'; readonly iq: RelayedIq }
  | { readonly outcome: 'late' | 'forged' };

/** Takes up to `limit` requests whose time is over; nobody else is given them until `leaseUntil` (ms). */
export interface OverdueIqs {
  readonly kind: 'overdueIqs';
  /** ms. */
  readonly now: number;
  readonly leaseUntil: number;
  readonly limit: number;
}

export const overdueIqs = (now: number, leaseUntil: number, limit: number): OverdueIqs => ({
  kind: 'overdueIqs',
  now,
  leaseUntil,
  limit,
});

export interface OverdueIq {
  readonly id: string;
  readonly iq: RelayedIq;
}

/**
 * Ends a request to an account before its time, for this process to tell its requester before `leaseUntil` (ms). Undefined
 * when it does not wait any more, or when somebody gets that account's presence: then it exists, and is given its time, be
 * it there or not.
 */
export interface EndIq {
  readonly kind: 'endIq';
  readonly id: string;
  /** A served bare JID. */
  readonly account: string;
  readonly leaseUntil: number;
}

export const endIq = (id: string, account: string, leaseUntil: number): EndIq => ({
  kind: 'endIq',
  id,
  account,
  leaseUntil,
});

/** A request is over, and its requester told. Idempotent. */
export interface ForgetIq {
  readonly kind: 'forgetIq';
  readonly id: string;
}

export const forgetIq = (id: string): ForgetIq => ({ kind: 'forgetIq', id });

/** Whether a client of these entity capabilities (XEP-0115) supports receipts; undefined when it is not known. */
export interface KnownCapabilities {
  readonly kind: 'knownCapabilities';
  readonly hash: string;
  readonly ver: string;
}

export const knownCapabilities = (hash: string, ver: string): KnownCapabilities => ({
  kind: 'knownCapabilities',
  hash,
  ver,
});

/** Remembers that, for `keep` ms. Idempotent. */
export interface RecordCapabilities {
  readonly kind: 'recordCapabilities';
  readonly hash: string;
  readonly ver: string;
  readonly support: 'y' | 'n';
  readonly keep: number;
}

export const recordCapabilities = (
  hash: string,
  ver: string,
  support: 'y' | 'n',
  keep: number,
): RecordCapabilities => ({
  kind: 'recordCapabilities',
  hash,
  ver,
  support,
  keep,
});

export type IqRequest =
  | RecordIq
  | TakeIqResponse
  | OverdueIqs
  | EndIq
  | ForgetIq
  | KnownCapabilities
  | RecordCapabilities;

export interface IqReplies {
  recordIq: boolean;
  takeIqResponse: IqResponse;
  overdueIqs: readonly OverdueIq[];
  endIq: RelayedIq | undefined;
  forgetIq: undefined;
  knownCapabilities: 'y' | 'n' | undefined;
  recordCapabilities: undefined;
}
