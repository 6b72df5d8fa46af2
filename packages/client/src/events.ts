import type { IncomingMessage, Problem, Tracked } from './types.ts';

/** What is told, and with what. */
export interface ReceiptsEvents {
  /** Any change of a message's state, `queued` included. */
  state: Tracked;
  stored: Tracked;
  delivered: Tracked;
  failed: Tracked;
  /** It was written once more. */
  resend: Tracked;
  /** The application's handler has taken it. */
  message: IncomingMessage;
  problem: Problem;
}

/** Its `detail` is what is told. */
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

// The types of the platform's own know any string for an event.
export const ReceiptsEventTarget = EventTarget as unknown as new () => ReceiptsEventTarget;
