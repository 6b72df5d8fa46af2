import type { Element } from '@xmpp/xml';
import { ownCopy } from '../util/octets.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { namespaceOf } from '../xmpp/stanza/xml.ts';

/** What was seen of a copy; docs/gate-protocol.md has each. */
const STATES = ['sent', 'offline', 'bounced', 'refused', 'dropped', 'passed', 'waits', 'unknown'] as const;
export type OutcomeState = (typeof STATES)[number];

const SESSION_STATES = ['bound', 'available', 'unavailable', 'detached', 'resumed', 'gone'] as const;
type SessionState = (typeof SESSION_STATES)[number];

/** What nearly all outcomes say. */
const ALONE: ReadonlyMap<string, ReadonlySet<OutcomeState>> = new Map(STATES.map((state) => [state, new Set([state])]));

/** A session of a user's; `id` names its stream. */
export interface SessionRef {
  readonly jid: string;
  readonly id: string;
}

export interface Outcome {
  readonly n: string;
  /** 1 is the original. */
  readonly copy: number;
  /** Not empty. */
  readonly states: ReadonlySet<OutcomeState>;
  readonly condition: string | undefined;
  /** Whether the gate has told its sender that it is stored, where `states` leave that open. */
  readonly acknowledged: boolean;
  readonly sessions: readonly SessionRef[];
  /** Stream ids of sessions that logged in while the server routed it, and were given neither it nor anything else then. */
  readonly missed: readonly string[];
}

export interface SeenSession extends SessionRef {
  readonly state: SessionState;
  /** -128 to 127. */
  readonly priority: number;
  /** Of one that is `gone`: whether its client has ended it in order. */
  readonly graceful?: boolean | undefined;
}

/** Something about a message and one session. */
export interface AtSession {
  readonly n: string;
  readonly session: SessionRef;
}

/** A receipt or marker that went from a client to the sender of a message without being shown to us. */
export interface RoutedReceipt {
  readonly by: 'receipt' | 'marker';
  /** The message's, as it names it. */
  readonly id: string;
  /** A full or bare JID. */
  readonly to: string;
}

export type GateEvent =
  /** Without a message that is nested too deeply to be read. */
  | { readonly kind: 'held'; readonly n: string; readonly message: Element | undefined }
  | ({ readonly kind: 'outcome' } & Outcome)
  | ({ readonly kind: 'has'; readonly receipt: RoutedReceipt | undefined } & AtSession)
  | ({ readonly kind: 'returned' | 'flushed' } & AtSession)
  | ({ readonly kind: 'session' } & SeenSession)
  | { readonly kind: 'opened'; readonly why: string; readonly held: number }
  | {
      readonly kind: 'unheld';
      readonly from: string;
      readonly to: string;
      readonly id: string;
      /** The recipient's sessions at that time, by stream id. */
      readonly sessions: readonly string[];
      /** How long ago it passed, ms: who begins is told of what another process was told of before. */
      readonly ago: number;
      /** The full JID of the client that has returned a receipt, which went to the sender by itself. */
      readonly confirmedBy: string | undefined;
      /** Which of all that passed it is, wherever it is told again. */
      readonly number: string | undefined;
    }
  /** `elsewhere`: by another process's will, which has ended it, or sees to it from now on. */
  | { readonly kind: 'forgotten'; readonly n: string; readonly elsewhere: boolean }
  /** A user's account (bare JID) was deleted, `ago` ms before. */
  | { readonly kind: 'deleted'; readonly jid: string; readonly ago: number }
  | { readonly kind: 'ready' };

/** What a gate answers to `enable`. Times in ms. */
export interface Enabled {
  readonly version: number;
  readonly token: string;
  readonly epoch: string;
  /** The gate's own version, and the server's name. */
  readonly gate: string;
  readonly server: string;
  readonly timeout: number;
  readonly lease: number;
  /** What it can see of clients: `sm`, `ping`. Empty where it does not say. */
  readonly proofs: readonly string[];
  /** Whether it acknowledges messages to their senders when a verdict says so. */
  readonly acks: boolean;
  /** The mark of the ledger that a process told it last; undefined where none did. */
  readonly ledger?: string | undefined;
  /** How long ago that was, ms. */
  readonly ledgerAge: number;
}

/** A command that could not be carried out. */
export interface Failed {
  readonly command: string;
  readonly n: string;
  readonly reason: string;
}

/** `<epoch>-<counter>`: nothing else may get into a record, or come back in a command. */
const NUMBER = /^[\da-z]{1,64}-\d{1,20}$/;

/** The epoch of a message's number. */
export function epochOf(n: string): string {
  return n.slice(0, n.indexOf('-'));
}

/** The `<gate/>` in a stanza, of this version's namespace. */
export function gateIn(stanza: Element): Element | undefined {
  for (const child of stanza.getChildElements())
    if (child.name === 'gate' && namespaceOf(child) === NS.gate) return child;
  return undefined;
}

/** What a gate tells, in its order. What is not known, or has no sense, is left out. */
export function* readEvents(gate: Element): Generator<GateEvent> {
  for (const element of gate.getChildElements()) {
    const event = READERS[element.name]?.(element);
    if (event !== undefined) yield event;
  }
}

/** The answer to `enable`; undefined where it lacks what cannot be done without. */
export function readEnabled(gate: Element): Enabled | undefined {
  const element = gate.getChild('enabled');
  const {
    version,
    token,
    epoch,
    gate: own = '',
    server = '',
    timeout,
    lease,
    proofs = '',
    acks,
    ledger,
  } = element?.attrs ?? {};
  if (!token || !epoch) return undefined;
  return {
    version: whole(version, 1),
    token,
    epoch,
    gate: own,
    server,
    timeout: whole(timeout, 3000),
    lease: whole(lease, 10_000),
    proofs: proofs.split(' ').filter((proof) => proof !== ''),
    acks: acks === 'true',
    ledger: ledger || undefined,
    ledgerAge: whole(element?.attrs['ledger-age'], 0),
  };
}

export function readFailed(gate: Element): Failed[] {
  return gate.getChildren('failed').map(({ attrs: { command = '', n = '', reason = '' } }) => ({ command, n, reason }));
}

const READERS: Readonly<Record<string, (element: Element) => GateEvent | undefined>> = {
  held(element) {
    const n = numberOf(element);
    const message = element.getChildElements().find(({ name }) => name === 'message');
    return n === undefined ? undefined : { kind: 'held', n, message };
  },
  outcome(element) {
    const n = numberOf(element);
    if (n === undefined) return undefined;
    const { copy, state = '', condition, acknowledged } = element.attrs;
    const states = ALONE.get(state) ?? statesIn(state);
    const sessions: SessionRef[] = [];
    const missed: string[] = [];
    for (const { name, attrs } of element.getChildElements()) {
      const { jid, id } = attrs;
      if (!jid || !id) continue;
      if (name === 'session') sessions.push({ jid: kept(jid), id: kept(id) });
      else if (name === 'missed') missed.push(kept(id));
    }
    return {
      kind: 'outcome',
      n,
      copy: whole(copy, 1),
      states,
      condition: condition || undefined,
      acknowledged: acknowledged === 'true',
      sessions,
      missed,
    };
  },
  has(element) {
    const at = atSession(element);
    return at && { kind: 'has', ...at, receipt: routedReceipt(element) };
  },
  returned(element) {
    const at = atSession(element);
    return at && { kind: 'returned', ...at };
  },
  flushed(element) {
    const at = atSession(element);
    return at && { kind: 'flushed', ...at };
  },
  session(element) {
    const { jid, id, state, priority = '0', graceful } = element.attrs;
    const [ref] = refOf(jid, id);
    const known = SESSION_STATES.find((one) => one === state);
    if (ref === undefined || known === undefined) return undefined;
    const number = Number(priority);
    return {
      kind: 'session',
      ...ref,
      state: known,
      priority: Number.isInteger(number) ? number : 0,
      graceful: known === 'gone' && graceful === 'true',
    };
  },
  opened: ({ attrs: { why = '', held } }) => ({ kind: 'opened', why, held: whole(held, 0) }),
  unheld(element) {
    const { from, to, id = '', confirmed, ago, number } = element.attrs;
    const sessions = element.getChildren('session').flatMap(({ attrs }) => (attrs.id ? kept(attrs.id) : []));
    if (!from || !to) return undefined;
    const confirmedBy = confirmed ? kept(confirmed) : undefined;
    const which = number !== undefined && NUMBER.test(number) ? ownCopy(number) : undefined;
    return { kind: 'unheld', from: kept(from), to, id, sessions, ago: whole(ago, 0), confirmedBy, number: which };
  },
  forgotten(element) {
    const n = numberOf(element);
    return n === undefined ? undefined : { kind: 'forgotten', n, elsewhere: element.attrs.elsewhere === 'true' };
  },
  deleted: ({ attrs: { jid, ago } }) => (jid ? { kind: 'deleted', jid, ago: whole(ago, 0) } : undefined),
  ready: () => ({ kind: 'ready' }),
};

function statesIn(text: string): ReadonlySet<OutcomeState> {
  const words = text.split(' ');
  const states = new Set(STATES.filter((one) => words.includes(one)));
  // A word that this version does not know is nothing that was seen.
  if (states.size === 0) states.add('unknown');
  return states;
}

/** In memory of its own: it is remembered while the message is. */
function numberOf({ attrs: { n } }: Element): string | undefined {
  return n !== undefined && NUMBER.test(n) ? ownCopy(n) : undefined;
}

function refOf(jid: string | undefined, id: string | undefined): SessionRef[] {
  return jid && id ? [{ jid: kept(jid), id: kept(id) }] : [];
}

/** Names of sessions that were met lately, in memory of their own. */
const names = new Map<string, string>();
const MOST_NAMES = 10_000;

/** A name that comes with many events, and may be remembered: of what was cut out of the stream, all of that piece would be. */
function kept(name: string): string {
  let own = names.get(name);
  if (own !== undefined) return own;
  own = ownCopy(name);
  if (names.size >= MOST_NAMES) names.clear();
  names.set(own, own);
  return own;
}

function atSession(element: Element): AtSession | undefined {
  const n = numberOf(element);
  const [session] = refOf(element.attrs.jid, element.attrs.session);
  return n === undefined || session === undefined ? undefined : { n, session };
}

function routedReceipt({ attrs: { by, id, to } }: Element): RoutedReceipt | undefined {
  return (by === 'receipt' || by === 'marker') && id && to ? { by, id, to } : undefined;
}

function whole(text: string | undefined, otherwise: number): number {
  const number = Number(text);
  return text !== undefined && text !== '' && Number.isInteger(number) && number >= 0 ? number : otherwise;
}
