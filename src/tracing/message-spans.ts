import { createHmac } from 'node:crypto';
import {
  type Attributes,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import type { MessageTrace, TraceDetails, TracedMessage, TraceStep } from '../util/message-trace.ts';
import { recordKey } from '../xmpp/stanza/message-key.ts';
import type { IdSequence, Ids } from './id-sequence.ts';

/** Spans that are open at most; over it the one without a step for the longest time ends. */
const MOST_OPEN = 10_000;
/** ms without a step after which a span ends: while its message waits, and when its message has ended. */
const IDLE = 60_000;
const IDLE_ENDED = 5_000;
/** Between two looks at that, ms. */
const LOOK_EVERY = 5_000;

/** Steps with which a span begins; any other is noted only while one is open. */
const BEGINS: ReadonlySet<TraceStep> = new Set([
  'accepted',
  'claimed by a job',
  'claimed again after a reconnect',
  'redelivered',
  'came back',
  'confirmed',
  'delivered',
  'expired',
  'unconfirmed',
  'proved',
  'rejected',
  'cancelled',
  'quarantined',
]);

/** Steps that end a message, and whether it failed. */
const ENDS: Readonly<Partial<Record<TraceStep, 'error' | 'unset'>>> = {
  delivered: 'unset',
  proved: 'unset',
  cancelled: 'unset',
  expired: 'error',
  unconfirmed: 'error',
  rejected: 'error',
  quarantined: 'error',
};

export interface MessageSpansOptions {
  readonly tracer: Tracer;
  /** The source of ids of that tracer. */
  readonly ids: IdSequence;
  /** What ids and digests are made with, so that nobody finds addresses by trying; the same for all processes of a domain. */
  readonly secret: string;
  /** Whether spans have JIDs, and reasons as they are; digests otherwise, and no reason that may name anybody. */
  readonly addresses: boolean;
  readonly mostOpen?: number;
  /** ms since the epoch. */
  readonly now?: () => number;
}

interface Open {
  readonly span: Span;
  touched: number;
  isEnded: boolean;
}

/** The ids of a message's trace and of its first span: any process that has the secret finds them by the message's key. */
export function idsOf(secret: string, key: string): Ids {
  const digest = digestOf(secret, `span\0${key}`);
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) };
}

function digestOf(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}

/**
 * Makes spans of the steps of messages (TRACE_SPANS). A message has one span, from its acceptance to its ending. A span that
 * its process leaves before, or in which nothing has happened for a minute, ends, so that it is exported and takes no memory;
 * what follows, such as a redelivery, is another span of the same trace with a link to the first.
 */
export class MessageSpans {
  readonly trace: NonNullable<MessageTrace>;
  readonly #options: MessageSpansOptions;
  readonly #now: () => number;
  readonly #mostOpen: number;
  /** By key; the one without a step for the longest time first. */
  readonly #open = new Map<string, Open>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: MessageSpansOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#mostOpen = options.mostOpen ?? MOST_OPEN;
    this.trace = (step, message, details) => this.#take(step, message, details);
    this.#timer = setInterval(() => this.endIdle(), LOOK_EVERY).unref();
  }

  /** Spans that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Ends the spans in which nothing has happened for long. */
  endIdle(): void {
    const now = this.#now();
    for (const [key, { touched, isEnded }] of this.#open) {
      if (now - touched >= (isEnded ? IDLE_ENDED : IDLE)) this.#end(key, isEnded ? undefined : 'waits');
    }
  }

  /** Ends all spans. */
  close(): void {
    clearInterval(this.#timer);
    for (const [key, { isEnded }] of this.#open) this.#end(key, isEnded ? undefined : 'its process stops');
  }

  #take(step: TraceStep, message: TracedMessage, details: TraceDetails = {}): void {
    const { sender, recipient, senderId, wireId } = message;
    const id = senderId ?? wireId;
    const named = sender !== undefined && recipient !== undefined && id !== undefined;
    const key = message.key ?? (named ? recordKey(sender, recipient, id) : undefined);
    if (key === undefined) return;
    let open = this.#open.get(key);
    // The same message again after its end, or its key with another message: a life of its own.
    if (open?.isEnded && (step === 'accepted' || step === 'redelivered')) {
      this.#end(key);
      open = undefined;
    }
    if (open === undefined) {
      if (!BEGINS.has(step)) return;
      open = this.#begin(key, step, message);
    }
    const now = this.#now();
    open.span.addEvent(step, this.#eventAttributes(message, details), now);
    open.touched = now;
    this.#open.delete(key);
    this.#open.set(key, open);
    const end = ENDS[step];
    if (end !== undefined) {
      open.isEnded = true;
      open.span.setAttribute('xmpp.message.state', step);
      if (end === 'error') open.span.setStatus({ code: SpanStatusCode.ERROR, message: step });
    } else if (open.isEnded && (step === 'notified' || step === 'notification deferred')) this.#end(key);
  }

  #begin(key: string, step: TraceStep, { sender, recipient, senderId, wireId }: TracedMessage): Open {
    const { tracer, ids, secret, addresses } = this.#options;
    if (this.#open.size >= this.#mostOpen) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#end(oldest, 'too many are open');
    }
    const { traceId, spanId } = idsOf(secret, key);
    const isFirst = step === 'accepted';
    const attributes: Attributes = { 'messaging.system': 'xmpp' };
    // With the id, whoever guesses both addresses could try them on it.
    if (addresses) attributes['xmpp.message.key'] = key;
    const id = senderId ?? wireId;
    if (id !== undefined) attributes['messaging.message.id'] = id;
    if (sender !== undefined) attributes['xmpp.message.from'] = this.#name(sender);
    if (recipient !== undefined) attributes['xmpp.message.to'] = this.#name(recipient);
    const links: Link[] = isFirst
      ? []
      : [{ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true } }];
    const startTime = this.#now();
    const start = () =>
      tracer.startSpan('message', { root: true, kind: SpanKind.CONSUMER, attributes, links, startTime });
    const span = ids.use({ traceId, ...(isFirst && { spanId }) }, start);
    const open = { span, touched: startTime, isEnded: false };
    this.#open.set(key, open);
    return open;
  }

  /** @param early why, where its message has not ended */
  #end(key: string, early?: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    if (early !== undefined) open.span.addEvent('left open', { why: early }, this.#now());
    open.span.end(early === undefined ? open.touched : this.#now());
  }

  /** What stands for a JID. */
  #name(jid: string): string {
    const { addresses, secret } = this.#options;
    return addresses ? jid : digestOf(secret, jid).slice(0, 16);
  }

  #eventAttributes({ attempt }: TracedMessage, { why, session, rule, due }: TraceDetails): Attributes {
    const reason = this.#options.addresses ? why : withoutNames(why);
    return {
      ...(attempt !== undefined && { attempt }),
      ...(reason !== undefined && { why: reason }),
      ...(session !== undefined && { session: this.#name(session) }),
      ...(rule !== undefined && { rule }),
      ...(due !== undefined && { due: new Date(due).toISOString() }),
    };
  }
}

/** A reason without the addresses and resources that it may have: those stand after a colon, or have an "@". */
function withoutNames(why: string | undefined): string | undefined {
  const text = why?.split(':', 1)[0];
  return text?.includes('@') ? undefined : text;
}
