import type { RequestOf, State } from '../contract.ts';

/** What shards are asked beside the requests of the contract, where one of those needs more than one of them (plans.ts). */
export type InternalRequest =
  /** Stores a message whose sender lies in another shard, which has said what his hash of sessions holds. */
  | { readonly kind: 'acceptKnowing'; readonly accept: RequestOf<'accept'>; readonly sessions: readonly string[] }
  /** Fields and values of a user's hash of sessions. */
  | { readonly kind: 'sessionsHash'; readonly user: string }
  /** The sender of an ended message is away, as another shard has said: he is told when he comes. */
  | { readonly kind: 'postponeNotice'; readonly key: string; readonly state: State; readonly sender: string }
  /** Whether any record goes by a key. */
  | { readonly kind: 'isKnown'; readonly key: string }
  /** How much a sender has in this shard, and all of his domain. */
  | { readonly kind: 'loadOf'; readonly sender: string }
  /** Notes in subscribers' shard that these contacts' shards have them for one of theirs, or no longer. */
  | {
      readonly kind: 'noteSubscriptions';
      readonly pairs: readonly (readonly [subscriber: string, contact: string])[];
      readonly subscribed: boolean;
    };

export type InternalKind = InternalRequest['kind'];
export type InternalRequestOf<K extends InternalKind> = Extract<InternalRequest, { readonly kind: K }>;

export interface SenderLoad {
  readonly messages: number;
  readonly bytes: number;
  readonly domainMessages: number;
  readonly domainBytes: number;
}

export interface InternalReplies {
  acceptKnowing: unknown;
  sessionsHash: readonly string[];
  postponeNotice: undefined;
  isKnown: boolean;
  loadOf: SenderLoad;
  noteSubscriptions: undefined;
}
