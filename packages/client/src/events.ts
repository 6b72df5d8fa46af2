import type { IncomingMessage, Problem, Tracked } from './types.ts';

/** The events, each with its detail. */
export interface ReceiptsEvents {
  /** Any change of a message's state, `queued` included. */
  state: Tracked;
  stored: Tracked;
  delivered: Tracked;
  failed: Tracked;
  /** A message was written again. */
  resend: Tracked;
  /** The application's handler has taken it. */
  message: IncomingMessage;
  problem: Problem;
}

/** An event; its `detail` has the message or the problem. */
export type ReceiptsEvent<K extends keyof ReceiptsEvents> = CustomEvent<ReceiptsEvents[K]>;

type Listener<K extends keyof ReceiptsEvents> = (event: ReceiptsEvent<K>) => void;

/** An `EventTarget` that knows its events. */
export interface ReceiptsEventTarget {
  addEventListener<K extends keyof ReceiptsEvents>(
    type: K,
    listener: Listener<K>,
    options?: { readonly once?: boolean; readonly signal?: AbortSignal },
  ): void;
  removeEventListener<K extends keyof ReceiptsEvents>(type: K, listener: Listener<K>): void;
  dispatchEvent(event: Event): boolean;
}

// The platform's own type takes any string for an event.
export const ReceiptsEventTarget = EventTarget as unknown as new () => ReceiptsEventTarget;
