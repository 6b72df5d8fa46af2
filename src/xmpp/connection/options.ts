import type { Element } from '@xmpp/xml';
import type { OversizedStanza } from './guarded-parser.ts';
import type { HeartbeatTiming } from './heartbeat.ts';
import type { OutgoingStanza, Priority } from './outgoing-stanza.ts';

/** The part of pino that the link uses. */
export interface LinkLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** In ms, but for `pingEvery`. */
export interface LinkTiming extends HeartbeatTiming {
  readonly connectTimeout: number;
  /** For the server's header and for the answer to the handshake, each. */
  readonly handshakeTimeout: number;
  /** Stanzas after which a ping goes at once, however large the window of flow control is. */
  readonly pingEvery: number;
  /**
   * Bounds of the first wait before a reconnect, and of the longest. A link that has answered a ping starts again from the
   * first, as what is written while there is none may be lost; the longest is for refusals.
   */
  readonly backoffMin: number;
  readonly backoffMax: number;
  /** Bound of the longest wait while the server cannot be reached: it may be back at any time. */
  readonly unreachableMax: number;
  /** For how long a stanza that may be killing the link is set aside first. */
  readonly deferFor: number;
}

export const DEFAULT_TIMING: LinkTiming = {
  connectTimeout: 10_000,
  handshakeTimeout: 10_000,
  // Openfire closes a component that it has not heard of for 360 s.
  keepalive: 60_000,
  pingInterval: 1_000,
  pingTimeout: 30_000,
  pingEvery: 1_000,
  backoffMin: 250,
  backoffMax: 60_000,
  unreachableMax: 10_000,
  deferFor: 10_000,
};

/** Says when a process may be connected, where only one of several may. */
export interface LinkPermit {
  /** Whether it may now, as far as it knows. */
  readonly isGranted: boolean;
  /** Resolves when it may, or after {@link LinkPermit.cancel}. */
  wait(): Promise<void>;
  /** It could not connect: another one may try. */
  giveUp(): void;
  /** Ends all waiting, for good. */
  cancel(): void;
}

export interface LinkOptions {
  /** `xmpp://host:port`, or `xmpps://host:port` for direct TLS. */
  readonly service: string;
  /** The authority of the server's certificate, PEM text; without it, the system's authorities. */
  readonly tlsCa?: string;
  readonly domain: string;
  readonly secret: string;
  /** The server's own domain, where the pings go. */
  readonly serverDomain: string;
  readonly log: LinkLog;
  /** Without one it may always be connected. */
  readonly permit?: LinkPermit | undefined;
  readonly timing?: Partial<LinkTiming>;
  /** Stanzas held in memory, in characters; default 64 Mi. */
  readonly maxQueuedBytes?: number;
  /** Largest stanza that is taken in; default 10 MiB. Accurate to a chunk or two of 64 KiB. */
  readonly maxInboundBytes?: number;
  /** Deepest stanza that is taken in, in levels of elements; default 200. */
  readonly maxDepth?: number;
}

/**
 * Called when the link is up, before anything is written, with what was not handed over and what has waited since, in
 * order. Resolves to what is to be written. If it rejects, all is.
 */
export type Resume<T> = (held: OutgoingStanza<T>[]) => Promise<OutgoingStanza<T>[]>;

export interface LinkEvents<T> {
  /** The link is up, and what was held has been written again or is being so. */
  online: [];
  /** The first ping of this stream was answered: the server is there, and routes what we send. */
  proved: [];
  /** The link was up and is down; why, in words. */
  offline: [reason: string];
  /** A message, presence or iq, but for the answers to the link's own pings. */
  stanza: [element: Element];
  /**
   * The server has proved to have handled these, oldest first; without those that were `done`. `took`: how long ago the first of
   * them was written, ms.
   */
  handedOver: [tags: T[], took: number];
  /** This one has killed the link, again when it was alone; it will not be sent again. */
  quarantined: [held: OutgoingStanza<T>];
  /** A stanza above the limits came and was skipped. */
  oversized: [oversized: OversizedStanza];
}

export interface LinkStats {
  /** How often the link came up again. */
  readonly reconnects: number;
  /** ms since the epoch; `undefined` while it is down. */
  readonly connectedSince: number | undefined;
  /** The same of a link that is down: since when; `undefined` while it is up. */
  readonly downSince: number | undefined;
  /** When a ping of the current stream was last answered, ms since the epoch; `undefined` if none was yet. */
  readonly provedAt: number | undefined;
  readonly lastProblem: string | undefined;
  /** Whether another process is connected in its place. */
  readonly standsBy: boolean;
  /** Stanzas held in memory, written or not. */
  readonly queued: number;
  /** In characters. */
  readonly queuedBytes: number;
  /** Stanzas without a tag that were dropped because too much was held. */
  readonly dropped: number;
  /** Stanzas written and not yet handed over, and how many of them flow control allows now. */
  readonly inFlight: number;
  readonly window: number;
  /** Stanzas that wait to be written, by priority. */
  readonly waiting: Readonly<Record<Priority, number>>;
  /** For how long the server has owed the answer to a ping, ms; `undefined` when it owes none. */
  readonly awaitingAnswerFor: number | undefined;
  /** Whether the server gives the answers to pings to any connection of the domain: one of another process has come here. */
  readonly answersMisrouted: boolean;
  /** What the last answered ping of this stream took, ms: a slow server's is a second or more. */
  readonly roundTrip: number | undefined;
}
